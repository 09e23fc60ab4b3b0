"""A task that an operator revokes through Celery, past jobstate."""

from __future__ import annotations

import pytest

from tests.live import tasks
from tests.live.ledger import wait_until

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL", "SIGUSR1"])
def test_a_terminated_task_revokes_its_job(jobs, gate, end, signal):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    jobs.revoke(job, terminate=True, signal=signal)

    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")
    jobs.ledger.wait("revoked", task_id=job.task_id, terminated=True)
    assert jobs.arrows(job, 3) == ["PENDING STARTED", "STARTED CANCELING", "CANCELING REVOKED"]


def test_the_failure_of_a_body_that_was_signalled_never_wins(jobs, gate, end):
    """SIGUSR1 raises in the body, which may end before the main process has told of the revoke."""
    for _ in range(5):
        job = jobs.start(tasks.returns, str(gate))
        jobs.started(job)

        jobs.revoke(job, terminate=True, signal="SIGUSR1")

        assert jobs.refused(job, "FAILURE")[0] in ("NOT_IN_SOURCE", "FINAL")
        assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")


def test_a_task_revoked_before_its_time_revokes_its_job(jobs, end):
    job = jobs.start(tasks.returns, countdown=2)

    jobs.revoke(job)

    row = jobs.reaches(job, "REVOKED")
    assert jobs.facts(row) == end("REVOKED", "CANCELED", attempt=0, claimed=False)
    assert jobs.arrows(job, 1) == ["PENDING REVOKED"]
    assert jobs.runs(job) == 0


def test_a_revoke_without_terminate_lets_the_body_end(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    jobs.revoke(job)
    gate.touch()

    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")


def test_a_revoke_after_success_changes_nothing(jobs, end):
    job = jobs.start(tasks.returns)
    jobs.reaches(job, "SUCCESS")
    wait_until(lambda: jobs.app.AsyncResult(job.task_id).state == "SUCCESS", "the result is stored")

    jobs.revoke(job, terminate=True)
    jobs.publish_copy(job)
    jobs.dropped(job)

    assert jobs.facts(jobs.row(job)) == end("SUCCESS")
    assert jobs.runs(job) == 1
