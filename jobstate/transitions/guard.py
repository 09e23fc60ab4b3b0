"""What a writer wishes, and what the guard asks of the row: the arrow, the run, the claim, the lease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db.models import F, Model, QuerySet

from jobstate import clock, conf
from jobstate.context import Actor, current_actor
from jobstate.exceptions import IllegalTransition, InvalidColumn
from jobstate.states import JobState, Outcome

__all__ = ["GUARDED_COLUMNS", "Change", "Fence", "Result", "Row", "Written", "check_columns", "check_set_finished"]

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
class Written:
    """What an applied change moved, as the database tells."""

    pk: Any
    from_status: str
    generation: int
    attempt: int | None


@dataclass(frozen=True, slots=True)
class Fence:
    """Which run a writer belongs to, and which claims it may write under.

    `generation` is None for a message from before jobstate: it writes only where no run was ever
    enqueued. `claims` is None for whoever holds no claim and needs none, a canceller for instance;
    an empty string among them stands for "nobody holds the job". With `lease_over` the row is
    written only while nobody is believed to have the job, with `lease_missing` only where no lease
    was ever given. `any_run` is for a claimant that takes whatever run there is.
    """

    generation: int | None
    claims: frozenset[str] | None = None
    lease_over: bool = False
    lease_missing: bool = False
    any_run: bool = False

    def condition(self) -> dict[str, Any]:
        """The fence as conditions of the UPDATE's own WHERE."""
        condition: dict[str, Any] = {} if self.any_run else {"generation": self.generation or 0}
        if self.claims is not None:
            condition["claim_token__in"] = sorted(self.claims)
        if self.lease_over:
            condition["lease_expires_at__lt"] = clock.Instant()
        if self.lease_missing:
            condition["lease_expires_at"] = None
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

    pk: Any
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
    """What became of a change: what it moved, or the row as the refused writer found it."""

    outcome: Outcome
    row: Row | None = None
    written: Written | None = None

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
