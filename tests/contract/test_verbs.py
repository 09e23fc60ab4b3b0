"""What each verb writes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from jobstate import Outcome, Reason, TransitionRefused
from tests.app.models import Job, SummedJob

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


def test_a_run_from_its_first_message_to_its_end(make, fresh, runner):
    job = make()

    assert job.enqueue("some.task", 1, two=2)
    assert job.claim(worker="w1")
    assert job.succeed()

    row = fresh(job)
    assert (row.status, row.previous_status, row.generation, row.attempt, row.worker) == (
        "SUCCESS",
        "STARTED",
        1,
        1,
        "w1",
    )
    assert row.started_at <= row.finished_at
    assert abs(row.finished_at - now()) < timedelta(minutes=5)
    assert row.claim_token != ""
    assert row.lease_expires_at is None
    (message,) = runner.published
    assert (message.call.task, list(message.call.args), dict(message.call.kwargs)) == ("some.task", [1], {"two": 2})
    assert message.task_id == row.task_id
    assert message.headers == {
        "jobstate_model": job._meta.label,
        "jobstate_pk": str(job.pk),
        "jobstate_using": job._state.db,
        "jobstate_generation": 1,
    }


def test_a_lease_is_an_instant_of_the_databases_clock(make, fresh):
    job = make()

    job.enqueue()

    lease = fresh(job).lease_expires_at
    assert abs(lease - datetime.now(timezone.utc) - timedelta(minutes=10)) < timedelta(minutes=2)
    assert not fresh(job).is_stale
    assert not type(job).objects.using(job._state.db).stale().exists()


def test_a_lease_that_ran_out_is_stale(make, model, using):
    job = make(status="STARTED", lease_expires_at=datetime.now(timezone.utc) - timedelta(minutes=2))

    assert job.is_stale
    assert model.objects.using(using).stale().get() == job


def test_a_second_success_is_final_and_changes_nothing(make, fresh):
    job = make()
    job.claim()
    job.succeed()
    finished_at = fresh(job).finished_at

    assert job.succeed() is Outcome.FINAL
    assert job.fail("late") is Outcome.FINAL

    assert (fresh(job).status, fresh(job).finished_at, fresh(job).error) == ("SUCCESS", finished_at, "")


def test_a_failure_keeps_its_reason_and_text(make, fresh):
    job = make()
    job.claim()

    assert job.fail(ValueError("bad file"), Reason.TIMEOUT)

    row = fresh(job)
    assert (row.status, row.reason) == ("FAILURE", "TIMEOUT")
    assert row.error == "ValueError: bad file"


def test_a_retry_gives_the_claim_back_and_is_published_again_in_the_same_run(make, fresh, runner):
    job = make()
    job.enqueue("some.task")
    job.claim()

    assert job.retry_later(timedelta(seconds=90))

    row = fresh(job)
    assert (row.status, row.claim_token, row.generation) == ("RETRY", "", 1)
    assert row.scheduled_at < row.lease_expires_at
    first, second = runner.published
    assert (second.task_id, second.headers, second.delay) == (first.task_id, first.headers, 90)


def test_whoever_gave_the_job_back_writes_no_more(make, fresh):
    job = make()
    job.enqueue("some.task")
    job.claim()
    job.retry_later(0)

    assert job.succeed() is Outcome.SUPERSEDED
    assert job.fail("late") is Outcome.SUPERSEDED

    assert fresh(job).status == "RETRY"


def test_strict_raises_with_what_the_row_says(make):
    job = make(status="SUCCESS")

    with pytest.raises(TransitionRefused) as refused:
        job.claim(strict=True)

    error = refused.value
    assert (error.job, error.from_status, error.to_status, error.outcome) == (job, "SUCCESS", "STARTED", Outcome.FINAL)
    assert str(error).endswith("it was found SUCCESS. Call restart() to run it again.")


def test_columns_ride_in_the_same_statement():
    job = SummedJob.objects.create()

    with CaptureQueriesContext(connections["default"]) as sent:
        job.claim()

    (update,) = [query["sql"] for query in sent if "UPDATE " in query["sql"]]
    assert "summary" in update

    assert SummedJob.objects.get().summary == {"status": "STARTED"}


def test_the_async_twins_are_the_same_verbs(make, fresh):
    job = make()

    async def run():
        assert await job.aclaim()
        assert await job.asucceed()
        try:
            return await job.acancel()
        finally:
            await sync_to_async(connections.close_all)()  # it is another thread's

    assert asyncio.run(run()) is Outcome.FINAL
    assert fresh(job).status == "SUCCESS"


def test_a_model_may_have_a_field_called_progress():
    job = Job.objects.create(progress="mine")

    job.claim()
    job.succeed()

    assert Job.objects.get().progress == "mine"
