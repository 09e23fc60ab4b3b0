"""Settling against whoever comes back in between, and against itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from django.db import transaction

from jobstate import Outcome, reaper
from tests.app.models import Job
from tests.racing import Racer, all_at_once

pytestmark = [pytest.mark.django_db(transaction=True, available_apps=["jobstate", "tests.app"]), pytest.mark.race]

PAST = datetime.now(timezone.utc) - timedelta(hours=1)
CROWD = 6


def lapse():
    Job.objects.unguarded().update(lease_expires_at=PAST)


@pytest.fixture
def holder():
    job = Job.objects.create()
    job.enqueue("some.task")
    job.claim(worker="first")
    lapse()
    return job


def look_then_write(job, guarded):
    """Settle as the reaper does; the red twin trusts what it saw and looks at the status alone."""
    if guarded:
        return reaper.settle_job(job)
    rows = Job.objects.unguarded().filter(pk=job.pk, status="STARTED")
    return rows.update(status="PENDING", claim_token="", lost=job.lost + 1)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "without the lease loses"])
def test_a_worker_that_renews_between_look_and_write_is_not_hit(holder, guarded):
    def work(racer):
        seen = Job.objects.get(pk=holder.pk)
        racer.park()
        return look_then_write(seen, guarded)

    reaping = Racer(work)
    reaping.wait_parked()
    assert holder.heartbeat()
    reaping.resume()

    told = reaping.result()
    assert (Job.objects.get(pk=holder.pk).status == "STARTED") is guarded
    if guarded:
        assert told is Outcome.SUPERSEDED
        assert holder.succeed()


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "without the lease loses"])
def test_a_renewal_that_commits_while_settling_waits_is_seen(holder, guarded):
    seen = Job.objects.get(pk=holder.pk)
    with transaction.atomic():
        assert holder.heartbeat()
        reaping = Racer(lambda racer: look_then_write(seen, guarded))
        reaping.wait_blocked()

    reaping.result()
    assert (Job.objects.get(pk=holder.pk).status == "STARTED") is guarded


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "without the claim loses"])
def test_a_job_that_was_settled_and_claimed_in_between_is_not_hit(holder, guarded):
    def work(racer):
        seen = Job.objects.get(pk=holder.pk)
        racer.park()
        return look_then_write(seen, guarded)

    slow = Racer(work)
    slow.wait_parked()
    reaper.settle(Job)
    second = Job.objects.get(pk=holder.pk)
    assert second.claim(worker="second")
    slow.resume()

    slow.result()
    assert (Job.objects.get(pk=holder.pk).worker == "second" and second.succeed() is Outcome.APPLIED) is guarded


def test_many_settlements_at_once_make_one_transition_per_job(runner):
    jobs = [Job.objects.create() for _ in range(10)]
    for job in jobs:
        job.enqueue("some.task")
        job.claim()
    lapse()
    runner.published.clear()

    told = all_at_once([lambda: reaper.settle(Job)["app.Job"].get(Outcome.APPLIED, 0) for _ in range(CROWD)])

    assert sum(told) == len(jobs)
    assert len(runner.published) == len(jobs)
    for job in jobs:
        settled = job.transitions.applied().filter(source="reaper")
        assert [(t.from_status, t.to_status) for t in settled] == [("STARTED", "PENDING")]


def test_many_settlements_at_once_publish_a_lost_message_once(runner):
    Job.objects.create().enqueue("some.task")
    lapse()
    runner.published.clear()

    all_at_once([lambda: reaper.settle(Job) for _ in range(CROWD)])

    assert len(runner.published) == 1


def test_a_finish_and_a_settlement_at_once_have_one_winner():
    for _ in range(10):
        job = Job.objects.create()
        job.enqueue("some.task")
        job.claim()
        lapse()
        seen = Job.objects.get(pk=job.pk)

        told = all_at_once([job.succeed, lambda seen=seen: reaper.settle_job(seen)])

        assert [bool(outcome) for outcome in told].count(True) == 1
        assert Job.objects.get(pk=job.pk).status == ("SUCCESS" if told[0] else "PENDING")
