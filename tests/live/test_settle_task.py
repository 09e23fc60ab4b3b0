"""The Celery task `jobstate.settle`, as beat sends it."""

from __future__ import annotations

import pytest

from tests.live import tasks

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


def test_a_worker_settles_lost_jobs_when_it_is_asked_by_name(jobs, end):
    job = jobs.orphan(tasks.returns, "lost-long-ago")
    hopeless = jobs.orphan(tasks.returns, "lost-too-often", lost=3)

    jobs.app.send_task("jobstate.settle")

    row = jobs.reaches(job, "SUCCESS")
    assert jobs.facts(row) == end("SUCCESS", attempt=2)
    assert (row.lost, jobs.runs(job)) == (1, 1)
    assert jobs.facts(jobs.reaches(hopeless, "FAILURE")) == end("FAILURE", "LOST")
    assert jobs.arrows(job, 3) == ["STARTED PENDING", "PENDING STARTED", "STARTED SUCCESS"]
