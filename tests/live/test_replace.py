"""`restart(replace=True)` while the old run is still in its body."""

from __future__ import annotations

import pytest

from tests.app.models import ReleasingJob
from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


def test_the_late_success_of_the_old_run_is_refused(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)
    job.cancel_terminates = False
    old_task_id = job.task_id

    assert job.restart(replace=True)
    jobs.started(job)
    gate.touch()

    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS", generation=2)
    assert jobs.refused(job, "SUCCESS") == ["SUPERSEDED"]
    jobs.ledger.wait("postrun", task_id=old_task_id, state="SUCCESS")
    assert jobs.arrows(job, 3) == ["PENDING STARTED", "PENDING STARTED", "STARTED SUCCESS"]


def test_the_old_run_stops_at_its_checkpoint_and_ends_nothing(jobs, end):
    job = jobs.start(tasks.stops_at_checkpoint)
    jobs.started(job)
    job.cancel_terminates = False
    old_task_id = job.task_id

    assert job.restart(replace=True)
    jobs.started(job)

    jobs.ledger.wait("postrun", task_id=old_task_id, state="IGNORED")
    assert jobs.facts(jobs.row(job)) == end("STARTED", finished=False, generation=2)
    assert job.cancel()
    assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED", generation=2)


def test_the_terminated_old_run_does_not_revoke_the_new_one(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate), model=ReleasingJob)
    jobs.started(job)
    old_task_id = job.task_id

    assert job.restart(replace=True)
    jobs.ledger.wait("revoked", task_id=old_task_id, terminated=True)
    jobs.started(job)
    gate.touch()

    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS", generation=2)
    assert not jobs.ledger.lines("released", pk=str(job.pk), generation=2)
