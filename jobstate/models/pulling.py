"""Jobs that workers pull, instead of being pushed by a broker."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet

from jobstate.models.settling import SettledJob
from jobstate.models.steps import claim_columns
from jobstate.states import JobState, Outcome
from jobstate.transitions import Change, Fence, Result, next_in_line, next_row, try_update

__all__ = ["PulledJob"]

ANY_RUN = Fence(None, any_run=True)


class PulledJob(SettledJob):
    """How the next job in line is taken; `objects.claim_next()` calls it."""

    class Meta(SettledJob.Meta):
        abstract = True

    @classmethod
    def _claim_next(cls, jobs: QuerySet[Any], worker: str) -> Any:
        if connections[jobs.db].vendor == "postgresql":
            return cls._claim_in_one_statement(jobs, worker)
        skips = connections[jobs.db].features.has_select_for_update_skip_locked
        # the lock that skips others lasts until the claim is written
        with transaction.atomic(using=jobs.db) if skips else nullcontext():
            while (pk := next_in_line(jobs)) is not None:
                job = cls._base_manager.using(jobs.db).get(pk=pk)
                if job._claim_waiting(worker):
                    return job
        return None

    @classmethod
    def _claim_in_one_statement(cls, jobs: QuerySet[Any], worker: str) -> Any:
        change = Change(None, JobState.STARTED, JobState.claimable_states(), ANY_RUN, claim_columns(worker))
        rows = next_row(jobs, cls._owner())
        written = try_update(rows, change)
        if written is None:
            return None
        job = cls._base_manager.using(jobs.db).get(pk=written.pk)
        job._conclude(replace(change, pk=written.pk), Result(Outcome.APPLIED, written=written), jobs.db)
        return job

    def _claim_waiting(self, worker: str) -> bool:
        fence = Fence(self.generation)
        return bool(self._write_quietly(JobState.STARTED, JobState.claimable_states(), claim_columns(worker), fence))
