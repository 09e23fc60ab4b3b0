"""Which database errors pass, and how often a write is tried again because of them."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential

from jobstate import conf

__all__ = ["is_transient", "retrying"]

# SQLSTATE: serialization failure, deadlock, lock not available, shutdown, crash, starting up
_POSTGRES_STATES = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03"}
_POSTGRES_CONNECTION = "08"
# record changed since last read, lock wait timeout, deadlock, killed, cannot connect (2), gone, lost
_MYSQL_CODES = {1020, 1205, 1213, 1927, 2002, 2003, 2006, 2013}
_SQLITE_WORDS = ("database is locked", "database table is locked")


def is_transient(error: BaseException) -> bool:
    """Whether the same statement may succeed a moment later."""
    if not isinstance(error, (DatabaseError, InterfaceError)):
        return False
    cause = error.__cause__ or error
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if sqlstate:
        return sqlstate in _POSTGRES_STATES or sqlstate.startswith(_POSTGRES_CONNECTION)
    if error.args and isinstance(error.args[0], int):
        return error.args[0] in _MYSQL_CODES
    if type(cause).__module__ == "sqlite3":
        return any(words in str(error) for words in _SQLITE_WORDS)
    # psycopg reports a lost or refused connection without an SQLSTATE
    return isinstance(error, (OperationalError, InterfaceError))


def retrying(alias: str) -> Retrying:
    """Attempts with capped exponential backoff and jitter, on errors that pass.

    Inside a transaction of the caller there is one attempt: only the caller can begin it anew.
    """
    connection = connections[alias]
    budget = conf.retry_budget().total_seconds()
    return Retrying(
        retry=retry_if_exception(is_transient),
        stop=stop_after_attempt(1) if connection.in_atomic_block else stop_after_delay(budget),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        before_sleep=lambda _: connection.close_if_unusable_or_obsolete(),
        reraise=True,
    )
