"""Taking the next waiting job: one statement on PostgreSQL, a pick and a guarded claim elsewhere."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from jobstate import clock
from jobstate.states import JobState

__all__ = ["due", "next_in_line", "next_row"]


def due(jobs: QuerySet[Any]) -> QuerySet[Any]:
    """Those that wait for a worker and are due, the most urgent first, then the oldest."""
    waiting = Q(scheduled_at=None) | Q(scheduled_at__lte=clock.Instant())
    claimable = jobs.filter(waiting, status__in=sorted(JobState.claimable_states()))
    return claimable.order_by("-priority", "created", "pk")


def next_in_line(jobs: QuerySet[Any]) -> Any:
    """The key of the next job that nobody else is just taking, or None."""
    first = due(jobs).values_list("pk", flat=True)
    if connections[jobs.db].features.has_select_for_update_skip_locked:
        first = first.select_for_update(skip_locked=True)
    return next(iter(first[:1]), None)


def next_row(jobs: QuerySet[Any], owner: type[Model]) -> QuerySet[Any]:
    """The owner's rows, narrowed to the next job by a subquery that skips what others have locked.

    For PostgreSQL. The subquery is evaluated once; the guard stands beside it, in the UPDATE's own WHERE.
    """
    inner = due(jobs).values("pk")[:1].query.get_compiler(jobs.db)
    picked, params = inner.as_sql()
    table = connections[jobs.db].ops.quote_name(owner._meta.db_table)
    # compiled by Django, which has no way to lock the row of a subquery outside of a transaction
    key = RawSQL(f"({picked} FOR UPDATE OF {table} SKIP LOCKED)", params, owner._meta.pk)  # noqa: S611
    return QuerySet(owner, using=jobs.db).filter(pk=key)
