"""The querysets of jobs: filters in the words of the domain, and the closed doors.

A guarded column is written by the verbs of a job and by nothing else. `unguarded()` is the one
named way round, for data repair.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

from jobstate import clock, conf
from jobstate.exceptions import GuardedFieldError, GuardedFieldWarning
from jobstate.states import JobState
from jobstate.transitions import GUARDED_COLUMNS

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["JobManager", "JobQuerySet", "close_door"]

_Job = TypeVar("_Job", bound=models.Model, covariant=True)

_INSTEAD = {
    "enqueue() or restart()": ("generation", "task", "payload", "task_id", "scheduled_at"),
    "claim()": ("attempt", "claim_token", "worker", "started_at", "lease_expires_at"),
    "fail(error, reason=…)": ("error", "reason"),
    "claim(), succeed(), fail(), retry_later(), cancel() or restart()": (
        "status",
        "previous_status",
        "finished_at",
        "last_write",
        "lost",
    ),
}


def close_door(model: type[models.Model], names: Iterable[str], door: str) -> None:
    """Refuse to write guarded columns through `door`; only warn where the settings say so."""
    shut = [name for name in GUARDED_COLUMNS if name in set(names)]
    if not shut:
        return
    verbs = "; ".join(verb for verb, columns in _INSTEAD.items() if any(name in columns for name in shut))
    message = (
        f"{door} would write {', '.join(shut)} of {model._meta.label} past the guard, and could undo what another "
        f"process wrote. Call {verbs} on the job; for data repair there is objects.unguarded().update(…)."
    )
    if conf.closed_doors() == "raise":
        raise GuardedFieldError(message)
    warnings.warn(message, GuardedFieldWarning, stacklevel=3)


class JobQuerySet(models.QuerySet[_Job]):
    """Jobs, asked for in the words of the domain."""

    _doors_open = False

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._doors_open = self._doors_open
        return clone

    def running(self) -> Self:
        """Enqueued and not known to have ended."""
        return self.filter(status__in=JobState.running_states())

    def active(self) -> Self:
        """Begun by a worker that will go on."""
        return self.filter(status__in=JobState.active_states())

    def finalizable(self) -> Self:
        """Those whose completion may still fire."""
        return self.filter(status__in=JobState.finalizable_states())

    def claimable(self) -> Self:
        """Waiting for a worker."""
        return self.filter(status__in=JobState.claimable_states())

    def final(self) -> Self:
        """Ended, in whichever way."""
        return self.filter(status__in=JobState.final_states())

    def unfinished(self) -> Self:
        """Not ended."""
        return self.exclude(status__in=JobState.final_states())

    def failed(self) -> Self:
        """What a user would call "it did not work"."""
        return self.filter(status__in=JobState.failed_states())

    def stale(self) -> Self:
        """Not ended, and past the lease of whoever has the job, by the database's clock."""
        return self.unfinished().filter(lease_expires_at__lt=clock.Instant())

    def claim_next(self, worker: str = "", **filters: Any) -> _Job | None:
        """Take the next job that waits and is due, highest priority first, then the oldest; None if there is none.

        For workers that pull. Of several workers each gets another job. The instance holds the claim:
        finish it with `succeed()`, `fail()` or `retry_later()`, and call `heartbeat()` while it runs.
        """
        self._for_write = True  # the alias to write to, unless `using()` chose one
        jobs = self.using(self.db).filter(**filters)
        job: _Job | None = self.model._claim_next(jobs, worker)  # type: ignore[attr-defined]
        return job

    def unguarded(self) -> Self:
        """The same jobs with the doors open, for data repair and nothing else."""
        clone = self._clone()
        clone._doors_open = True
        return clone

    def _close_door(self, names: Iterable[str], door: str) -> None:
        if not self._doors_open:
            close_door(self.model, names, door)

    def update(self, **kwargs: Any) -> int:
        self._close_door(kwargs, "update()")
        return super().update(**kwargs)

    def bulk_update(self, objs: Iterable[_Job], fields: Iterable[str], batch_size: int | None = None) -> int:
        names = list(fields)
        self._close_door(names, "bulk_update()")
        return super().bulk_update(objs, names, batch_size)

    def bulk_create(
        self,
        objs: Iterable[_Job],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[_Job]:
        if update_conflicts:
            self._close_door(update_fields or (), "bulk_create(update_conflicts=True)")
        made = list(objs)
        for job in made:
            job._complete_new_row()  # type: ignore[attr-defined]
        return super().bulk_create(made, batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields)

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[_Job, bool]:
        self._close_door(defaults or (), "update_or_create(defaults=…)")
        return super().update_or_create(defaults, create_defaults, **kwargs)


JobManager = models.Manager.from_queryset(JobQuerySet)


def guarded_among(names: Sequence[str] | Collection[str]) -> set[str]:
    """The guarded columns among the names."""
    return set(GUARDED_COLUMNS).intersection(names)
