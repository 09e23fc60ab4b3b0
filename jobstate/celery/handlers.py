"""How each end of a Celery task becomes a guarded write.

C is the pool's child, P the worker's main process. What Celery sends at each end, and where, was
observed with Celery 5.7 on live workers; `docs/celery.md` has the table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery import signals, states
from celery.exceptions import Reject
from django.db import close_old_connections

from jobstate.celery.delivery import CLAIM_KEY, Delivery, exited
from jobstate.celery.task import actor_of, job_of, wait_of
from jobstate.context import acting_as, holding
from jobstate.models import JobMixin
from jobstate.states import JobState, Reason

__all__ = ["connect"]

logger = logging.getLogger("jobstate")


def _logged(handler: Callable[..., None]) -> Callable[..., None]:
    """Celery logs what a receiver raises, but not which job is left to settling."""

    @wraps(handler)
    def receiver(**kwargs: Any) -> None:
        try:
            handler(**kwargs)
        except Exception:
            known = {k: kwargs.get(k) for k in ("task_id", "state", "exception", "request")}
            logger.exception(
                "job_end_not_written: %s %s", handler.__name__, known, extra={"event": "job_end_not_written"}
            )

    return receiver


@_logged
def on_postrun(sender: Any, state: str | None, retval: Any, **_: Any) -> None:
    """The body ended (C). A state of None or IGNORED decides nothing, but after None no lease is renewed here."""
    job = job_of(sender.request)
    if job is None:
        return
    if state is None:
        exited.add(getattr(sender.request, CLAIM_KEY, ""))
    with acting_as(actor_of(sender.request), "signal"):
        if state == states.SUCCESS:
            job._end_returned()
        elif state == states.RETRY:
            job._end_retried(wait_of(retval.when))
        elif state == states.REJECTED:
            _end_rejected(job, retval)


def _end_rejected(job: JobMixin, rejection: Any) -> None:
    if rejection.requeue:
        job._give_back(timedelta())
    else:
        job.fail(str(rejection.reason or "rejected"), Reason.REJECTED)


@_logged
def on_failure(sender: Any, exception: BaseException, **_: Any) -> None:
    """The body failed (C), or its child was lost or ran out of time (P, perhaps twice)."""
    request = sender.request
    if isinstance(exception, Reject):  # told by postrun already
        return
    job = job_of(request)
    if job is not None:
        with acting_as(actor_of(request), "signal"):
            job.fail(exception, _reason(exception))
        return
    close_old_connections()
    delivery, job = _in_main_process(request)
    if delivery is not None and job is not None:
        with acting_as(actor_of(request), "signal"), holding(delivery.claim(job)):
            job.fail(exception, _reason(exception))


@_logged
def on_terminate(request: Any, **_: Any) -> None:
    """Celery is about to signal the task's process (P), perhaps for an operator who knows no jobs.

    What the body does about the signal, fail for instance, may be written before Celery tells of
    the revoke; so the job is CANCELING before the process hears of it.
    """
    close_old_connections()
    delivery, job = _in_main_process(request)
    if delivery is not None and job is not None:
        with acting_as(actor_of(request), "signal"):
            fence = delivery.fence(job, delivery.token)
            job._write_quietly(JobState.CANCELING, {JobState.STARTED}, {}, fence)


@_logged
def on_revoked(request: Any, expired: bool, signum: int | str | None = None, **_: Any) -> None:
    """Celery dropped or stopped the task (P), whether or not the job was cancelled."""
    close_old_connections()
    delivery, job = _in_main_process(request)
    if delivery is None or job is None:
        return
    with acting_as(actor_of(request), "signal"):
        if expired:
            job._end_expired(delivery.fence(job, ""))
        elif isinstance(signum, str):
            # Nobody revoked this task: a process that once survived a terminating signal has died, and
            # Celery takes every later death of it for a revoke.
            with holding(delivery.claim(job)):
                job.fail(f"The worker's process ended by signal {signum}.", Reason.LOST)
        else:
            job._end_revoked(delivery.fence(job, "", delivery.token))


@_logged
def on_unknown(message: Any, name: str, **_: Any) -> None:
    """No task of that name here (P)."""
    close_old_connections()
    delivery, job = _in_main_process(message.headers)
    if delivery is not None and job is not None:
        with acting_as("celery", "signal"):
            job._end_unknown_task(name, delivery.fence(job, ""))


def _in_main_process(request: Any) -> tuple[Delivery | None, JobMixin | None]:
    delivery = Delivery.of(request)
    return delivery, delivery.job() if delivery else None


def _reason(exception: BaseException) -> Reason:
    if isinstance(exception, (SoftTimeLimitExceeded, TimeLimitExceeded)):
        return Reason.TIMEOUT
    return Reason.LOST if isinstance(exception, WorkerLostError) else Reason.ERROR


def connect() -> None:
    """Hear how tasks end."""
    for signal, handler in (
        (signals.task_postrun, on_postrun),
        (signals.task_failure, on_failure),
        (signals.task_revoked, on_revoked),
        (signals.task_unknown, on_unknown),
    ):
        signal.connect(handler, weak=False, dispatch_uid=f"jobstate.{handler.__name__}")
