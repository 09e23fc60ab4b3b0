"""The ends that a task runner reports. Its handlers call these; an application has the verbs."""

from __future__ import annotations

from datetime import timedelta

from jobstate.context import Claim
from jobstate.models.error_text import storable_error
from jobstate.models.steps import JobSteps
from jobstate.states import JobState, Outcome, Reason, sources_of
from jobstate.transitions import Fence

__all__ = ["ReportedEnds"]


class ReportedEnds(JobSteps):
    """Ends that happen to a job from outside its body."""

    class Meta(JobSteps.Meta):
        abstract = True

    def _held_claim(self) -> Claim:
        """The claim that this instance holds, as the context carries it."""
        using = self._ready()
        label, carried = self._owner()._meta.label, self._carried(using)
        return Claim(label, str(self.pk), using, self.generation, self._held or "", carried)

    def _end_returned(self) -> None:
        """The body returned: SUCCESS, unless the body had ended the job or given it back itself."""
        self._ready()  # a write of the body that was rolled back is not the truth
        if not self.is_final and self.status != JobState.RETRY:
            self._end(JobState.SUCCESS, {"reason": "", "error": ""})

    def _end_retried(self, wait: timedelta) -> None:
        """The body asked for another try; RETRY was written then, unless a transaction around it rolled back."""
        self._ready()
        if self.status == JobState.STARTED:
            self._give_back(wait)

    def _end_canceled(self) -> None:
        """The holder stopped because of a cancel: REVOKED."""
        self._carry_out_cancel(self._fence(self._ready()))

    def _end_expired(self, fence: Fence) -> None:
        """The message expired before its run began. An expired duplicate never ends a running job."""
        columns = {"reason": Reason.EXPIRED.value}
        self._write(JobState.REVOKED, JobState.claimable_states(), columns, fence=fence)

    def _end_revoked(self, fence: Fence) -> None:
        """The runner dropped or stopped the task, whether or not it was `cancel()` that asked for it."""
        if self.is_final and self.claim_token in (fence.claims or ()):
            return  # this very delivery has come to its end before
        if self.status == JobState.CANCELING:
            self._carry_out_cancel(fence)
            return
        releasing = self._releasing(fence.generation or 0)
        columns = {"reason": Reason.CANCELED.value}
        result = self._write(JobState.REVOKED, JobState.finalizable_states(), columns, fence=fence, effects=[releasing])
        if result.outcome is Outcome.NOT_IN_SOURCE:
            self._carry_out_cancel(fence)

    def _end_unknown_task(self, name: str, fence: Fence) -> None:
        """No worker there knows the task."""
        text = storable_error(f"The worker knows no task {name}.")
        columns = {"reason": Reason.UNKNOWN_TASK.value, "error": text}
        self._write(JobState.FAILURE, sources_of(JobState.FAILURE), columns, fence=fence)
