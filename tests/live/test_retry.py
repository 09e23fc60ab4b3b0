"""Retries: the job is RETRY before its next try can reach a worker."""

from __future__ import annotations

import pytest

from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]

TWO_TRIES = ["PENDING STARTED", "STARTED RETRY", "RETRY STARTED", "STARTED SUCCESS"]


@pytest.mark.parametrize("task", [tasks.retries_once, tasks.retries_by_itself], ids=["retry()", "autoretry_for"])
def test_the_next_try_may_run_before_the_last_one_has_ended(jobs, end, task):
    """The first try ends only when the second has begun, which Celery's own order would refuse."""
    job = jobs.start(task)

    row = jobs.reaches(job, "SUCCESS")

    assert jobs.facts(row) == end("SUCCESS", attempt=2)
    jobs.ledger.wait("postrun", task_id=job.task_id, state="RETRY")
    assert jobs.arrows(job, 4) == TWO_TRIES
    assert jobs.facts(jobs.row(job)) == end("SUCCESS", attempt=2)


def test_a_retry_that_a_transaction_of_the_body_undid_is_written_again(jobs, end):
    job = jobs.start(tasks.retries_in_a_transaction)

    row = jobs.reaches(job, "SUCCESS")

    assert jobs.facts(row) == end("SUCCESS", attempt=2)
    assert jobs.arrows(job, 4) == TWO_TRIES


def test_a_waiting_retry_is_held_by_nobody(jobs):
    job = jobs.start(tasks.retries_later)

    row = jobs.reaches(job, "RETRY")

    assert (row.claim_token, row.finished_at, row.attempt, row.generation) == ("", None, 1, 1)
    assert (row.scheduled_at - row.modified).total_seconds() == pytest.approx(3600, abs=1)


def test_no_try_left_is_failure(jobs, end):
    job = jobs.start(tasks.gives_up)

    row = jobs.reaches(job, "FAILURE")

    assert jobs.facts(row) == end("FAILURE", "ERROR", attempt=2)
    assert row.error.startswith("ValueError: never works")
    assert jobs.arrows(job, 4) == [*TWO_TRIES[:3], "STARTED FAILURE"]


def test_a_cancelled_job_is_not_tried_again(jobs, gate, end):
    job = jobs.start(tasks.retries_until_stopped, str(gate))
    jobs.started(job)
    job.cancel_terminates = False

    assert job.cancel()
    assert jobs.row(job).status == "CANCELING"
    gate.touch()

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")
    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")
    assert jobs.runs(job) == 1
