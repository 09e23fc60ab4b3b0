"""The guarded UPDATE: the only code that writes the status of a job.

Every condition of the guard stands in the UPDATE's own WHERE, on the one table that owns the
status. A condition inside a subquery is not looked at again by PostgreSQL after a wait for the
row's lock, so `rows` must be a plain queryset on that table, filtered by primary key alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db import connections
from django.db.models import F, Model, QuerySet

from jobstate import clock, conf
from jobstate.context import Actor, current_actor
from jobstate.exceptions import IllegalTransition, InvalidColumn
from jobstate.retry import retrying
from jobstate.signals import job_transition_refused, job_transitioned
from jobstate.states import JobState, Outcome

__all__ = [
    "GUARDED_COLUMNS",
    "Change",
    "Fence",
    "Result",
    "Row",
    "announce",
    "current_row",
    "guarded_update",
    "try_update",
]

logger = logging.getLogger("jobstate")

GUARDED_COLUMNS = (
    "status",
    "previous_status",
    "generation",
    "attempt",
    "lost",
    "claim_token",
    "worker",
    "task",
    "payload",
    "task_id",
    "scheduled_at",
    "last_write",
    "lease_expires_at",
    "started_at",
    "finished_at",
    "reason",
    "error",
)
"""The columns that only a guarded write may change."""

_OWN_COLUMNS = {"status", "previous_status", "modified", "last_write", "finished_at"}
_LEASES = {
    JobState.PENDING: conf.pending_lease,
    JobState.RETRY: conf.pending_lease,
    JobState.STARTED: conf.lease,
    JobState.CANCELING: conf.cancel_lease,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a refused writer finds."""

    status: str
    generation: int
    claim_token: str
    last_write: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Fence:
    """Which run a writer belongs to, and which claims it may write under.

    `generation` is None for a message from before jobstate: it writes only where no run was ever
    enqueued. `claims` is None for whoever holds no claim and needs none, a canceller for instance;
    an empty string among them stands for "nobody holds the job".
    """

    generation: int | None
    claims: frozenset[str] | None = None

    def condition(self) -> dict[str, Any]:
        """The fence as conditions of the UPDATE's own WHERE."""
        condition: dict[str, Any] = {"generation": self.generation or 0}
        if self.claims is not None:
            condition["claim_token__in"] = sorted(self.claims)
        return condition

    def shuts_out(self, row: Row) -> bool:
        """Whether a newer run or another claim owns the row."""
        if self.generation is None:
            return False
        return row.generation != self.generation or (self.claims is not None and row.claim_token not in self.claims)

    @property
    def holds(self) -> bool:
        """Whether the writer holds a claim."""
        return bool(self.claims and any(self.claims))


