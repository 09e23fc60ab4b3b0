"""An instance whose write was rolled back notices, and never takes up the claim that it finds."""

from __future__ import annotations

import copy
import pickle
from contextlib import contextmanager

import pytest
from django.db import transaction

from jobstate import Outcome

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


@contextmanager
def rolled_back(using):
    with transaction.atomic(using=using):
        yield
        transaction.set_rollback(True, using=using)


def test_a_success_that_was_rolled_back_can_be_followed_by_the_truth(make, fresh, using):
    job = make()
    job.claim()

    with rolled_back(using):
        assert job.succeed()

    assert job.fail("after all")
    assert (fresh(job).status, job.status) == ("FAILURE", "FAILURE")


def test_the_next_verb_reads_the_row_again(make, fresh, using):
    job = make()
    with rolled_back(using):
        job.enqueue()

    assert job.enqueue()

    assert (job.generation, fresh(job).generation) == (1, 1)


def test_a_claim_rolled_back_and_taken_by_another_is_not_taken_up(make, fresh, using):
    first = make()
    first.enqueue()
    with rolled_back(using):
        assert first.claim(worker="first")
    second = fresh(first)
    assert second.claim(worker="second")

    assert first.succeed() is Outcome.SUPERSEDED
    assert first.fail("late") is Outcome.SUPERSEDED

    assert (fresh(first).status, fresh(first).worker) == ("STARTED", "second")
    assert second.succeed()


def test_whose_claim_was_rolled_back_still_writes_where_nobody_holds_one(make, fresh, using):
    job = make()
    job.enqueue()
    with rolled_back(using):
        job.claim()

    assert job.fail("gave up")

    assert fresh(job).status == "FAILURE"


def test_a_savepoint_that_rolls_back_is_noticed_inside_its_transaction(make, fresh, using):
    job = make()
    with transaction.atomic(using=using):
        assert job.claim()
        with rolled_back(using):
            assert job.succeed()
        assert job.fail("after all")

    assert fresh(job).status == "FAILURE"


def test_a_claim_from_before_the_rolled_back_block_is_kept(make, fresh, using):
    holder = make()
    holder.claim()
    with rolled_back(using):
        holder.retry_later(0)

    assert holder.succeed()

    assert fresh(holder).status == "SUCCESS"


def test_a_canceller_whose_block_was_rolled_back_may_cancel_again(make, fresh, using):
    holder = make()
    holder.claim()
    canceller = fresh(holder)
    with rolled_back(using):
        assert canceller.cancel()

    assert canceller.cancel()

    assert fresh(holder).status == "CANCELING"


def test_a_committed_claim_is_believed(make, fresh, using):
    job = make()
    with transaction.atomic(using=using):
        job.claim()

    assert job.succeed()


def test_a_hook_of_the_same_commit_does_not_take_a_later_claim_for_lost(make, fresh, using):
    job = make()
    told = []
    with transaction.atomic(using=using):
        transaction.on_commit(lambda: told.append(job.heartbeat()), using=using)
        job.claim()

    assert told == [Outcome.APPLIED]
    assert job.succeed()


def test_a_creation_that_was_rolled_back_leaves_nothing_to_write(make, using):
    with rolled_back(using):
        job = make()
        job.claim()

    assert job.succeed() is Outcome.MISSING


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda job: pickle.loads(pickle.dumps(job))])  # noqa: S301
def test_copies_and_pickles_do_not_carry_the_claim(make, fresh, duplicate):
    first = make()
    first.enqueue()
    first.claim()
    stale = duplicate(first)
    first.retry_later(0)
    other = fresh(first)
    other.claim()

    assert first.succeed() is Outcome.SUPERSEDED

    assert stale._held is None
    assert other.succeed()


def test_refreshing_neither_gives_nor_takes_the_claim(make, fresh):
    holder, bystander = make(), None
    holder.claim()
    bystander = fresh(holder)

    holder.refresh_from_db()
    bystander.refresh_from_db()

    assert bystander._held is None
    assert holder._held == fresh(holder).claim_token
