"""What an operator of the database does: cutting connections, and holding on to a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from jobstate.models import JobMixin
from tests.live.ledger import wait_until

__all__ = ["cut", "cut_connections", "locked", "waiting"]

OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}
WAITING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
}
CUT = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


def cut_connections() -> None:
    """End every connection to the test database but this one, as a restart of the database does."""
    for number in _numbers(OTHERS):
        cut(number)
    wait_until(lambda: not _numbers(OTHERS), "the connections are gone")


def cut(number: int) -> None:
    """End this connection."""
    with connection.cursor() as cursor:
        cursor.execute(CUT[connection.vendor], [number])


def waiting(besides: int = 0) -> int:
    """The connection that waits for somebody's lock, once there is one."""
    (number, *_) = wait_until(lambda: _numbers(WAITING) - {besides}, "somebody waits for the row")
    return number


@contextmanager
def locked(job: JobMixin) -> Iterator[None]:
    """Nobody else can write the job's row meanwhile; a connection of its own holds it."""
    holder = connection.copy()
    holder.set_autocommit(False)
    table, key = type(job)._meta.db_table, type(job)._meta.pk.column
    try:
        with holder.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} WHERE {key} = %s FOR UPDATE", [job.pk])  # noqa: S608
        yield
    finally:
        holder.rollback()
        holder.close()


def _numbers(question: dict[str, str]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(question[connection.vendor])
        return {number for (number,) in cursor.fetchall()}
