"""Bodies that take too long, and processes that go away under them."""

from __future__ import annotations

import pytest

from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]


def test_a_soft_time_limit_is_a_timeout(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate), soft_time_limit=1)

    row = jobs.reaches(job, "FAILURE")

    assert jobs.facts(row) == end("FAILURE", "TIMEOUT")
    assert row.error.startswith("celery.exceptions.SoftTimeLimitExceeded") or "SoftTimeLimitExceeded" in row.error


def test_a_hard_time_limit_is_one_timeout_though_celery_tells_it_twice(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate), time_limit=1)

    row = jobs.reaches(job, "FAILURE")

    assert jobs.facts(row) == end("FAILURE", "TIMEOUT")
    jobs.ledger.wait("failure", 2, task_id=job.task_id, exception="TimeLimitExceeded")
    assert jobs.refused(job, "FAILURE") == ["FINAL"]
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "STARTED FAILURE"]


def test_a_killed_process_is_a_loss(jobs, end):
    job = jobs.start(tasks.kills_its_process)

    assert jobs.facts(jobs.reaches(job, "FAILURE")) == end("FAILURE", "LOST")
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "STARTED FAILURE"]


def test_a_body_that_exits_is_a_loss(jobs, end):
    job = jobs.start(tasks.exits)

    assert jobs.facts(jobs.reaches(job, "FAILURE")) == end("FAILURE", "LOST")


def test_a_message_given_back_by_a_lost_process_is_refused_while_the_lease_lives(jobs):
    job = jobs.start(tasks.kills_its_process_unacknowledged)

    assert jobs.refused(job, "STARTED") == ["SUPERSEDED"]

    row = jobs.row(job)
    assert (row.status, row.finished_at, row.attempt) == ("STARTED", None, 1)
    assert jobs.runs(job) == 1


def test_the_pool_goes_on_after_a_loss(jobs, end):
    """A process forked after the main one spoke to the database must not share its connection."""
    lost = [jobs.start(tasks.kills_its_process) for _ in range(2)]
    for job in lost:
        jobs.reaches(job, "FAILURE")

    later = [jobs.start(tasks.returns) for _ in range(4)]

    for job in later:
        assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
    late_loss = jobs.start(tasks.kills_its_process)
    assert jobs.facts(jobs.reaches(late_loss, "FAILURE")) == end("FAILURE", "LOST")


def test_a_process_that_survived_an_earlier_revoke_is_a_loss_when_it_dies(jobs, gate, end):
    """Celery tells of the death as if an operator had revoked the task that runs there now."""
    revoked = jobs.start(tasks.returns, str(gate))
    (survivor,) = jobs.started(revoked)
    jobs.revoke(revoked, terminate=True, signal="SIGUSR1")
    jobs.ledger.wait("postrun", task_id=revoked.task_id)
    pair = [jobs.start(tasks.kills_its_process, str(gate)) for _ in range(2)]
    processes = {jobs.started(job)[0] for job in pair}

    gate.touch()

    assert survivor in processes
    for job in pair:
        assert jobs.facts(jobs.reaches(job, "FAILURE")) == end("FAILURE", "LOST")
