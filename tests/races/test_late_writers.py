"""A writer that looked before somebody else wrote, and writes after.

Each test runs one interleave through the guard, where nothing may be lost, and through plain
save(), where the loss is asserted: `(kept) is story.guarded`.
"""

from __future__ import annotations

import pytest

from jobstate import JobState
from tests.racing import Racer

pytestmark = [pytest.mark.django_db(transaction=True, available_apps=["jobstate", "tests.app"]), pytest.mark.race]


def late(story, pk, act):
    """A racer that loads the job, parks, and acts on what it had seen."""

    def work(racer):
        job = story.load(pk)
        racer.park()
        return act(job)

    racer = Racer(work)
    racer.wait_parked()
    return racer


def test_a_success_after_a_cancel_does_not_overwrite_it(story):
    holder = story.start()
    worker = late(story, holder.pk, story.succeed)

    assert story.cancel(story.load(holder.pk))
    worker.resume()

    told = worker.result()
    assert (not told and story.load(holder.pk).status != "SUCCESS") is story.guarded


def test_a_cancel_after_a_success_does_not_overwrite_it(story):
    holder = story.start()
    canceller = late(story, holder.pk, story.cancel)

    assert story.succeed(holder)
    canceller.resume()

    told = canceller.result()
    assert (not told and story.load(holder.pk).status == "SUCCESS") is story.guarded


@pytest.mark.parametrize("end", ["succeed", "fail"])
def test_a_retry_does_not_reopen_a_finished_job(story, end):
    holder = story.start()
    retrying = late(story, holder.pk, story.retry)

    getattr(story, end)(holder)
    retrying.resume()

    retrying.result()
    assert (story.load(holder.pk).status in JobState.final_states()) is story.guarded


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
def test_a_redelivered_start_does_not_resurrect_a_finished_job(story, end):
    holder = story.start()
    redelivered = late(story, holder.pk, story.claim)

    getattr(story, end)(holder)
    if end == "cancel" and story.guarded:
        story.succeed(holder)  # the holder's end carries the cancel out
    redelivered.resume()

    redelivered.result()
    assert (story.load(holder.pk).status in JobState.final_states()) is story.guarded


def test_a_failure_after_a_cancel_leaves_it_cancelled_with_its_end(story):
    holder = story.start()
    failing = late(story, holder.pk, story.fail)

    story.cancel(story.load(holder.pk))
    if story.guarded:
        story.succeed(holder)
    failing.resume()

    failing.result()
    row = story.load(holder.pk)
    assert (row.status == "REVOKED") is story.guarded
    assert row.finished_at is not None


def test_a_stale_full_save_does_not_bring_started_back(story):
    holder = story.start()
    saver = late(story, holder.pk, story.save_title)

    story.succeed(holder)
    saver.resume()

    saver.result()
    row = story.load(holder.pk)
    assert (row.status == "SUCCESS") is story.guarded
    assert row.title == "mine"


def test_a_save_and_an_end_both_survive_when_the_end_comes_last(story):
    holder = story.start()
    stale = story.load(holder.pk)
    saver = late(story, holder.pk, story.save_title)
    saver.resume()
    saver.result()

    story.succeed(stale)

    row = story.load(holder.pk)
    assert row.status == "SUCCESS"
    assert (row.title == "mine") is story.guarded
