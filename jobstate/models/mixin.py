"""JobMixin: the verbs of a job, each one guarded statement."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.utils.translation import gettext_lazy as _

from jobstate.dispatch import TaskCall
from jobstate.exceptions import JobCanceled, JobSuperseded
from jobstate.models.error_text import storable_error
from jobstate.models.pulling import PulledJob
from jobstate.models.steps import NOBODY, claim_columns, unless_lease_is_over
from jobstate.models.writer import Effect
from jobstate.querysets import JobManager
from jobstate.records import JobTransition, TransitionQuerySet
from jobstate.states import RUN_STARTS, JobState, Outcome, Reason, sources_of
from jobstate.transitions import Fence, current_row

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = ["JobMixin"]

P = ParamSpec("P")
R = TypeVar("R")


def async_twin(verb: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The same verb for async code, run in Django's thread for the database."""

    async def twin(*args: P.args, **kwargs: P.kwargs) -> R:
        return await sync_to_async(verb)(*args, **kwargs)

    twin.__name__, twin.__qualname__ = f"a{verb.__name__}", f"{verb.__qualname__} (async)"
    twin.__doc__ = f"The async twin of `{verb.__name__}()`."
    return twin


class JobMixin(PulledJob):
    """A long-running job whose status cannot be wrong.

    Subclass it, inherit `JobMixin.Meta`, and change the status by its verbs alone. Every verb is
    one conditional UPDATE, and answers with an Outcome that is truthy only if the row changed.
    """

    objects = JobManager()

    class Meta(PulledJob.Meta):
        abstract = True
        permissions = (
            ("cancel_job", _("Can cancel jobs")),
            ("restart_job", _("Can restart jobs")),
            ("fail_job", _("Can mark jobs as failed")),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def transitions(self) -> TransitionQuerySet:
        """The job's history, oldest first: what was applied, and what was refused."""
        return JobTransition.objects.using(self._state.db).of(self._owner()._meta.label, self.pk)

    def enqueue(self, task: Any = None, *args: Any, strict: bool = False, **kwargs: Any) -> Outcome:
        """Begin the first run: CREATED becomes PENDING, and the message goes out after commit.

        `task` is a Celery task whose base is JobTask, its name, or a signature (`task.s(…).set(queue="slow")`)
        when options are to travel along, or arguments called `task` or `strict`; without a task the job
        waits until somebody claims it.
        TaskNotRegistered and InvalidPayload are raised before any SQL. A broker that is down is
        logged; the job is PENDING all the same.
        """
        return self._start_run(TaskCall.of(task, args, kwargs), {JobState.CREATED}, strict=strict)

    def restart(self, *, replace: bool = False, strict: bool = False) -> Outcome:
        """Begin a new run of a finished job, with the task and arguments of the last one.

        Refused (NOT_IN_SOURCE) where the job has not ended. With `replace=True` a job begins anew in any
        state that this release knows: after commit the old run's resources are released and its task
        revoked, and whatever it still writes is refused. A job that was enqueued without a task
        publishes nothing.
        """
        sources = RUN_STARTS.keys() if replace else JobState.final_states()
        old_run: list[Effect] = []
        if replace and self.generation:
            old_run = [self._releasing(self.generation), *self._revoking(self.task_id)]
        return self._start_run(self._last_call(), sources, effects=old_run, strict=strict)

    def claim(
        self, *, worker: str = "", token: str = "", generation: int | None = None, strict: bool = False
    ) -> Outcome:
        """Take the job to run it: PENDING, RETRY or CREATED becomes STARTED.

        From then on this instance writes under the claim, and is refused once it has lost it.
        `token` names the claim where others must know it too; by default it is a new one. `generation`
        is the run that the caller was asked to do, by default the one that this instance knows.
        """
        fence = Fence(generation or self._fence(self._ready()).generation)
        columns = claim_columns(worker, token)
        result = self._write(JobState.STARTED, sources_of(JobState.STARTED), columns, fence=fence)
        return self._answer(result, JobState.STARTED, strict)

    def succeed(self, *, strict: bool = False) -> Outcome:
        """End the run as done: SUCCESS."""
        return self._end(JobState.SUCCESS, {"reason": "", "error": ""}, strict=strict)

    def fail(self, error: BaseException | str = "", reason: Reason = Reason.ERROR, *, strict: bool = False) -> Outcome:
        """End the run as failed: FAILURE, with the reason and the error's text.

        The text is made safe for the database: no NUL, at most 20,000 characters.
        """
        columns = {"reason": Reason(reason).value, "error": storable_error(error)}
        return self._end(JobState.FAILURE, columns, strict=strict)

    def retry_later(self, delay: timedelta | float = 0, *, strict: bool = False) -> Outcome:
        """Give the job back for another try, due in `delay` (a timedelta or seconds).

        The claim is over, so return right after it. A job that has a task is published again after
        commit, in the same run. There is no limit on tries; `attempt` counts them.
        """
        wait = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
        effects = self._publishing(self._last_call(), self.task_id, self.generation, wait.total_seconds())
        return self._give_back(wait, effects, strict=strict)

    def reschedule(self, after: timedelta | float, *, strict: bool = False) -> Outcome:
        """Let the job run again, due in `after` (a timedelta or seconds): for jobs that recur.

        Inside a run nothing is written yet: the run's finish ends it and starts the next in one
        transaction, the newest call decides the time, and a finish that is refused (or a cancel) schedules
        nothing; the answer is APPLIED. Elsewhere a job that has ended, or whose run has not begun, gets a new
        run, and one that is at work or between two tries is left to its worker (NOT_IN_SOURCE).
        """
        wait = after if isinstance(after, timedelta) else timedelta(seconds=after)
        using = self._ready()
        if self._fence(using).holds and not self.is_final:
            self._carried(using)["after"] = wait
            return Outcome.APPLIED
        sources = {*JobState.final_states(), JobState.PENDING}
        return self._start_run(self._last_call(), sources, delay=wait, strict=strict)

    def cancel(self, *, strict: bool = False) -> Outcome:
        """Stop the job, whatever it does: CANCELING, and REVOKED once nobody holds it.

        After commit its resources are released and its task is revoked; a job that no live worker
        holds is REVOKED at once, else by its worker's end. A finished job stays as it is (FINAL), one
        that is being cancelled already is told so (NOT_IN_SOURCE), and both are released; a newer run is
        not touched (SUPERSEDED).
        """
        using = self._ready()
        fence = self._fence(using)
        generation = fence.generation or 0
        releasing, revoking = self._releasing(generation), self._revoking(self.task_id)
        columns = {"claim_token": unless_lease_is_over()}
        sources = sources_of(JobState.CANCELING)
        result = self._write(JobState.CANCELING, sources, columns, fence=fence, effects=[releasing, *revoking])
        if result.outcome in (Outcome.FINAL, Outcome.MISSING):
            self._after_commit(using, [releasing])
        elif result.outcome is Outcome.NOT_IN_SOURCE:  # somebody cancelled it before
            self._after_commit(using, [releasing, *revoking])
        if result.took_effect or result.outcome is Outcome.NOT_IN_SOURCE:
            self._after_commit(using, [self._revoking_row(Fence(generation, NOBODY))])
        if result.outcome is Outcome.NOT_IN_SOURCE:  # perhaps whoever should have ended it is gone
            self._after_commit(using, [self._revoking_row(Fence(generation, lease_over=True))])
        return self._answer(result, JobState.CANCELING, strict)

    def checkpoint(self) -> None:
        """Raise JobCanceled or JobSuperseded if this worker should stop; one SELECT.

        A task calls it wherever it can stop: between files, between batches.
        """
        using = self._ready()
        row, fence = current_row(self._rows(using)), self._fence(using)
        name = f"{self.model_label} {self.pk}"
        if row is None:
            raise JobSuperseded(f"{name} is gone: stop, and write nothing more.")
        if row.generation == fence.generation and row.status in (JobState.CANCELING, JobState.REVOKED):
            raise JobCanceled(f"{name} was cancelled (it is {row.status} now): stop, and write nothing more.")
        if fence.shuts_out(row):
            raise JobSuperseded(f"{name} is in other hands: stop, and write nothing more.")
        if row.status in JobState.final_states():
            raise JobSuperseded(f"{name} has ended (it is {row.status} now): stop, and write nothing more.")

    def can_be_seen_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether jobstate's views show the job to the user: staff with the view permission."""
        return self._staff_may(user, f"view_{self._meta.model_name}")

    def can_be_cancelled_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether jobstate's views let the user cancel the job: staff with the cancel permission."""
        return self._staff_may(user, "cancel_job")

    def _staff_may(self, user: Any, codename: str) -> bool:
        staff = user.is_active and getattr(user, "is_staff", False)
        return bool(staff and user.has_perm(f"{self._meta.app_label}.{codename}"))

    aenqueue = async_twin(enqueue)
    arestart = async_twin(restart)
    aclaim = async_twin(claim)
    asucceed = async_twin(succeed)
    afail = async_twin(fail)
    aretry_later = async_twin(retry_later)
    areschedule = async_twin(reschedule)
    acancel = async_twin(cancel)
    acheckpoint = async_twin(checkpoint)
    aheartbeat = async_twin(PulledJob.heartbeat)
