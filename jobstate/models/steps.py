"""What the verbs share: starting a run, ending one, giving it back, and what follows the commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from jobstate import clock, conf
from jobstate.dispatch import RunMessage, TaskCall, get_runner, run_headers
from jobstate.models.writer import Effect, JobWriter
from jobstate.states import JobState, Outcome, Reason, sources_of
from jobstate.transitions import Fence, Result

__all__ = ["NOBODY", "JobSteps", "claim_columns", "unless_lease_is_over"]

NOBODY: frozenset[str] = frozenset({""})


def unless_lease_is_over() -> Case:
    """The claim as it is, or none where its holder gave no sign of life in time."""
    over = When(lease_expires_at__lt=clock.Instant(), then=Value(""))
    return Case(over, default=F("claim_token"))


def claim_columns(worker: str, token: str = "") -> dict[str, Any]:
    """What a claim writes beside the status."""
    return {
        "claim_token": token or uuid4().hex,
        "worker": worker[:255],
        "attempt": F("attempt") + 1,
        "started_at": Coalesce(F("started_at"), clock.Now()),
        "reason": "",
        "error": "",
    }


class JobSteps(JobWriter):
    """The steps that the verbs are made of."""

    cancel_terminates: ClassVar[bool] = True
    """Whether `cancel()` asks Celery to stop a task that is running, by SIGTERM to its process."""

    class Meta(JobWriter.Meta):
        abstract = True

    def release_resources(self, generation: int) -> None:
        """Free what a cancelled run may still hold; a hook for the app, empty by default.

        Called after commit when the run `generation` was cancelled or replaced, also where the cancel
        found the job final or its row gone, perhaps more than once and perhaps while its worker is still at
        it: it must be idempotent, and touch only that run.
        """

    def _start_run(
        self, call: TaskCall, sources: Iterable[JobState], *, effects: Sequence[Effect] = (), strict: bool = False
    ) -> Outcome:
        using = self._ready()
        payload = call.payload()
        if call.task:
            get_runner().check(call)
        generation = (self._fence(using).generation or 0) + 1
        task_id = str(uuid4()) if call.task else ""
        columns: dict[str, Any] = {
            "generation": generation,
            "task": call.task,
            "payload": payload,
            "task_id": task_id,
            **dict.fromkeys(("claim_token", "worker", "reason", "error"), ""),
            **dict.fromkeys(("attempt", "lost"), 0),
            "started_at": None,
            **self._due(timedelta(seconds=call.options.get("countdown") or 0)),
        }
        kept_call = TaskCall.of_payload(call.task, payload)
        publishing = self._publishing(kept_call, task_id, generation)
        result = self._write(JobState.PENDING, sources, columns, effects=[*effects, *publishing])
        return self._answer(result, JobState.PENDING, strict)

    def _give_back(self, wait: timedelta, effects: Sequence[Effect] = (), *, strict: bool = False) -> Outcome:
        fence = self._fence(self._ready())
        result = self._write(JobState.RETRY, sources_of(JobState.RETRY), self._due(wait), fence=fence, effects=effects)
        self._let_cancel_win(fence, result)
        return self._answer(result, JobState.RETRY, strict)

    def _end(
        self, to: JobState, columns: dict[str, Any], *, fence: Fence | None = None, strict: bool = False
    ) -> Outcome:
        fence = fence or self._fence(self._ready())
        result = self._write(to, sources_of(to), columns, fence=fence)
        self._let_cancel_win(fence, result)
        return self._answer(result, to, strict)

    def _let_cancel_win(self, fence: Fence, result: Result) -> None:
        """A holder who finds the job CANCELING is the one to end it."""
        if (
            fence.holds
            and result.outcome is Outcome.NOT_IN_SOURCE
            and result.row
            and result.row.status == JobState.CANCELING
        ):
            self._after_commit(self._ready(), [self._releasing(fence.generation or 0), self._revoking_row(fence)])

    def _revoking_row(self, fence: Fence) -> Effect:
        """CANCELING becomes REVOKED, where the fence allows it; never before the release."""
        columns = {"reason": Reason.CANCELED.value}
        return "revoked", partial(self._write_quietly, JobState.REVOKED, {JobState.CANCELING}, columns, fence)

    def _releasing(self, generation: int) -> Effect:
        return "release", partial(self.release_resources, generation)

    def _revoking(self, task_id: str) -> list[Effect]:
        if not task_id:
            return []
        return [("revoke", lambda: get_runner().revoke(task_id, terminate=self.cancel_terminates))]

    def _publishing(self, call: TaskCall, task_id: str, generation: int, delay: float | None = None) -> list[Effect]:
        if not call.task:
            return []
        headers = run_headers(self.model_label, self.pk, self._ready(), generation)
        message = RunMessage(call, task_id, headers, delay)
        return [("publish", lambda: get_runner().publish(message))]

    def _due(self, wait: timedelta) -> dict[str, Any]:
        return {
            "scheduled_at": clock.later(wait),
            "lease_expires_at": clock.later(wait + conf.pending_lease(type(self))),
        }
