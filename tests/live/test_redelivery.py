"""A message that is delivered once more: its body runs again only where the worker that ran it is gone."""

from __future__ import annotations

import pytest

from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


def test_of_a_finished_job(jobs, end):
    job = jobs.start(tasks.returns)
    jobs.reaches(job, "SUCCESS")

    jobs.publish_copy(job)

    assert jobs.refused(job, "STARTED") == ["FINAL"]
    assert jobs.facts(jobs.row(job)) == end("SUCCESS")
    assert jobs.runs(job) == 1


def test_of_a_failed_job(jobs, end):
    job = jobs.start(tasks.raises)
    jobs.reaches(job, "FAILURE")

    jobs.publish_copy(job)

    assert jobs.refused(job, "STARTED") == ["FINAL"]
    assert jobs.facts(jobs.row(job)) == end("FAILURE", "ERROR")
    assert jobs.runs(job) == 1


def test_of_a_cancelled_job(jobs, runner, monkeypatch, end):
    """The worker never heard of the revoke, as if it had started since."""
    monkeypatch.setattr(runner, "revoke", lambda task_id, terminate: None)
    job = jobs.start(tasks.stops_at_checkpoint)
    jobs.started(job)
    job.cancel()
    jobs.reaches(job, "REVOKED")

    jobs.publish_copy(job)

    assert jobs.refused(job, "STARTED") == ["FINAL"]
    assert jobs.facts(jobs.row(job)) == end("REVOKED", "CANCELED")
    assert jobs.runs(job) == 1


def test_of_a_run_that_is_running(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)
    claim = jobs.row(job).claim_token

    jobs.publish_copy(job)

    assert jobs.refused(job, "STARTED") == ["SUPERSEDED"]
    assert jobs.row(job).claim_token == claim
    gate.touch()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
    assert jobs.runs(job) == 1


def test_of_a_superseded_run(jobs, end):
    job = jobs.start(tasks.returns)
    first = jobs.reaches(job, "SUCCESS")
    assert job.restart()
    jobs.reaches(job, "SUCCESS")

    jobs.publish(first.task, jobs.headers(first), first.task_id)

    assert jobs.refused(job, "STARTED") == ["SUPERSEDED"]
    assert jobs.facts(jobs.row(job)) == end("SUCCESS", generation=2)
    assert jobs.runs(first) == jobs.runs(job) == 1


def test_of_two_copies_of_a_new_run_one_runs(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate), countdown=1)

    jobs.publish_copy(job)

    assert jobs.refused(job, "STARTED") == ["SUPERSEDED"]
    gate.touch()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
    assert jobs.runs(job) == 1


def test_of_a_run_whose_worker_is_gone_settles_the_job_and_takes_it(jobs, end):
    job = jobs.orphan(tasks.returns, "delivered-after-the-lease")
    other = jobs.orphan(tasks.returns, "another-lost-job")

    jobs.publish_copy(job)

    row = jobs.reaches(job, "SUCCESS")
    assert jobs.facts(row) == end("SUCCESS", attempt=2)
    assert (row.lost, jobs.runs(job)) == (1, 1)
    assert jobs.arrows(job, 3) == ["STARTED PENDING", "PENDING STARTED", "STARTED SUCCESS"]
    assert jobs.refusals(job) == []
    assert jobs.row(other).status == "STARTED"


def test_of_a_run_that_was_lost_too_often_fails_the_job(jobs, end):
    job = jobs.orphan(tasks.returns, "delivered-once-too-often", lost=3)

    jobs.publish_copy(job)

    row = jobs.reaches(job, "FAILURE")
    assert jobs.facts(row) == end("FAILURE", "LOST")
    assert row.lost == 4
    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")
    assert jobs.refusals(job) == [("STARTED", "FINAL", "claim")]
    assert jobs.runs(job) == 0


def test_says_where_it_was_refused(jobs, gate, end):
    """Once for a delivery that may not begin, once for an end that comes too late."""
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    jobs.publish_copy(job)
    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")
    jobs.publish_copy(jobs.abandon(job))
    jobs.ledger.wait("ran", 2, task_id=job.task_id)
    gate.touch()

    jobs.ledger.wait("postrun", 2, task_id=job.task_id, state="SUCCESS")
    assert jobs.refusals(job) == [("STARTED", "SUPERSEDED", "claim"), ("SUCCESS", "SUPERSEDED", "finish")]
    assert jobs.facts(jobs.row(job)) == end("SUCCESS", attempt=2)
