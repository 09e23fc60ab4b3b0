"""Database connections that die between two writes of a worker that lives on."""

from __future__ import annotations

import pytest

from tests.live import tasks
from tests.live.database import cut_connections

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]


@pytest.fixture
def warm(jobs):
    """Every process of the worker has spoken to the database, the main one in each of its threads."""
    lost = jobs.start(tasks.kills_its_process)
    limited = jobs.start(tasks.waits, time_limit=1)
    revoked = jobs.start(tasks.returns, countdown=2)
    jobs.revoke(revoked)
    jobs.reaches(lost, "FAILURE")
    jobs.reaches(limited, "FAILURE")
    jobs.reaches(revoked, "REVOKED")


def test_a_revoke_is_still_written(jobs, warm, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)
    cut_connections()

    jobs.revoke(job, terminate=True, signal="SIGKILL")

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")


def test_a_hard_time_limit_is_still_written(jobs, warm, end):
    job = jobs.start(tasks.waits, time_limit=2)
    jobs.started(job)
    cut_connections()

    assert jobs.facts(jobs.reaches(job, "FAILURE")) == end("FAILURE", "TIMEOUT")


def test_a_loss_is_still_written(jobs, warm, gate, end):
    job = jobs.start(tasks.kills_its_process, str(gate))
    jobs.started(job)
    cut_connections()

    gate.touch()

    assert jobs.facts(jobs.reaches(job, "FAILURE")) == end("FAILURE", "LOST")


def test_a_success_is_still_written(jobs, warm, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)
    cut_connections()

    gate.touch()

    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")


def test_the_next_job_is_still_claimed(jobs, end):
    for job in [jobs.start(tasks.returns) for _ in range(4)]:
        jobs.reaches(job, "SUCCESS")
    cut_connections()

    for job in [jobs.start(tasks.returns) for _ in range(4)]:
        assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
