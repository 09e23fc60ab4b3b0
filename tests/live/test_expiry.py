"""Messages that expire before their run begins, and duplicates that expire beside it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]

LONG_AGO = timedelta(hours=-1)


def test_a_message_that_expired_revokes_its_job(jobs, end):
    job = jobs.start(tasks.returns, countdown=2, expires=1)

    row = jobs.reaches(job, "REVOKED")

    assert jobs.facts(row) == end("REVOKED", "EXPIRED", attempt=0, claimed=False)
    assert jobs.arrows(job, 1) == ["PENDING REVOKED"]
    assert jobs.runs(job) == 0


def test_an_expired_duplicate_does_not_end_a_running_job(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    jobs.publish_copy(job, expires=datetime.now(timezone.utc) + LONG_AGO)
    jobs.ledger.wait("revoked", task_id=job.task_id, expired=True)

    assert jobs.row(job).status == "STARTED"
    assert jobs.refused(job, "REVOKED") == ["SUPERSEDED"]
    gate.touch()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
