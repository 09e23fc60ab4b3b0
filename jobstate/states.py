"""The states of a job, the arrows between them, and what a guarded write answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobstate.exceptions import IllegalTransition

__all__ = ["RUN_STARTS", "TRANSITIONS", "JobState", "Outcome", "Reason", "arrow_sources", "sources_of"]


class JobState(models.TextChoices):
    """Where a job stands, in Celery's own words where Celery has one."""

    CREATED = "CREATED", _("Created")
    """Saved and never enqueued. `enqueue()` leaves it, or a worker that runs it in place."""
    PENDING = "PENDING", _("Waiting")
    """Enqueued: the broker has it. A worker's claim leaves it."""
    STARTED = "STARTED", _("Running")
    """A worker holds the claim. Its finish leaves it, its retry, a cancel, or settling."""
    RETRY = "RETRY", _("Waiting to retry")
    """A try failed and the next one is on its way. The next claim leaves it."""
    CANCELING = "CANCELING", _("Cancelling")
    """Somebody cancelled and the holder is not done yet. Only REVOKED follows."""
    SUCCESS = "SUCCESS", _("Finished")
    """It did what it was for. Final within its run."""
    FAILURE = "FAILURE", _("Failed")
    """It ended in an error; `reason` says of which kind. Final within its run."""
    REVOKED = "REVOKED", _("Cancelled")
    """It was cancelled, or expired before it began. Final within its run."""
    UNKNOWN = "UNKNOWN", _("Unknown")
    """How a value that this release does not know is shown. Never written."""

    @classmethod
    def finalizable_states(cls) -> frozenset[JobState]:
        """The states from which completion may fire."""
        return frozenset({cls.CREATED, cls.PENDING, cls.STARTED, cls.RETRY})

    @classmethod
    def running_states(cls) -> frozenset[JobState]:
        """Enqueued and not known to have ended."""
        return frozenset({cls.PENDING, cls.STARTED, cls.RETRY, cls.CANCELING, cls.UNKNOWN})

    @classmethod
    def active_states(cls) -> frozenset[JobState]:
        """A worker has begun and will go on."""
        return frozenset({cls.STARTED, cls.RETRY})

    @classmethod
    def claimable_states(cls) -> frozenset[JobState]:
        """The states in which an enqueued job waits for a worker."""
        return frozenset({cls.PENDING, cls.RETRY})

    @classmethod
    def final_states(cls) -> frozenset[JobState]:
        """The states that never change within a run."""
        return frozenset({cls.SUCCESS, cls.FAILURE, cls.REVOKED})

    @classmethod
    def failed_states(cls) -> frozenset[JobState]:
        """The states that a user would call "it did not work"."""
        return frozenset({cls.FAILURE, cls.REVOKED, cls.UNKNOWN})

    @classmethod
    def from_celery(cls, value: object) -> JobState:
        """Read a state name of Celery or of another release; never raises.

        RECEIVED reads as PENDING, and what is not known here as UNKNOWN.
        """
        if value == "RECEIVED":
            return cls.PENDING
        return cls(value) if isinstance(value, str) and value in cls.values else cls.UNKNOWN


class Reason(models.TextChoices):
    """Why a job ended, beside its final status."""

    ERROR = "ERROR", _("The task raised an error")
    """The body raised."""
    LOST = "LOST", _("The worker was lost")
    """The process that ran it died."""
    TIMEOUT = "TIMEOUT", _("The time limit was exceeded")
    """A time limit ended it."""
    EXPIRED = "EXPIRED", _("It expired before it began")
    """Its message expired before it began."""
    CANCELED = "CANCELED", _("It was cancelled")
    """Somebody cancelled it."""
    REJECTED = "REJECTED", _("The task rejected its message")
    """The task rejected its message."""
    UNKNOWN_TASK = "UNKNOWN_TASK", _("The worker does not know the task")
    """No worker knew the task."""


class Outcome(Enum):
    """What became of a guarded write. Truthy only for APPLIED."""

    APPLIED = "applied"
    """The row changed, by this call."""
    ALREADY = "already"
    """This very call had changed the row; only its acknowledgement was lost."""
    MISSING = "missing"
    """The row is gone. It is never made again."""
    SUPERSEDED = "superseded"
    """A newer run or another claim owns the job."""
    FINAL = "final"
    """The job had ended."""
    KEY_TAKEN = "key_taken"
    """Another unfinished job holds the key."""
    NOT_IN_SOURCE = "not_in_source"
    """The row's state has no arrow to the one that was asked for."""

    def __bool__(self) -> bool:
        return self is Outcome.APPLIED

    @property
    def explanation(self) -> str:
        """The outcome as a clause for a message to people."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Outcome.APPLIED: "the row changed",
    Outcome.ALREADY: "this very call had changed the row before",
    Outcome.MISSING: "the row was deleted",
    Outcome.SUPERSEDED: "a newer run or another claim owns the job",
    Outcome.FINAL: "the job had already ended",
    Outcome.KEY_TAKEN: "another unfinished job holds the key",
    Outcome.NOT_IN_SOURCE: "no arrow leads there from the row's state",
}

_S = JobState
_ENDINGS = frozenset({_S.SUCCESS, _S.FAILURE, _S.CANCELING, _S.REVOKED})

TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        _S.CREATED: _ENDINGS | {_S.PENDING, _S.STARTED},
        _S.PENDING: _ENDINGS | {_S.STARTED},
        _S.STARTED: _ENDINGS | {_S.RETRY, _S.PENDING},
        _S.RETRY: _ENDINGS | {_S.STARTED},
        _S.CANCELING: frozenset({_S.REVOKED}),
        _S.SUCCESS: frozenset(),
        _S.FAILURE: frozenset(),
        _S.REVOKED: frozenset(),
        _S.UNKNOWN: frozenset(),
    }
)
"""The arrows within a run, from source to targets."""

RUN_STARTS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {state: frozenset({_S.PENDING}) for state in _S if state is not _S.UNKNOWN}
)
"""The arrows that begin a new run: `enqueue()` from CREATED, `restart()` from the final states,
`restart(replace=True)` from any."""


def sources_of(target: JobState | str) -> frozenset[JobState]:
    """The states with an arrow to `target` within a run."""
    wanted = known_state(target)
    return frozenset(source for source, targets in TRANSITIONS.items() if wanted in targets)


def known_state(value: JobState | str) -> JobState:
    """`value` as a JobState; IllegalTransition where there is none of that name."""
    try:
        return JobState(value)
    except ValueError:
        raise IllegalTransition(
            f"There is no job state {value!r}; the states are {', '.join(JobState.values)}."
        ) from None


def arrow_sources(
    target: JobState | str,
    from_statuses: Iterable[JobState | str] | JobState | str | None = None,
    arrows: Mapping[JobState, frozenset[JobState]] = TRANSITIONS,
) -> frozenset[JobState]:
    """The sources that a write to `target` may name; IllegalTransition for one without an arrow.

    None means every source of the target.
    """
    wanted = known_state(target)
    possible = frozenset(source for source, targets in arrows.items() if wanted in targets)
    if not possible:
        raise IllegalTransition(f"No arrow leads to {wanted.value}.")
    if from_statuses is None:
        return possible
    named = [from_statuses] if isinstance(from_statuses, str) else from_statuses
    asked = frozenset(known_state(source) for source in named)
    if not asked or not asked <= possible:
        wrong = ", ".join(sorted(asked - possible)) or "an empty set"
        raise IllegalTransition(
            f"No arrow leads from {wrong} to {wanted.value}; its sources are {', '.join(sorted(possible))}."
        )
    return asked
