"""JobTask: claims the job before the body runs, and hands it back before a retry is published."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

from celery import Task
from celery.exceptions import Ignore

from jobstate import reaper
from jobstate.celery.delivery import Delivery
from jobstate.context import acting_as, holding
from jobstate.exceptions import JobCanceled, JobStateError, JobStopped
from jobstate.models import JobMixin
from jobstate.states import JobState, Outcome

__all__ = ["JobTask", "actor_of", "job_of", "wait_of"]


def job_of(request: Any) -> JobMixin | None:
    """The job that this very request claimed, if it did."""
    return getattr(request, "jobstate_job", None)


def actor_of(request: Any) -> str:
    """The name under which a worker's writes are recorded."""
    return f"celery:{getattr(request, 'hostname', None) or 'eager'}"


class JobTask(Task):  # type: ignore[type-arg]
    """The base class of tasks that run jobs: `@shared_task(base=JobTask, bind=True)`.

    The body runs only for the delivery that claimed the job; any other is acknowledged and dropped.
    `self.job` is the job, and what is written to it in the body is written under the claim. A return
    ends the job as SUCCESS, an exception as FAILURE, `self.retry()` gives it back.
    """

    Request = "jobstate.celery.request:JobRequest"

    @property
    def job(self) -> JobMixin:
        """The job that this task runs for; JobStateError where it was called without one."""
        job = job_of(self.request)
        if job is None:
            raise JobStateError(f"{self.name} does not run for a job here; start it by job.enqueue({self.name}).")
        return job

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        delivery = None if self.request.called_directly or job_of(self.request) else Delivery.of(self.request)
        if delivery is None:
            return self._run_without_claim(*args, **kwargs)
        with acting_as(actor_of(self.request), "task"):
            job = self._claim(delivery)
            with holding(job._held_claim()):
                return self._run_claimed(job, *args, **kwargs)

    def _run_without_claim(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        return self.run(*args, **kwargs)

    def _claim(self, delivery: Delivery) -> JobMixin:
        job = delivery.job()
        if job is not None and job.status == JobState.STARTED and _settled(delivery):
            job = delivery.job()
        if job is None:
            raise Ignore(f"{delivery.model._meta.label} {delivery.pk} is gone; its message is dropped.")
        token = delivery.token or uuid4().hex
        outcome = job.claim(worker=self.request.hostname or "", token=token, generation=delivery.generation)
        if outcome not in (Outcome.APPLIED, Outcome.ALREADY):
            raise Ignore(f"{delivery.model._meta.label} {delivery.pk}: {outcome.explanation}; its message is dropped.")
        self.request.jobstate_job = job  # type: ignore[attr-defined]
        return job

    def _run_claimed(self, job: JobMixin, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.run(*args, **kwargs)
        except JobStopped as stopped:
            if isinstance(stopped, JobCanceled):
                job._end_canceled()
            raise Ignore(str(stopped)) from stopped

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: Any = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Any:
        """Give the job back and publish its next try; the job is RETRY before the message exists.

        In Celery's own order the next try could reach a worker while the job was still STARTED. Where
        the job is no longer this worker's, nothing is published and the message is dropped.
        """
        job = job_of(self.request)
        if job is not None and self._has_tries_left(max_retries):
            seconds = self.default_retry_delay if countdown is None else countdown
            outcome = job._give_back(wait_of(eta or seconds))
            if not outcome:
                raise Ignore(f"{job._meta.label} {job.pk} is not tried again: {outcome.explanation}.")
        return super().retry(args, kwargs, exc, throw, eta, countdown, max_retries, **options)

    def _has_tries_left(self, max_retries: int | None) -> bool:
        limit = self.max_retries if max_retries is None else max_retries
        return limit is None or self.request.retries < limit


def wait_of(when: datetime | float | None) -> timedelta:
    """How long until `when`, a date or a number of seconds; at once where it is None."""
    if isinstance(when, datetime):
        aware = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
        return max(aware - datetime.now(timezone.utc), timedelta())
    return timedelta(seconds=when or 0)


def _settled(delivery: Delivery) -> bool:
    """Whether the run was STARTED by a worker that is gone, and has been given back now."""
    lost = reaper.find_lost(delivery.model, delivery.pk, delivery.using)
    if lost is None or delivery.generation not in (None, lost.generation):
        return False
    return bool(reaper.settle_job(lost, publish=False))  # this very delivery takes it
