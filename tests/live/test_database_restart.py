"""Database connections that die between two writes of a worker that lives on."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.live import tasks
from tests.live.ledger import wait_until

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]

OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}
CUT = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


def cut_connections() -> None:
    """End every connection to the test database but this one, as a restart of the database does."""
    with connection.cursor() as cursor:

        def others() -> list[int]:
            cursor.execute(OTHERS[connection.vendor])
            return [number for (number,) in cursor.fetchall()]

        for number in others():
            cursor.execute(CUT[connection.vendor], [number])
        wait_until(lambda: not others(), "the connections are gone")


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
