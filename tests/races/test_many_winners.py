"""Of many terminal writers at once exactly one wins, also when it has not committed yet."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection, transaction

from jobstate import JobState
from jobstate.signals import job_transitioned
from tests.app.models import Job
from tests.racing import Racer, all_at_once

pytestmark = [pytest.mark.django_db(transaction=True, available_apps=["jobstate", "tests.app"]), pytest.mark.race]

WRITERS = 8


def test_of_n_terminal_writers_exactly_one_is_told_that_it_won(story):
    pk = story.start().pk
    stale = [story.load(pk) for _ in range(WRITERS)]
    ends = [story.succeed, story.fail]
    works = [lambda job=job, end=ends[i % 2]: end(job) for i, job in enumerate(stale)]

    told = all_at_once(works)

    assert (told.count(True) == 1) is story.guarded
    assert story.load(pk).status in JobState.final_states()


def test_the_winner_alone_is_announced():
    heard = []

    def hear(to_status, **facts):
        heard.append(to_status)

    job = Job.objects.create(status="STARTED")
    job_transitioned.connect(hear)
    try:
        outcomes = all_at_once([Job.objects.get(pk=job.pk).succeed for _ in range(WRITERS)])
    finally:
        job_transitioned.disconnect(hear)

    assert sorted(outcome.name for outcome in outcomes) == ["APPLIED"] + ["FINAL"] * (WRITERS - 1)
    assert heard == ["SUCCESS"]


@pytest.mark.parametrize("committed", [True, False], ids=["the winner commits", "the winner rolls back"])
def test_a_loser_that_waits_for_an_uncommitted_winner(story, committed):
    pk = story.start().pk
    losing = story.load(pk)
    with transaction.atomic():
        assert story.cancel(story.load(pk))
        loser = Racer(lambda racer: story.succeed(losing))
        loser.wait_blocked()
        transaction.set_rollback(not committed)

    told = loser.result()

    won_twice = committed and told
    assert (not won_twice) is (story.guarded or not committed)
    assert (story.load(pk).status == "SUCCESS") is told


def test_only_one_of_many_claims_gets_the_job(story):
    job = story.model.objects.create(status="PENDING")
    stale = [story.load(job.pk) for _ in range(WRITERS)]

    told = all_at_once([lambda one=one: story.claim(one) for one in stale])

    assert (told.count(True) == 1) is story.guarded


def test_a_repeatable_read_loser_is_told_by_the_database(story):
    """The one case in which a lost race raises: the caller asked for a snapshot."""
    pk = story.start().pk

    def work(racer):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            job = story.load(pk)
            racer.park()
            return story.succeed(job)

    racer = Racer(work)
    racer.wait_parked()
    story.cancel(story.load(pk))
    racer.resume()

    with pytest.raises(OperationalError, match="could not serialize"):
        racer.result()
