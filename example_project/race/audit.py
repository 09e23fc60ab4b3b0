"""The database's own record of the race, and the counts over it.

A trigger notes every UPDATE of either table while the row is still locked, so the notes of one job
stand in the order in which its row changed. Beside it stands what each writer was answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from jobstate import JobState

__all__ = ["Tally", "create_record", "note_answer", "tally", "watch"]

_RECORD = """
CREATE TABLE race_audit (
    seq bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    model text NOT NULL, job bigint NOT NULL,
    old_run int NOT NULL, run int NOT NULL,
    old_status text NOT NULL, status text NOT NULL,
    old_title text NOT NULL, title text NOT NULL
);
CREATE TABLE race_answer (
    seq bigserial PRIMARY KEY,
    model text NOT NULL, job bigint NOT NULL, run int NOT NULL, verb text NOT NULL, applied boolean NOT NULL
);
CREATE FUNCTION race_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO race_audit (model, job, old_run, run, old_status, status, old_title, title)
    VALUES (TG_TABLE_NAME, NEW.id, OLD.generation, NEW.generation, OLD.status, NEW.status, OLD.title, NEW.title);
    RETURN NULL;
END $$;
"""

_COUNTS = """
WITH runs AS (
    SELECT job, run,
        bool_or(old_status = ANY(%(final)s) AND status <> ALL(%(final)s) AND run <= old_run) AS resurrected,
        count(DISTINCT status) FILTER (WHERE status = ANY(%(final)s)) > 1 AS two_ends,
        bool_or(title < old_title) AS edit_lost,
        (array_agg(status ORDER BY seq DESC))[1] AS outcome
    FROM race_audit WHERE model = %(model)s GROUP BY job, run
), cancels AS (
    SELECT DISTINCT job, run FROM race_answer WHERE model = %(model)s AND verb = 'cancel' AND applied
)
SELECT
    count(*) FILTER (WHERE resurrected) AS resurrected,
    (SELECT count(*) FROM cancels LEFT JOIN runs USING (job, run) WHERE outcome IS DISTINCT FROM 'REVOKED')
        AS cancels_lost,
    count(*) FILTER (WHERE two_ends) AS two_ends,
    count(*) FILTER (WHERE edit_lost) AS edits_lost,
    count(*) FILTER (WHERE outcome <> ALL(%(final)s)) AS never_ended,
    (SELECT count(*) FROM race_answer WHERE model = %(model)s AND NOT applied) AS refused,
    (SELECT count(*) FROM race_audit WHERE model = %(model)s) AS writes,
    (SELECT coalesce(extract(epoch FROM max(at) - min(at)), 0)::float FROM race_audit WHERE model = %(model)s)
        AS seconds
FROM runs
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one model's runs; the losses count runs."""

    resurrected: int
    """A final status was followed by one that is not."""
    cancels_lost: int
    """The canceller was told that it is done, and the run's outcome is not REVOKED."""
    two_ends: int
    """Two different final statuses were written."""
    edits_lost: int
    """A title that was saved went back to an older one."""
    never_ended: int
    """The run's last status is not final."""
    refused: int
    """Verbs that were answered with a no."""
    writes: int
    """UPDATEs that changed a row."""
    seconds: float
    """From the first of them to the last, by the database's clock."""


def create_record(connection: Any) -> None:
    """Create the tables of the record."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORD)


def watch(connection: Any, table: str) -> None:
    """Have every UPDATE of the table noted."""
    name = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER race_note AFTER UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION race_note()")


def note_answer(connection: Any, job: Model, verb: str, applied: bool) -> None:
    """Note what a writer was answered."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO race_answer (model, job, run, verb, applied) VALUES (%s, %s, %s, %s, %s)",
            [job._meta.db_table, job.pk, job.generation, verb, applied],  # type: ignore[attr-defined]
        )


def tally(connection: Any, table: str) -> Tally:
    """Count one model's losses; the same SQL for both."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"model": table, "final": sorted(JobState.final_states())})
        return Tally(*cursor.fetchone())
