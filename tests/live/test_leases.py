"""Leases under live workers: renewed as long as the body runs, and not a moment longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.live import tasks
from tests.live.brokers import chosen_brokers
from tests.live.database import cut, locked, waiting
from tests.live.ledger import wait_until

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]

SHORT = {"LEASE": 2, "RENEW_EVERY": 0.4}
FIRST = sorted(chosen_brokers(), key="redis".__ne__)[0]  # what a pool does is the same over each; one will do
IN_ONE_PROCESS = [(FIRST, "threads"), (FIRST, "solo")]
PREFORK = [(name, "prefork") for name in chosen_brokers()]


@pytest.fixture(params=[PREFORK[0]], ids="-".join)
def crew(request, fleet):
    return fleet.crew(*request.param, **SHORT)


@pytest.fixture(autouse=True)
def _leases_here_are_as_short(settings):
    settings.JOBSTATE = {"LEASE": timedelta(seconds=SHORT["LEASE"])}


def outlives(jobs, job):
    """Wait until the lease that the job has now is over."""
    until = jobs.row(job).lease_expires_at
    watch = jobs.prepare(tasks.returns, f"beside-{job.pk}")
    assert watch.claim()
    wait_until(lambda: jobs.is_lost(watch), "a lease that nobody renews is over")
    assert jobs.row(watch).lease_expires_at >= until


@pytest.mark.parametrize("crew", [*PREFORK, *IN_ONE_PROCESS], ids="-".join, indirect=True)
def test_a_body_may_take_longer_than_its_lease(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    outlives(jobs, job)

    row = jobs.settled(job, status="STARTED")
    assert (row.attempt, row.lost) == (1, 0)
    gate.touch()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")


def test_a_body_that_stood_still_too_long_cannot_end_its_job(crew, jobs, gate, end, settings):
    settings.JOBSTATE = {}  # the next claim lives long
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    with crew.suspended():
        other = jobs.settled(job, status="PENDING")
        assert other.claim(worker="another")
    gate.touch()
    jobs.ledger.wait("postrun", task_id=job.task_id, state="SUCCESS")

    jobs.dropped(job)  # the message that settling published
    assert sorted(jobs.refusals(job)) == [("STARTED", "SUPERSEDED", "claim"), ("SUCCESS", "SUPERSEDED", "finish")]
    row = jobs.row(job)
    assert (row.status, row.worker, row.attempt, row.lost) == ("STARTED", "another", 2, 1)
    assert other.succeed()
    assert jobs.facts(jobs.row(job)) == end("SUCCESS", attempt=2)


def test_nothing_is_renewed_once_the_body_has_ended(jobs, gate):
    job = jobs.start(tasks.ignores, str(gate))
    jobs.started(job)
    until = jobs.row(job).lease_expires_at
    wait_until(lambda: jobs.row(job).lease_expires_at > until, "the lease is renewed")

    gate.touch()
    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")

    jobs.settled(job, lost=1)

    jobs.ledger.wait("ran", 2, task_id=job.task_id)


@pytest.mark.parametrize("crew", IN_ONE_PROCESS[:1], ids="-".join, indirect=True)
def test_nothing_is_renewed_once_the_body_has_left_its_thread(jobs):
    """Celery never hears of such an end, and counts the task among its active ones for ever."""
    job = jobs.start(tasks.exits)
    jobs.ledger.wait("postrun", task_id=job.task_id, state=None)

    jobs.settled(job, lost=1)

    jobs.ledger.wait("ran", 2, task_id=job.task_id)


def test_a_claim_that_its_worker_abandoned_is_not_renewed(jobs, gate):
    """It bears the worker's name, and the worker is alive and renews the lease of another job."""
    active = jobs.start(tasks.returns, str(gate))
    jobs.started(active)
    abandoned = jobs.prepare(tasks.returns, "abandoned-by-its-worker")
    assert abandoned.claim(worker=jobs.row(active).worker)

    jobs.settled(abandoned, lost=1)

    assert jobs.row(active).status == "STARTED"


def test_renewal_goes_on_after_its_connection_was_cut(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)
    with locked(job):
        first = waiting()
        cut(first)
        cut(waiting(besides=first))

    outlives(jobs, job)

    assert jobs.settled(job, status="STARTED").lost == 0
    gate.touch()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
