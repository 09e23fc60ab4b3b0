"""The line of history that is written with the status, and the one that a refusal leaves."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import Model, QuerySet

from jobstate import clock, conf
from jobstate.records import JobTransition
from jobstate.states import Outcome
from jobstate.transitions.guard import Change, Result, Written

__all__ = ["keeps_applied", "record_applied", "record_refusal", "with_line"]

logger = logging.getLogger("jobstate")

_REMEMBERED = 1024
_seen: OrderedDict[tuple[Any, ...], int] = OrderedDict()
_lock = Lock()


def keeps_applied(model: type[Model]) -> bool:
    """Whether applied transitions of the model are recorded."""
    return conf.history(model) != "none"


def record_applied(rows: QuerySet[Any], change: Change) -> Written:
    """Write the line of an UPDATE that was just applied, in its transaction."""
    written = Written(change.pk, *rows.values_list("previous_status", "generation", "attempt").get())
    JobTransition.objects.using(rows.db).create(
        **_line(rows, change),
        job_pk=str(change.pk),
        from_status=written.from_status,
        generation=written.generation,
        attempt=written.attempt,
        at=clock.Now(),
    )
    return written


def with_line(rows: QuerySet[Any], change: Change, update: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """PostgreSQL's UPDATE … RETURNING, made to write its line in the same statement."""
    line = _line(rows, change)
    quote = connections[rows.db].ops.quote_name
    names = ", ".join(quote(name) for name in (*line, "job_pk", "at", "from_status", "generation", "attempt"))
    values = ", ".join(["%s"] * len(line))
    statement = (  # names and SQL are Django's own; every value is a parameter
        f"WITH written AS ({update}), line AS (INSERT INTO {quote(JobTransition._meta.db_table)} ({names}) "  # noqa: S608
        f"SELECT {values}, job_key::text, STATEMENT_TIMESTAMP(), previous_status, generation, attempt FROM written) "
        "SELECT job_key, previous_status, generation, attempt FROM written"
    )
    return statement, (*params, *line.values())


def record_refusal(rows: QuerySet[Any], change: Change, result: Result) -> None:
    """Write the line of a refusal, unless this writer has said the same often enough."""
    if conf.history(rows.model) != "all":
        return
    line, row = _line(rows, change, result.outcome), result.row
    repeats = _times_said((rows.db, change.pk, change.fence.generation, *line.values()))
    if repeats & (repeats - 1):  # only the 1st, 2nd, 4th, 8th… is kept
        return
    refusal = JobTransition(
        **line | {"repeats": repeats},
        job_pk=str(change.pk),
        from_status=row.status if row else "",
        generation=change.fence.generation,
        attempt=row.attempt if row else None,
        at=clock.Now(),
    )
    try:
        refusal.save(using=rows.db, force_insert=True)
    except DatabaseError:
        if connections[rows.db].in_atomic_block:  # the caller's transaction is broken, and must hear of it
            raise
        logger.exception("job_refusal_not_recorded", extra={"event": "job_refusal_not_recorded"})


def _times_said(refusal: tuple[Any, ...]) -> int:
    with _lock:
        times = _seen.pop(refusal, 0) + 1
        _seen[refusal] = times
        if len(_seen) > _REMEMBERED:
            _seen.popitem(last=False)
    return times


def _line(rows: QuerySet[Any], change: Change, outcome: Outcome = Outcome.APPLIED) -> dict[str, Any]:
    return {
        "model": rows.model._meta.label,
        "to_status": change.to.value,
        "outcome": outcome.value,
        "actor": change.actor.name,
        "source": change.actor.source,
        "reason": str(change.columns.get("reason", "")),
        "repeats": 1,
    }
