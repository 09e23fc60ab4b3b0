"""Tables full of jobs, made by the database itself; and the index that claiming wants."""

from __future__ import annotations

from typing import Any

from django.db import connection

__all__ = ["drop_claim_index", "fill", "give_claim_index", "refill", "sizes"]

_COLUMNS: dict[str, str] = {
    "status": """CASE WHEN {waits} THEN CASE WHEN n % 20 = 7 THEN 'RETRY' ELSE 'PENDING' END
                      WHEN n % 1000 = 1 THEN 'STARTED' WHEN n % 1000 = 2 THEN 'CREATED'
                      WHEN n % 16 = 3 THEN 'FAILURE' WHEN n % 40 = 5 THEN 'REVOKED' ELSE 'SUCCESS' END""",
    "previous_status": "'STARTED'",
    "generation": "1",
    "attempt": "CASE WHEN {waits} THEN 0 ELSE 1 END",
    "lost": "0",
    "claim_token": "CASE WHEN {waits} THEN '' ELSE md5(n::text) END",
    "worker": "CASE WHEN {waits} THEN '' ELSE 'worker-' || n % 16 END",
    "task": "'shop.tasks.render_report'",
    "payload": """'{{"args": [12345], "kwargs": {{"format": "pdf"}}}}'::jsonb""",
    "task_id": "md5('task' || n)",
    "scheduled_at": "{created} + CASE WHEN {waits} AND n % 20 = 13 THEN interval '1 year' ELSE interval '0' END",
    "last_write": "md5('write' || n)",
    "lease_expires_at": "CASE WHEN {waits} OR n % 1000 = 1 THEN statement_timestamp() + interval '10 minutes' END",
    "reason": "''",
    "error": "''",
    "key": "''",
    "priority": "CASE WHEN n % 30 = 3 THEN 10 WHEN n % 30 = 4 THEN -10 ELSE 0 END",
    "created": "{created}",
    "modified": "statement_timestamp()",
}
"""What the row number n says; a job a second, and of those that wait 5 % are due in a year."""


def fill(model: type[Any], rows: int) -> None:
    """Insert so many rows with states as a table has them that is long in use: the newest 1 % wait."""
    _insert(model, rows, f"n > {rows * 99 // 100}")
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {_table(model)}")


def refill(model: type[Any], claimed: list[Any]) -> None:
    """End the claimed jobs, and let as many new ones wait."""
    model.objects.unguarded().filter(pk__in=claimed).update(status="SUCCESS", claim_token="")
    _insert(model, len(claimed), "true")


def _insert(model: type[Any], rows: int, waits: str) -> None:
    places = {"created": f"(statement_timestamp() - ({rows} - n) * interval '1 second')", "waits": f"({waits})"}
    values = ", ".join(value.format(**places) for value in _COLUMNS.values())
    statement = f"INSERT INTO {_table(model)} ({', '.join(_COLUMNS)}) SELECT {values} FROM generate_series(1, %s) n"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement.replace(" % ", " %% "), [rows])


def drop_claim_index(model: type[Any]) -> None:
    """Drop the partial indexes of the table, so that only the one on the status is left."""
    for name in _partial_indexes(model):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")


def give_claim_index(model: type[Any]) -> None:
    """Make the index that claiming wants, where the model brings none of its own."""
    if _partial_indexes(model):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX {model._meta.model_name}_claim ON {_table(model)} (priority DESC, created, id)"
            " WHERE status IN ('PENDING', 'RETRY')"
        )


def sizes(model: type[Any]) -> tuple[int, str]:
    """How many rows wait, and the size of the partial index."""
    names = _partial_indexes(model)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_size_pretty(sum(pg_relation_size(name::regclass))) FROM unnest(%s::text[]) name", [names]
        )
        return model.objects.claimable().count(), cursor.fetchone()[0] or "none"


def _partial_indexes(model: type[Any]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass AND indpred IS NOT NULL",
            [_table(model)],
        )
        return [name for (name,) in cursor.fetchall()]


def _table(model: type[Any]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
