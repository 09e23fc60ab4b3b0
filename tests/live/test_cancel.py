"""`cancel()` against a worker: it holds before the body, at a checkpoint, and in a body that never looks."""

from __future__ import annotations

import pytest

from tests.app.models import ReleasingJob
from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


def test_a_job_that_waits_for_a_busy_worker_is_revoked_at_once(jobs, gate, end):
    blockers = [jobs.start(tasks.returns, str(gate)) for _ in range(2)]
    for blocker in blockers:
        jobs.started(blocker)
    job = jobs.start(tasks.returns)

    assert job.cancel()

    unclaimed = end("REVOKED", "CANCELED", attempt=0, claimed=False)
    assert jobs.facts(jobs.row(job)) == unclaimed
    gate.touch()
    jobs.dropped(job)
    assert jobs.runs(job) == 0
    assert jobs.facts(jobs.row(job)) == unclaimed


def test_a_job_that_waits_for_its_time_is_revoked_at_once(jobs, end):
    job = jobs.start(tasks.returns, countdown=2)

    assert job.cancel()

    jobs.dropped(job)
    assert jobs.runs(job) == 0
    assert jobs.facts(jobs.row(job)) == end("REVOKED", "CANCELED", attempt=0, claimed=False)


def test_a_cancelled_body_ends_at_its_checkpoint(jobs, end):
    job = jobs.start(tasks.stops_at_checkpoint)
    jobs.started(job)
    job.cancel_terminates = False

    assert job.cancel()

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")
    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "CANCELING REVOKED"]


def test_a_body_without_a_checkpoint_is_terminated(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    assert job.cancel()

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")
    jobs.ledger.wait("revoked", task_id=job.task_id, terminated=True)
    jobs.ledger.wait("postrun", task_id=job.task_id, state=None)
    assert jobs.arrows(job, 2) == ["PENDING STARTED", "CANCELING REVOKED"]


def test_a_return_after_the_cancel_does_not_win(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)
    job.cancel_terminates = False

    assert job.cancel()
    gate.touch()

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")
    assert jobs.refused(job, "SUCCESS") == ["NOT_IN_SOURCE"]


def test_the_worker_releases_before_it_ends_a_cancelled_job(jobs):
    job = jobs.start(tasks.stops_at_checkpoint, model=ReleasingJob)
    jobs.started(job)
    job.cancel_terminates = False

    assert job.cancel()

    jobs.reaches(job, "REVOKED")
    assert jobs.ledger.wait("released", pk=str(job.pk), generation=1)[0]["status"] == "CANCELING"
