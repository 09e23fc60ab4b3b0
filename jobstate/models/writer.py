"""The guard on an instance: what it holds, what it learns, and what follows the commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, router, transaction

from jobstate.context import ambient_claim
from jobstate.exceptions import InvalidColumn, TransitionRefused, UnsavedJob
from jobstate.models.doors import GuardedModel
from jobstate.querysets import guarded_among
from jobstate.states import JobState, Outcome, arrow_sources
from jobstate.transitions import (
    GUARDED_COLUMNS,
    Change,
    Fence,
    Result,
    announce,
    check_columns,
    check_set_finished,
    guarded_update,
    try_update,
)

__all__ = ["Effect", "JobWriter"]

logger = logging.getLogger("jobstate")

Effect = tuple[str, Callable[[], object]]
"""A name for the log, and what to do after commit."""


class Uncommitted:
    """A write inside a transaction of the caller, waiting to be committed or rolled back.

    Django drops a commit hook when the savepoint or transaction around it rolls back, so a hook
    that neither ran nor waits tells of the rollback.
    """

    def __init__(self, using: str, held_before: str | None, claimed: bool) -> None:
        self.held_before, self.claimed = held_before, claimed
        self.connection = connections[using]  # whichever thread asks, the hook waits on this one
        self.committed = False
        transaction.on_commit(self, using=using)

    def __call__(self) -> None:
        self.committed = True

    @property
    def lost(self) -> bool:
        waiting = list(self.connection.run_on_commit)
        return not self.committed and not any(hook is self for _, hook, *_ in waiting)


class JobWriter(GuardedModel):
    """A job that is written by guarded statements."""

    # What this writer holds: None for no claim and none needed, "" for a claim that was rolled back.
    _held: str | None = None
    _uncommitted: tuple[Uncommitted, ...] = ()
    _carry: dict[str, Any] | None = None  # what the finish of the run that it holds is to carry

    class Meta(GuardedModel.Meta):
        abstract = True

    def status_update_columns(self, to_status: JobState) -> Mapping[str, Any]:
        """Columns of the model's own that are written in the same statement as the status.

        Override it to keep a summary that can never disagree with the status. Values or
        expressions; an expression sees the row as it was before. It is called before a write that may
        be refused, so it must have no effect of its own; naming a guarded column raises InvalidColumn.
        """
        return {}

    def _guarded_status_update(
        self,
        to_status: JobState | str,
        from_statuses: Iterable[JobState | str] | None = None,
        *,
        set_finished: bool | None = None,
        strict: bool = False,
        **columns: Any,
    ) -> Outcome:
        """Move the row to `to_status` if it stands in one of `from_statuses`; one conditional UPDATE.

        None means every source of the target. `set_finished` says whether `finished_at` is to be
        set, and may only say what is true of the target. `columns` ride in the same statement.
        IllegalTransition for an arrow that does not exist, before any SQL; a refusal is an Outcome,
        or TransitionRefused with `strict=True`.
        """
        sources = arrow_sources(to_status, from_statuses)
        to = JobState(to_status)
        check_set_finished(to, set_finished)
        return self._answer(self._write(to, sources, columns), to, strict)

    def _write(
        self,
        to: JobState,
        sources: Iterable[JobState],
        columns: Mapping[str, Any],
        *,
        fence: Fence | None = None,
        effects: Sequence[Effect] = (),
    ) -> Result:
        using = self._ready()
        change = self._change(using, to, sources, columns, fence)
        rows = self._rows(using)
        result = guarded_update(rows, change)
        self._conclude(change, result, using, effects)
        return result

    def _conclude(self, change: Change, result: Result, using: str, effects: Sequence[Effect] = ()) -> None:
        """Take an applied change up, and let its effects follow the commit; only tell of a refused one."""
        if result.took_effect:
            self._adopt(change, using)
            self._follow(change, result, using, effects)
        else:
            announce(self._rows(using), type(self), change, result)

    def _follow(self, change: Change, result: Result, using: str, effects: Sequence[Effect] = ()) -> None:
        announcing = partial(announce, self._rows(using), type(self), change, result)
        self._after_commit(using, [*effects, ("signal", announcing)])

    def _write_quietly(
        self, to: JobState, sources: Iterable[JobState], columns: Mapping[str, Any], fence: Fence
    ) -> bool:
        """Write where the row allows it, and take no answer for an answer."""
        using = self._ready()
        change = self._change(using, to, sources, columns, fence)
        rows = self._rows(using)
        written = try_update(rows, change)
        if written is None:
            return False
        self._conclude(change, Result(Outcome.APPLIED, written=written), using)
        return True

    def _answer(self, result: Result, to: JobState, strict: bool) -> Outcome:
        if strict and not result.took_effect:
            raise TransitionRefused(self, result.row.status if result.row else None, to.value, result.outcome)
        return result.outcome

    def _ready(self) -> str:
        """The write alias, once it is sure that there is a row and what is known of it is true."""
        if self._state.adding or self.pk is None:
            raise UnsavedJob(
                f"This {self._meta.label} was never saved, so it has no status to change. Call save() first."
            )
        using: str = router.db_for_write(type(self), instance=self)
        self._notice_rollback(using)
        return using

    def _change(
        self, using: str, to: JobState, sources: Iterable[JobState], columns: Mapping[str, Any], fence: Fence | None
    ) -> Change:
        own = dict(self.status_update_columns(to))
        if guarded := guarded_among(own):
            raise InvalidColumn(
                f"status_update_columns() of {self._meta.label} names guarded columns: {', '.join(guarded)}."
            )
        riding = {**own, **columns}
        check_columns(self._owner(), riding)
        return Change(self.pk, to, frozenset(sources), fence or self._fence(using), riding)

    def _fence(self, using: str) -> Fence:
        """The fence of whoever writes through this instance here."""
        if self._held is not None:
            return Fence(self.generation, frozenset({self._held}))
        claim = ambient_claim(self._owner()._meta.label, self.pk, using)
        if claim is not None:
            return Fence(claim.generation, frozenset({claim.token}))
        return Fence(self.generation)

    def _adopt(self, change: Change, using: str) -> None:
        """Let the instance say what the row says now; what the database computed is read when asked for."""
        if connections[using].in_atomic_block:
            claimed = change.to is JobState.STARTED
            self._uncommitted = (*self._uncommitted, Uncommitted(using, self._held, claimed))
        assigned = change.assignments(self._owner())
        for name, value in assigned.items():
            if hasattr(value, "resolve_expression"):
                self.__dict__.pop(name, None)
            else:
                setattr(self, name, value)
        self._state.db = using
        self._remember()
        if change.to is JobState.STARTED:
            self._held = assigned.get("claim_token") or self._held
            self._carry = {}
        elif "generation" in assigned:
            self._held = None

    def _notice_rollback(self, using: str) -> None:
        lost = [write for write in self._uncommitted if write.lost]
        self._uncommitted = tuple(w for w in self._uncommitted if not w.lost and not w.committed)
        if not lost:
            return
        before, held = lost[0].held_before, self._held
        self._held = "" if before is None and any(write.claimed for write in lost) else before
        with suppress(ObjectDoesNotExist):  # its creation may have been rolled back too
            self.refresh_from_db(using=using, fields=GUARDED_COLUMNS)
        if held and self.claim_token == held:  # committed after all: other hooks of the commit run before ours
            self._held = held

    def _after_commit(self, using: str, effects: Sequence[Effect]) -> None:
        transaction.on_commit(partial(self._run_effects, effects), using=using, robust=True)

    def _run_effects(self, effects: Sequence[Effect]) -> None:
        for name, effect in effects:
            try:
                effect()
            except Exception:
                event = {"event": "job_effect_failed", "effect": name, "job_pk": str(self.pk)}
                logger.exception("job_effect_failed: %s of %s %s", name, self._meta.label, self.pk, extra=event)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        for name in ("_held", "_carry", "_uncommitted"):
            state.pop(name, None)  # a claim is its holder's; neither pickling nor copying hands it on
        return state
