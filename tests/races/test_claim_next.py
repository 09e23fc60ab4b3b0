"""Many pulling workers at once."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.app.models import Job
from tests.racing import Racer, all_at_once

pytestmark = [pytest.mark.django_db(transaction=True, available_apps=["jobstate", "tests.app"]), pytest.mark.race]

WORKERS = 8


def waiting(count):
    jobs = [Job.objects.create(title=str(number)) for number in range(count)]
    for job in jobs:
        job.enqueue()
    return jobs


def pull_until_empty(take):
    taken = []
    while (job := take()) is not None:
        taken.append(job.pk)
    return taken


def test_each_job_goes_to_one_worker():
    jobs = waiting(40)

    taken = all_at_once([lambda: pull_until_empty(Job.objects.claim_next) for _ in range(WORKERS)])

    pulled = [pk for one in taken for pk in one]
    assert sorted(pulled) == sorted(job.pk for job in jobs)


def test_red_twin_two_workers_that_look_first_get_the_same_job():
    waiting(2)

    def work(racer):
        job = Job.objects.claimable().order_by("pk").first()
        racer.park()
        Job.objects.unguarded().filter(pk=job.pk).update(status="STARTED")
        return job.pk

    racers = [Racer(work), Racer(work)]
    for racer in racers:
        racer.wait_parked()
    for racer in racers:
        racer.resume()

    first, second = (racer.result() for racer in racers)
    assert first == second


def test_a_job_that_another_is_just_taking_is_skipped_and_not_waited_for():
    first, second = waiting(2)

    with transaction.atomic():
        mine = Job.objects.claim_next(worker="w1")
        theirs = Racer(lambda racer: Job.objects.claim_next(worker="w2")).result()

    assert (mine.pk, theirs.pk) == (first.pk, second.pk)


def test_the_claim_is_one_statement():
    waiting(1)

    with CaptureQueriesContext(connection) as sent:
        Job.objects.claim_next()

    claim, load = (query["sql"] for query in sent)
    assert "SKIP LOCKED" in claim
    assert load.startswith("SELECT")
