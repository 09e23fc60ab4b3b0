"""Whole workers that go away in the middle of a body: nobody tells of it, so leases and settling end it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.live import tasks
from tests.live.brokers import chosen_brokers
from tests.live.ledger import wait_until

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]


@pytest.fixture
def durations():
    """Leases that are over soon after their worker."""
    return {"LEASE": 1, "RENEW_EVERY": 0.25}


@pytest.fixture(params=chosen_brokers(), ids=lambda name: f"{name}-killed")
def crew(request, fleet, durations):
    """A worker that the test may kill and start again."""
    crew = fleet.idle_crew(request.param, "prefork", visibility=1, **durations)
    crew.start()
    yield crew
    crew.kill()
    fleet.dismiss(crew)


@pytest.fixture
def redeliver(crew, jobs):
    """Start a worker after the last one was killed; the job's message comes to it once more.

    Redis and RabbitMQ do that by themselves. The filesystem keeps no message that was read, so it is copied.
    """

    def redeliver(job):
        if crew.broker.name == "filesystem":
            jobs.publish_copy(job)
        crew.start()

    return redeliver


def test_settling_gives_its_jobs_to_the_next_worker(crew, jobs, gate, end):
    """Whenever the messages were acknowledged; one that comes back beside the new one is refused."""
    pair = [jobs.start(task, str(gate)) for task in (tasks.returns, tasks.returns_unacknowledged)]
    for job in pair:
        jobs.started(job)
    crew.kill()

    for job in pair:
        assert jobs.settled(job, status="PENDING").lost == 1
    gate.touch()
    crew.start()

    for job in pair:
        row = jobs.reaches(job, "SUCCESS")
        assert jobs.facts(row) == end("SUCCESS", attempt=2)
        assert (row.lost, jobs.runs(job)) == (1, 2)
        assert jobs.arrows(job, 3) == ["PENDING STARTED", "PENDING STARTED", "STARTED SUCCESS"]


def test_a_message_that_comes_back_after_the_lease_needs_no_settling(crew, jobs, gate, redeliver, end):
    job = jobs.start(tasks.returns_unacknowledged, str(gate))
    jobs.started(job)
    crew.kill()
    wait_until(lambda: jobs.is_lost(job), "the lease is over")

    gate.touch()
    redeliver(job)

    row = jobs.reaches(job, "SUCCESS")
    assert jobs.facts(row) == end("SUCCESS", attempt=2)
    assert (row.lost, jobs.runs(job)) == (1, 2)
    expected = ["PENDING STARTED", "STARTED PENDING", "PENDING STARTED", "STARTED SUCCESS"]
    assert jobs.arrows(job, 4) == expected
    assert jobs.refusals(job) == []


@pytest.mark.parametrize("durations", [{}], ids=["long lease"])
def test_a_message_that_comes_back_within_the_lease_is_acknowledged_and_not_run(crew, jobs, gate, redeliver, end):
    job = jobs.start(tasks.returns_unacknowledged, str(gate))
    jobs.started(job)
    claim = jobs.row(job).claim_token
    crew.kill()

    redeliver(job)

    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")
    assert jobs.refusals(job) == [("STARTED", "SUPERSEDED", "claim")]
    assert jobs.runs(job) == 1
    assert (jobs.row(job).status, jobs.row(job).claim_token) == ("STARTED", claim)
    crew.stop()
    assert crew.broker.kept(crew.app) == 0
    jobs.settled(jobs.abandon(job), status="PENDING")
    gate.touch()
    crew.start()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS", attempt=2)


def test_a_job_that_takes_every_worker_with_it_fails_and_tells_its_history(crew, jobs, gate, end, settings):
    settings.JOBSTATE = {"MAX_LOST": 1, "LEASE": timedelta(seconds=1)}
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)
    crew.kill()
    jobs.settled(job, status="PENDING")
    crew.start()
    jobs.ledger.wait("ran", 2, task_id=job.task_id)
    crew.kill()

    row = jobs.settled(job, status="FAILURE")

    assert jobs.facts(row) == end("FAILURE", "LOST", attempt=2)
    assert row.lost == 2
    assert row.worker in row.error
    columns = ("from_status", "to_status", "attempt", "source", "reason")
    assert list(job.transitions.applied().filter(attempt__gt=0).values_list(*columns)) == [
        ("PENDING", "STARTED", 1, "task", ""),
        ("STARTED", "PENDING", 1, "reaper", ""),
        ("PENDING", "STARTED", 2, "task", ""),
        ("STARTED", "FAILURE", 2, "reaper", "LOST"),
    ]


def test_a_cold_shutdown_leaves_the_job_to_settling(crew, jobs, gate, end):
    """Celery tells of a retry that nobody asked for and that is never published."""
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    crew.quit()

    jobs.ledger.wait("retry", task_id=job.task_id, reason=None)
    assert jobs.row(job).status == "STARTED"
    assert jobs.arrows(job, 1) == ["PENDING STARTED"]
    assert jobs.settled(job, status="PENDING").lost == 1
    gate.touch()
    crew.start()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS", attempt=2)
