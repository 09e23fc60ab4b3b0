"""How a run begins, and what a run owes the world once it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

from jobstate import clock, conf
from jobstate.dispatch import RunMessage, TaskCall, get_runner, run_headers
from jobstate.models.writer import Effect, JobWriter
from jobstate.states import JobState, Outcome

__all__ = ["JobRuns"]


class JobRuns(JobWriter):
    """Runs, from their first statement to what follows the commit."""

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
        self,
        call: TaskCall,
        sources: Iterable[JobState],
        *,
        delay: timedelta | None = None,
        effects: Sequence[Effect] = (),
        strict: bool = False,
    ) -> Outcome:
        generation = (self._fence(self._ready()).generation or 0) + 1
        columns, publishing = self._new_run(call, generation, delay)
        result = self._write(JobState.PENDING, sources, columns, effects=[*effects, *publishing])
        return self._answer(result, JobState.PENDING, strict)

    def _new_run(
        self, call: TaskCall, generation: int, delay: timedelta | None = None
    ) -> tuple[dict[str, Any], list[Effect]]:
        """What a new run writes, and its publication; MisuseError for a call that nobody could run."""
        payload = call.payload()
        if call.task:
            get_runner().check(call)
        task_id = str(uuid4()) if call.task else ""
        wait = call.wait if delay is None else delay
        columns: dict[str, Any] = {
            "generation": generation,
            "task": call.task,
            "payload": payload,
            "task_id": task_id,
            **dict.fromkeys(("claim_token", "worker", "reason", "error"), ""),
            **dict.fromkeys(("attempt", "lost"), 0),
            "started_at": None,
            **self._due(wait),
        }
        seconds = None if delay is None else delay.total_seconds()
        return columns, self._publishing(TaskCall.of_payload(call.task, payload), task_id, generation, seconds)

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

    def _last_call(self) -> TaskCall:
        """The task and arguments of the last enqueueing."""
        return TaskCall.of_payload(self.task, self.payload)

    def _due(self, wait: timedelta) -> dict[str, Any]:
        return {
            "scheduled_at": clock.later(wait),
            "lease_expires_at": clock.later(wait + conf.pending_lease(type(self))),
        }
