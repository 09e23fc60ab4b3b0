"""Workers that pull: the next job in line, each to one worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F

from jobstate import Outcome, clock
from jobstate.signals import job_transitioned

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


@pytest.fixture
def jobs(model, using):
    return model.objects.using(using)


def waiting(make, **columns):
    job = make(**columns)
    job.enqueue()
    return job


def test_the_most_urgent_comes_first_and_then_the_oldest(make, jobs):
    old, urgent, new = waiting(make), waiting(make, priority=5), waiting(make)

    taken = [jobs.claim_next(worker="w1") for _ in range(4)]

    assert [job and job.pk for job in taken] == [urgent.pk, old.pk, new.pk, None]


def test_the_instance_holds_the_claim(make, jobs, fresh):
    waiting(make)

    job = jobs.claim_next(worker="w1")

    row = fresh(job)
    assert (row.status, row.worker, row.attempt, row.generation) == ("STARTED", "w1", 1, 1)
    assert row.claim_token == job._held != ""
    assert job.heartbeat()
    assert job.succeed()
    assert [(t.from_status, t.to_status) for t in job.transitions] == [
        ("CREATED", "PENDING"),
        ("PENDING", "STARTED"),
        ("STARTED", "SUCCESS"),
    ]


@pytest.mark.parametrize("status", ["CREATED", "STARTED", "CANCELING", "SUCCESS", "FAILURE", "REVOKED"])
def test_only_what_waits_is_taken(make, jobs, status):
    make(status=status)

    assert jobs.claim_next() is None


def test_what_is_not_due_is_left(make, jobs, fresh):
    job = waiting(make)
    jobs.claim_next()
    fresh(job).retry_later(0)
    later = waiting(make)
    later.claim()
    later.retry_later(timedelta(hours=1))

    assert jobs.claim_next().pk == job.pk
    assert jobs.claim_next() is None


def test_filters_choose(make, jobs):
    waiting(make, key="a")
    second = waiting(make, key="b")

    assert jobs.claim_next(worker="w1", key="b").pk == second.pk
    assert jobs.filter(key="b").claim_next() is None


def test_the_claim_is_announced(make, jobs):
    heard = []

    def hear(from_status, to_status, pk, attempt, **facts):
        heard.append((from_status, to_status, pk, attempt))

    job = waiting(make)
    job_transitioned.connect(hear)
    try:
        jobs.claim_next()
    finally:
        job_transitioned.disconnect(hear)

    assert heard == [("PENDING", "STARTED", job.pk, 1)]


def test_a_claim_of_a_job_that_was_settled_is_superseded(make, jobs, model, using):
    job = waiting(make)
    first = jobs.claim_next(worker="first")
    first._guarded_status_update("PENDING")
    second = jobs.claim_next(worker="second")

    assert (second.pk, first.succeed()) == (job.pk, Outcome.SUPERSEDED)
    assert second.succeed()


def test_the_index_of_waiting_jobs_holds_nothing_else_where_the_database_can(model, using):
    connection = connections[using]
    owner = model._owner()._meta
    name = f"{owner.app_label}_{owner.model_name}_waiting"
    queries = {
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = %s",
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = %s",
        "mysql": "SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics "
        "WHERE index_name = %s AND table_schema = DATABASE()",
    }

    with connection.cursor() as cursor:
        cursor.execute(queries[connection.vendor], [name])
        (definition,) = cursor.fetchone()

    wanted = ["status,priority,created"] if connection.vendor == "mysql" else ["WHERE", "PENDING", "RETRY", "priority"]
    assert all(word in definition for word in wanted)
    assert "STARTED" not in definition


def test_what_is_due_this_very_instant_is_due(make, jobs):
    make()
    at_once = jobs.annotate(due=clock.later(timedelta()), instant=clock.Instant())

    assert at_once.filter(due__lte=F("instant"), due__gte=F("instant")).exists()
