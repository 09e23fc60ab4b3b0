"""The signal and the log line of a change, applied or refused."""

from __future__ import annotations

import logging
from typing import Any

from django.db.models import F, Model, QuerySet

from jobstate.signals import job_transition_refused, job_transitioned
from jobstate.states import JobState
from jobstate.transitions.guard import Change, Result

__all__ = ["announce"]

logger = logging.getLogger("jobstate")


def announce(rows: QuerySet[Any], sender: type[Model], change: Change, result: Result) -> None:
    """Send the signal of an applied or a refused change, and write its line to the log."""
    signal = job_transitioned if result.took_effect else job_transition_refused
    event = "job_transitioned" if result.took_effect else "job_transition_refused"
    facts: dict[str, Any] = {
        "pk": change.pk,
        "using": rows.db,
        "to_status": change.to.value,
        "outcome": result.outcome,
        "actor": change.actor.name,
        "source": change.actor.source,
        "reason": str(change.columns.get("reason", "")),
        **_facts_of(rows, change, result),
    }
    if not result.took_effect:
        facts["where"] = "claim" if change.to is JobState.STARTED else "finish"
    message = "%s %s %s: %s -> %s, %s"
    told = (event, sender._meta.label, change.pk, facts["from_status"], facts["to_status"], result.outcome.value)
    logger.info(message, *told, extra={"event": event, **{f"job_{key}": value for key, value in facts.items()}})
    signal.send_robust(sender, **facts)


def _facts_of(rows: QuerySet[Any], change: Change, result: Result) -> dict[str, Any]:
    if result.written is not None:
        moved = result.written
        return {"from_status": moved.from_status, "generation": moved.generation, "attempt": moved.attempt}
    if not result.took_effect:
        row = result.row
        return {
            "from_status": row.status if row else "",
            "generation": row.generation if row else change.fence.generation,
            "attempt": row.attempt if row else None,
        }
    # the acknowledgement was lost, and with it what the database had told
    mine = rows.filter(last_write=change.write_id)
    found = mine.values("generation", "attempt", from_status=F("previous_status")).first()
    generation = change.columns.get("generation", change.fence.generation or 0)
    return found or {"from_status": "", "generation": generation, "attempt": None}
