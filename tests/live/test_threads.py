"""A pool of threads: no process to terminate, so checkpoints and refused finishes do the work."""

from __future__ import annotations

import pytest

from tests.live import tasks
from tests.live.brokers import chosen_brokers

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]

BROKERS = sorted(chosen_brokers(), key="redis".__ne__)[:1]  # what the pool does is the same over each; one will do


@pytest.fixture(params=BROKERS, ids=lambda name: f"{name}-threads")
def crew(request, fleet):
    return fleet.crew(request.param, "threads")


def test_a_return_is_success(jobs, end):
    job = jobs.start(tasks.returns)

    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")


def test_an_exception_is_failure(jobs, end):
    job = jobs.start(tasks.raises)

    assert jobs.facts(jobs.reaches(job, "FAILURE")) == end("FAILURE", "ERROR")


def test_a_retry_is_a_second_attempt(jobs, end):
    job = jobs.start(tasks.retries_once)

    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS", attempt=2)
    jobs.ledger.wait("postrun", task_id=job.task_id, state="RETRY")
    assert jobs.facts(jobs.row(job)) == end("SUCCESS", attempt=2)


def test_a_cancelled_body_ends_at_its_checkpoint_though_it_cannot_be_terminated(jobs, end):
    job = jobs.start(tasks.stops_at_checkpoint)
    jobs.started(job)

    assert job.cancel()

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")
    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")


def test_a_cancelled_body_without_a_checkpoint_cannot_succeed(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    assert job.cancel()
    gate.touch()

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")
    assert jobs.refused(job, "SUCCESS") == ["NOT_IN_SOURCE"]


def test_two_jobs_at_once_keep_their_claims_apart(jobs, gate, end):
    pair = [jobs.start(tasks.returns, str(gate)) for _ in range(2)]
    for job in pair:
        jobs.started(job)

    gate.touch()

    for job in pair:
        assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
