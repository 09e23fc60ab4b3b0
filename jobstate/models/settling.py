"""How a job is settled: each step one guarded statement that looks at the lease again."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F

from jobstate import clock, conf
from jobstate.models.error_text import storable_error
from jobstate.models.reported import ReportedEnds
from jobstate.states import JobState, Outcome, Reason
from jobstate.transitions import Fence, current_row, renew

__all__ = ["SettledJob"]


LONGEST_WAIT = timedelta(hours=1)


class SettledJob(ReportedEnds):
    """The settlements; the reaper calls them on a job that it has just read."""

    class Meta(ReportedEnds.Meta):
        abstract = True

    def _lost_fence(self) -> Fence:
        """Whoever is believed to have the job now must still be the one that was seen, and past its lease."""
        return Fence(self.generation, frozenset({self.claim_token}), lease_over=True)

    def _settle_lost(self, limit: int, *, publish: bool = True) -> Outcome:
        """STARTED, and its worker is gone: wait for another one, or fail when that happened too often."""
        if self.lost < limit:
            again = self._publishing(self._last_call(), self.task_id, self.generation, 0) if publish else []
            columns = {"lost": F("lost") + 1, **self._due(timedelta())}
            return self._write(
                JobState.PENDING, {JobState.STARTED}, columns, fence=self._lost_fence(), effects=again
            ).outcome
        text = storable_error(
            f"The worker {self.worker or '(unnamed)'} gave no sign of life; it was lost {self.lost + 1} times."
        )
        columns = {"reason": Reason.LOST.value, "error": text, "lost": F("lost") + 1}
        return self._write(JobState.FAILURE, {JobState.STARTED}, columns, fence=self._lost_fence()).outcome

    def _settle_canceling(self) -> Outcome:
        """CANCELING, and nobody carried it out: release, then REVOKED."""
        using = self._ready()
        fence = self._lost_fence()
        row = current_row(self._rows(using))
        if row is None or fence.shuts_out(row):
            return Outcome.MISSING if row is None else Outcome.SUPERSEDED
        self._run_effects([self._releasing(self.generation)])
        columns = {"reason": Reason.CANCELED.value}
        return self._write(JobState.REVOKED, {JobState.CANCELING}, columns, fence=fence).outcome

    def _settle_unclaimed(self, waited: timedelta) -> Outcome:
        """PENDING or RETRY, and nobody took the message: whoever prolongs the lease publishes it again.

        Each time the lease is as long as the message has been due, so that it doubles, up to an hour.
        """
        using = self._ready()
        until = clock.later(max(conf.pending_lease(type(self)), min(waited, LONGEST_WAIT)))
        fence = Fence(self.generation, frozenset({""}), lease_over=True)
        if not renew(self._rows(using), fence, frozenset({JobState(self.status)}), until):
            return Outcome.SUPERSEDED
        self._after_commit(using, self._publishing(self._last_call(), self.task_id, self.generation, 0))
        return Outcome.APPLIED

    def _settle_without_lease(self) -> Outcome:
        """It ran before jobstate came: believe whoever has it for one lease."""
        using = self._ready()
        state = JobState(self.status)
        lease = conf.lease if state is JobState.STARTED else conf.pending_lease
        fence = Fence(self.generation, frozenset({self.claim_token}), lease_missing=True)
        renewed = renew(self._rows(using), fence, frozenset({state}), clock.later(lease(type(self))))
        return Outcome.APPLIED if renewed else Outcome.SUPERSEDED

    def heartbeat(self) -> Outcome:
        """Say that this worker lives: its lease begins anew. For those who run jobs without Celery.

        Refused (SUPERSEDED) once another owns the job, and NOT_IN_SOURCE once it was cancelled.
        """
        using = self._ready()
        fence, rows = self._fence(using), self._rows(using)
        if renew(rows, fence, frozenset({JobState.STARTED}), clock.later(conf.lease(type(self)))):
            return Outcome.APPLIED
        row = current_row(rows)
        if row is None:
            return Outcome.MISSING
        if fence.shuts_out(row):
            return Outcome.SUPERSEDED
        return Outcome.FINAL if row.status in JobState.final_states() else Outcome.NOT_IN_SOURCE
