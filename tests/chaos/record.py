"""The database's own notes of every write, and the stories that the audit reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

from tests.chaos.audit import Line, Note, Present, Story
from tests.chaos.effects import Effects
from tests.live.ledger import Ledger

__all__ = ["create_notes", "effects_by_job", "stories"]

# A renewal of a lease is no transition, and changes none of what the trigger looks at.
_NOTES = """
CREATE TABLE chaos_note (
    seq bigserial PRIMARY KEY, job bigint NOT NULL, from_status text NOT NULL, to_status text NOT NULL,
    held_generation int NOT NULL, generation int NOT NULL, held text NOT NULL, writer text NOT NULL,
    finished boolean NOT NULL, alive boolean NOT NULL
);
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_note (job, from_status, to_status, held_generation, generation, held, writer, finished, alive)
    VALUES (NEW.id, OLD.status, NEW.status, OLD.generation, NEW.generation, OLD.claim_token, NEW.writer,
            NEW.finished_at IS NOT NULL, coalesce(OLD.lease_expires_at >= statement_timestamp(), false));
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_note AFTER UPDATE ON chaos_countjob FOR EACH ROW
WHEN ((OLD.status, OLD.generation, OLD.last_write, OLD.finished_at)
      IS DISTINCT FROM (NEW.status, NEW.generation, NEW.last_write, NEW.finished_at))
EXECUTE FUNCTION chaos_note();
"""


def create_notes() -> None:
    """Have the database note what changes a job, while the row is still locked."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTES)


def stories(ledger: Ledger) -> Iterator[Story]:
    """The story of every job."""
    from jobstate.models import JobTransition
    from tests.chaos.models import CountJob

    lines = _grouped(JobTransition.objects.order_by("pk").values_list("job_pk", *Line.__slots__), Line)
    notes = _grouped(_noted(), Note)
    replaced: dict[str, set[int]] = defaultdict(set)
    for line in ledger.lines("replacing"):
        replaced[line["pk"]].add(line["generation"])
    for job in CountJob.objects.order_by("pk"):
        pk, present = str(job.pk), Present(job.status, job.generation, job.finished_at)
        yield Story(pk, lines[pk], notes[pk], present, frozenset(replaced[pk]))


def effects_by_job(ledger: Ledger) -> dict[str, Effects]:
    """What the ledger says of the signals and the releases of every job."""
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: {"applied": [], "refused": [], "released": []})
    for event in ("applied", "refused"):
        for line in ledger.lines(event):
            found[line["pk"]][event].append(line)
    for line in ledger.lines("released"):
        found[line["pk"]]["released"].append(line["generation"])
    return {pk: Effects(**kinds) for pk, kinds in found.items()}


def _noted() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT job, {', '.join(Note.__slots__)} FROM chaos_note ORDER BY seq")  # noqa: S608  own names
        return list(cursor.fetchall())


def _grouped(rows: Iterable[tuple[Any, ...]], kind: Any) -> dict[str, list[Any]]:
    by_job: dict[str, list[Any]] = defaultdict(list)
    for job, *values in rows:
        by_job[str(job)].append(kind(*values))
    return by_job
