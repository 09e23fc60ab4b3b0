"""How a job ends when its body ends by itself."""

from __future__ import annotations

import pytest

from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


def test_a_return_is_success(jobs, end):
    job = jobs.start(tasks.returns)

    row = jobs.reaches(job, "SUCCESS")

    assert jobs.facts(row) == end("SUCCESS")
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "STARTED SUCCESS"]


def test_an_exception_is_one_failure_though_celery_tells_it_twice(jobs, end):
    job = jobs.start(tasks.raises)

    row = jobs.reaches(job, "FAILURE")

    assert jobs.facts(row) == end("FAILURE", "ERROR")
    assert row.error.startswith("ValueError: the body is broken")
    jobs.ledger.wait("postrun", task_id=job.task_id, state="FAILURE")
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "STARTED FAILURE"]


def test_a_result_that_cannot_be_serialised_is_failure(jobs, end):
    job = jobs.start(tasks.returns_an_object)

    row = jobs.reaches(job, "FAILURE")

    assert jobs.facts(row) == end("FAILURE", "ERROR")
    assert "EncodeError" in row.error


def test_a_hook_that_raises_after_the_return_does_not_undo_success(jobs, end):
    job = jobs.start(tasks.returns_into_a_broken_hook)

    row = jobs.reaches(job, "SUCCESS")

    assert jobs.facts(row) == end("SUCCESS")
    jobs.ledger.wait("postrun", task_id=job.task_id, state="SUCCESS")
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "STARTED SUCCESS"]


def test_a_rejected_message_is_failure(jobs, end):
    job = jobs.start(tasks.rejects)

    row = jobs.reaches(job, "FAILURE")

    assert jobs.facts(row) == end("FAILURE", "REJECTED")
    assert row.error == "not for me"
    jobs.ledger.wait("failure", task_id=job.task_id)
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "STARTED FAILURE"]


def test_a_requeued_message_is_given_back_and_run_again(jobs, end):
    job = jobs.start(tasks.rejects_once)

    row = jobs.reaches(job, "SUCCESS")

    assert jobs.facts(row) == end("SUCCESS", attempt=2)
    assert jobs.arrows(job, 4) == ["PENDING STARTED", "STARTED RETRY", "RETRY STARTED", "STARTED SUCCESS"]


def test_an_ignoring_body_leaves_its_job_started(jobs):
    job = jobs.start(tasks.ignores)

    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")

    row = jobs.row(job)
    assert (row.status, row.finished_at, bool(row.claim_token)) == ("STARTED", None, True)
    assert jobs.arrows(job, 1) == ["PENDING STARTED"]
