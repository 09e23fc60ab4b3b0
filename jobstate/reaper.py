"""Settling: bringing a job whose holder is gone to the state that it should have.

Nothing here asks Celery what it believes of a task; the row and its lease decide. Every settlement
is one guarded statement that looks at the lease again, so that several may run at once and a holder
that came back in between is not hit.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connections, router
from django.db.models import Q

from jobstate import clock, conf
from jobstate.context import acting_as
from jobstate.models import JobMixin
from jobstate.states import JobState, Outcome

__all__ = ["find_lost", "job_models", "settle", "settle_job"]

logger = logging.getLogger("jobstate")

BATCH = 500
_UNSETTLED = (JobState.PENDING, JobState.STARTED, JobState.RETRY, JobState.CANCELING)


def job_models() -> list[type[JobMixin]]:
    """Every job model that owns a table with a status."""
    found = (m for m in apps.get_models() if issubclass(m, JobMixin) and not m._meta.proxy)
    return [model for model in found if model._owner() is model]


def settle(
    model: type[JobMixin] | None = None, dry_run: bool = False, using: str | None = None
) -> dict[str, dict[Outcome, int]]:
    """Settle whatever is unfinished and past its lease; what became of it, by model label and outcome.

    A started job waits again for a worker, until it was lost too often and fails as LOST; a message that
    nobody took is published again; a cancel that nobody carried out is carried out; a job without a lease gets
    one. With `dry_run` nothing is written, and APPLIED counts what would have been tried.
    """
    chosen = [model._owner()] if model else job_models()
    with acting_as("jobstate_settle", "reaper"):
        return {each._meta.label: dict(_settle_all(each, dry_run, using)) for each in chosen}  # type: ignore[arg-type]


def _settle_all(model: type[JobMixin], dry_run: bool, using: str | None) -> Counter[Outcome]:
    alias = using or router.db_for_write(model)
    outcomes: Counter[Outcome] = Counter()
    for job in _candidates(model, alias):
        outcome = Outcome.APPLIED if dry_run else _settled_or_logged(_most_specific(job))
        if outcome is not None:
            outcomes[outcome] += 1
    return outcomes


def _candidates(model: type[JobMixin], alias: str) -> Iterator[JobMixin]:
    """Whatever is past its lease now, in batches by key, each job once."""
    past = Q(lease_expires_at__lt=clock.Instant()) | Q(lease_expires_at=None)
    rows = model._base_manager.using(alias).filter(past, status__in=_UNSETTLED).order_by("pk")
    rows = rows.annotate(database_now=clock.Instant())
    batch: list[JobMixin] = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH])


def _most_specific(job: JobMixin) -> JobMixin:
    """The multi-table child where there is one: its hooks are the job's."""
    for relation in job._meta.related_objects:
        if relation.one_to_one and getattr(relation.field.remote_field, "parent_link", False):
            child: Any = relation.related_model._base_manager.using(job._state.db).filter(pk=job.pk).first()
            if child is not None:
                child.database_now = job.database_now  # type: ignore[attr-defined]
                return _most_specific(child)
    return job


def _settled_or_logged(job: JobMixin) -> Outcome | None:
    """What became of it; None where the job's own code raised, which must not stop the others."""
    try:
        outcome = settle_job(job)
    except Exception:
        event = {"event": "job_not_settled", "job_pk": str(job.pk)}
        logger.exception("job_not_settled: %s %s", job.model_label, job.pk, extra=event)
        return None
    logger.info(
        "job_settled: %s %s was %s: %s",
        job.model_label,
        job.pk,
        job.previous_status if outcome else job.status,
        outcome.value,
        extra={"event": "job_settled", "job_pk": str(job.pk), "job_outcome": outcome.value},
    )
    return outcome


def settle_job(job: JobMixin, *, publish: bool = True) -> Outcome:
    """Settle one job that was just read; the guard looks at its lease again."""
    if job.lease_expires_at is None:
        return job._settle_without_lease()
    if job.status == JobState.STARTED:
        return job._settle_lost(conf.max_lost(type(job)), publish=publish)
    if job.status == JobState.CANCELING:
        return job._settle_canceling()
    return job._settle_unclaimed(_waited(job))


def _waited(job: JobMixin) -> timedelta:
    """How long the message has been due, by the database's clock."""
    now: Any = getattr(job, "database_now", None)
    due: datetime | None = job.scheduled_at
    if now is None or due is None:
        return timedelta()
    instant = clock.to_instant(now, connections[job._state.db or "default"].vendor)
    return max(instant - due, timedelta())


def find_lost(model: type[JobMixin], pk: object, using: str) -> JobMixin | None:
    """The job, if a worker had started it and gave no sign of life in time."""
    started = model._base_manager.using(using).filter(pk=pk, status=JobState.STARTED)
    return started.filter(lease_expires_at__lt=clock.Instant()).first()
