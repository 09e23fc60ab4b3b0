"""What the verbs share: ending a run, giving it back, and letting a cancel win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from jobstate import clock
from jobstate.context import ambient_claim
from jobstate.models.runs import JobRuns
from jobstate.models.writer import Effect
from jobstate.states import JobState, Outcome, Reason, sources_of
from jobstate.transitions import Fence, Result, guarded_chain

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


class JobSteps(JobRuns):
    """The steps that the verbs are made of."""

    class Meta(JobRuns.Meta):
        abstract = True

    def _give_back(self, wait: timedelta, effects: Sequence[Effect] = (), *, strict: bool = False) -> Outcome:
        fence = self._fence(self._ready())
        result = self._write(JobState.RETRY, sources_of(JobState.RETRY), self._due(wait), fence=fence, effects=effects)
        self._let_cancel_win(fence, result)
        return self._answer(result, JobState.RETRY, strict)

    def _end(
        self, to: JobState, columns: dict[str, Any], *, fence: Fence | None = None, strict: bool = False
    ) -> Outcome:
        using = self._ready()
        fence = fence or self._fence(using)
        after: timedelta | None = self._carried(using).get("after") if fence.holds else None
        if after is None:
            result = self._write(to, sources_of(to), columns, fence=fence)
        else:
            result = self._end_and_start_next(to, columns, fence, after)
        self._let_cancel_win(fence, result)
        return self._answer(result, to, strict)

    def _end_and_start_next(self, to: JobState, columns: dict[str, Any], fence: Fence, after: timedelta) -> Result:
        """End the run and start the next, both or neither. This instance stays with the run that it ended."""
        using = self._ready()
        next_columns, publishing = self._new_run(self._last_call(), (fence.generation or 0) + 1, after)
        ending = self._change(using, to, {JobState.STARTED}, columns, fence)
        starting = self._change(using, JobState.PENDING, {to}, next_columns, fence)
        starting = replace(starting, write_id=ending.write_id)
        ended, *started = guarded_chain(self._rows(using), ending, starting)
        self._conclude(ending, ended, using)
        for result in started:
            self._follow(starting, result, using, publishing)
        return ended

    def _carried(self, using: str) -> dict[str, Any]:
        """What the finish of the run that is held here is to carry."""
        if self._held:
            self._carry = {} if self._carry is None else self._carry
            return self._carry
        claim = ambient_claim(self._owner()._meta.label, self.pk, using)
        return {} if claim is None else claim.carried

    def _let_cancel_win(self, fence: Fence, result: Result) -> None:
        """A holder who finds the job CANCELING is the one to end it."""
        if (
            fence.holds
            and result.outcome is Outcome.NOT_IN_SOURCE
            and result.row
            and result.row.status == JobState.CANCELING
        ):
            self._carry_out_cancel(fence)

    def _carry_out_cancel(self, fence: Fence) -> None:
        """Release what the run holds, and then end it as REVOKED, as far as the fence allows."""
        self._after_commit(self._ready(), [self._releasing(fence.generation or 0), self._revoking_row(fence)])

    def _revoking_row(self, fence: Fence) -> Effect:
        """CANCELING becomes REVOKED, where the fence allows it; never before the release."""
        columns = {"reason": Reason.CANCELED.value}
        return "revoked", partial(self._write_quietly, JobState.REVOKED, {JobState.CANCELING}, columns, fence)