@dataclass(frozen=True, slots=True)
class Change:
    """One call's wish: the arrow, the fence, the columns that ride along, and who asks."""

    to: JobState
    sources: frozenset[JobState]
    fence: Fence
    columns: Mapping[str, Any] = field(default_factory=dict)
    write_id: str = field(default_factory=lambda: uuid4().hex)
    actor: Actor = field(default_factory=current_actor)

    def guard(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows, as far as the guard lets them change."""
        return rows.filter(status__in=sorted(self.sources), **self.fence.condition())

    def assignments(self, model: type[Model]) -> dict[str, Any]:
        """What the UPDATE sets, in its order.

        MariaDB assigns from left to right, so whatever reads the row as it was comes first.
        """
        own: dict[str, Any] = {
            "status": self.to.value,
            "modified": clock.Now(),
            "finished_at": clock.Now() if self.to in JobState.final_states() else None,
            "lease_expires_at": clock.later(_LEASES[self.to](model)) if self.to in _LEASES else None,
            "last_write": self.write_id,
        }
        if self.to in JobState.claimable_states():
            own["claim_token"] = ""  # the job is given back
        return {
            "previous_status": F("status"),
            **self.columns,
            **{k: v for k, v in own.items() if k not in self.columns},
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a change, and the row as a refused writer found it."""

    outcome: Outcome
    row: Row | None = None

    @property
    def took_effect(self) -> bool:
        """Whether this very call changed the row, acknowledged at once or not."""
        return self.outcome in (Outcome.APPLIED, Outcome.ALREADY)


def check_columns(model: type[Model], columns: Mapping[str, Any]) -> None:
    """Raise InvalidColumn for what cannot ride in the one statement on the model's own table."""
    fields = [f for f in model._meta.local_concrete_fields if not f.primary_key]
    own_table = {f.name for f in fields} | {f.attname for f in fields}
    for name in columns:
        if name in _OWN_COLUMNS:
            raise InvalidColumn(f"{name} is set by the guard itself; leave it out.")
        if name not in own_table:
            raise InvalidColumn(
                f"{name} is not a column of {model._meta.db_table}, the table that owns the status of "
                f"{model._meta.label}, so it cannot be written in the same statement."
            )


def check_set_finished(to: JobState, set_finished: bool | None) -> None:
    """Raise IllegalTransition where `set_finished` contradicts the target state."""
    truth = to in JobState.final_states()
    if set_finished is not None and set_finished is not truth:
        raise IllegalTransition(
            f"{to.value} is {'' if truth else 'not '}final, so set_finished={set_finished} is a contradiction."
        )


def try_update(rows: QuerySet[Any], change: Change) -> bool:
    """Issue the one conditional UPDATE; True if the row changed."""
    return bool(change.guard(rows).update(**change.assignments(rows.model)))


def guarded_update(rows: QuerySet[Any], change: Change) -> Result:
    """Issue the one conditional UPDATE and say what became of it.

    Errors that pass are tried again with the same write id, so that an UPDATE whose
    acknowledgement was lost is recognised as this call's own.
    """
    result: Result = retrying(rows.db)(_attempt, rows, change)
    return result


def _attempt(rows: QuerySet[Any], change: Change) -> Result:
    if try_update(rows, change):
        return Result(Outcome.APPLIED)
    row = current_row(rows)
    return Result(_refusal(row, change), row)


def _refusal(row: Row | None, change: Change) -> Outcome:
    if row is None:
        return Outcome.MISSING
    if row.last_write == change.write_id:
        return Outcome.ALREADY
    if change.fence.shuts_out(row) or _held_by_another(row, change):
        return Outcome.SUPERSEDED
    if row.status in JobState.final_states():
        return Outcome.FINAL
    return Outcome.NOT_IN_SOURCE


def _held_by_another(row: Row, change: Change) -> bool:
    return change.to is JobState.STARTED and row.status == JobState.STARTED and bool(row.claim_token)


def current_row(rows: QuerySet[Any]) -> Row | None:
    """The row as it is committed now, on the write alias; None if it was deleted."""
    connection = connections[rows.db]
    if connection.vendor == "mysql" and connection.in_atomic_block:
        rows = rows.select_for_update()  # a plain SELECT would show the transaction's old snapshot
    found = list(rows.values_list(*Row.__slots__))
    return Row(*found[0]) if found else None


def announce(rows: QuerySet[Any], sender: type[Model], pk: Any, change: Change, result: Result) -> None:
    """Send the signal of an applied or a refused change, and write its line to the log."""
    signal = job_transitioned if result.took_effect else job_transition_refused
    event = "job_transitioned" if result.took_effect else "job_transition_refused"
    facts: dict[str, Any] = {
        "pk": pk,
        "using": rows.db,
        "to_status": change.to.value,
        "outcome": result.outcome,
        "actor": change.actor.name,
        "source": change.actor.source,
        "reason": str(change.columns.get("reason", "")),
    }
    logger.info(
        "%s %s %s -> %s: %s",
        event,
        sender._meta.label,
        pk,
        change.to.value,
        result.outcome.value,
        extra={"event": event},
    )
    if signal.has_listeners(sender):
        signal.send_robust(sender, **facts, **_history_of(rows, change, result))


def _history_of(rows: QuerySet[Any], change: Change, result: Result) -> dict[str, Any]:
    if not result.took_effect:
        row = result.row
        return {
            "from_status": row.status if row else "",
            "generation": row.generation if row else change.fence.generation,
            "attempt": row.attempt if row else None,
        }
    known = {"generation": change.columns.get("generation", change.fence.generation or 0), "attempt": None}
    found = (
        rows.filter(last_write=change.write_id)
        .values("generation", "attempt", from_status=F("previous_status"))
        .first()
    )
    return found or {**known, "from_status": ""}
