"""Cancelling: whoever holds the job, whatever it does, and what is freed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from jobstate import JobCanceled, JobSuperseded, Outcome

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


def test_a_job_that_nobody_holds_is_revoked_by_its_cancel(make, fresh, runner):
    job = make()
    job.enqueue("some.task")

    assert job.cancel()

    row = fresh(job)
    assert (row.status, row.reason) == ("REVOKED", "CANCELED")
    assert row.finished_at is not None
    assert job.status == "REVOKED"
    assert runner.revoked == [(row.task_id, True)]


def test_a_job_that_is_held_is_revoked_by_its_holders_end(make, fresh):
    holder = make()
    holder.enqueue("some.task")
    holder.claim()

    assert fresh(holder).cancel()

    assert fresh(holder).status == "CANCELING"
    assert holder.succeed() is Outcome.NOT_IN_SOURCE
    assert (fresh(holder).status, fresh(holder).reason) == ("REVOKED", "CANCELED")


@pytest.mark.parametrize("end", ["succeed", "fail", "retry_later"])
def test_whichever_end_the_holder_comes_to_the_cancel_wins(make, fresh, end):
    holder = make()
    holder.claim()
    fresh(holder).cancel()

    assert getattr(holder, end)() is Outcome.NOT_IN_SOURCE

    assert fresh(holder).status == "REVOKED"


def test_a_claim_whose_lease_is_over_does_not_keep_a_cancel_waiting(make, fresh):
    past = datetime.now(timezone.utc) - timedelta(minutes=2)
    job = make(status="STARTED", generation=1, claim_token="dead", lease_expires_at=past)

    assert job.cancel()

    assert fresh(job).status == "REVOKED"
    assert fresh(job).claim_token == ""


def test_a_cancel_frees_what_the_run_held_before_the_row_says_revoked(releasing, runner):
    seen = []
    releasing.enqueue("some.task")
    type(releasing).release_resources = lambda self, generation: seen.append(
        (generation, type(self).objects.get(pk=self.pk).status)
    )
    try:
        releasing.cancel()
    finally:
        type(releasing).release_resources = _release

    assert seen == [(1, "CANCELING")]


def _release(self, generation):
    self.released.append((str(self.pk), generation))


def test_a_finished_job_is_released_by_a_cancel_and_not_revoked(releasing, runner):
    releasing.enqueue("some.task")
    releasing.claim()
    releasing.succeed()

    assert releasing.cancel() is Outcome.FINAL

    assert releasing.released == [(str(releasing.pk), 1)]
    assert runner.revoked == []


def test_a_deleted_job_is_released_by_a_cancel(releasing):
    stale = type(releasing).objects.get(pk=releasing.pk)
    type(releasing).objects.all().delete()

    assert stale.cancel() is Outcome.MISSING

    assert releasing.released == [(str(stale.pk), 0)]


def test_an_old_cancel_never_releases_a_newer_run(releasing, runner):
    releasing.enqueue("some.task")
    old = type(releasing).objects.get(pk=releasing.pk)
    releasing.restart(replace=True)
    releasing.released.clear()
    runner.revoked.clear()

    assert old.cancel() is Outcome.SUPERSEDED

    assert (releasing.released, runner.revoked) == ([], [])
    assert type(releasing).objects.get(pk=releasing.pk).status == "PENDING"


def test_a_second_cancel_revokes_again(make, fresh, runner):
    holder = make()
    holder.enqueue("some.task")
    holder.claim()
    fresh(holder).cancel()

    assert fresh(holder).cancel() is Outcome.NOT_IN_SOURCE

    assert len(runner.revoked) == 2
    assert fresh(holder).status == "CANCELING"


def test_cancel_may_leave_the_process_alone(make, runner, monkeypatch):
    job = make()
    monkeypatch.setattr(type(job), "cancel_terminates", False)
    job.enqueue("some.task")

    job.cancel()

    assert runner.revoked[0][1] is False


def test_a_checkpoint_lets_the_holder_go_on(make):
    job = make()
    job.claim()

    job.checkpoint()


@pytest.mark.parametrize(
    ("meddle", "error"),
    [
        (lambda job: job.cancel(), JobCanceled),
        (lambda job: job.restart(replace=True), JobSuperseded),
        (lambda job: job.fail("by an operator"), JobSuperseded),
        (lambda job: type(job).objects.using(job._state.db).all().delete(), JobSuperseded),
    ],
    ids=["cancelled", "replaced", "ended", "deleted"],
)
def test_a_checkpoint_stops_the_holder(make, fresh, meddle, error):
    holder = make()
    holder.claim()

    meddle(fresh(holder))

    with pytest.raises(error):
        holder.checkpoint()


def test_a_checkpoint_tells_of_a_cancel_even_after_the_lease(make, fresh, model, using):
    holder = make()
    holder.claim()
    past = datetime.now(timezone.utc) - timedelta(minutes=2)
    model.objects.using(using).unguarded().filter(pk=holder.pk).update(lease_expires_at=past)
    fresh(holder).cancel()
    assert fresh(holder).status == "REVOKED"

    with pytest.raises(JobCanceled):
        holder.checkpoint()

    assert holder.succeed() is Outcome.SUPERSEDED


def test_a_second_cancel_ends_what_nobody_ended_in_time(make, fresh, model, using):
    holder = make()
    holder.claim()
    fresh(holder).cancel()
    past = datetime.now(timezone.utc) - timedelta(minutes=2)
    model.objects.using(using).unguarded().filter(pk=holder.pk).update(lease_expires_at=past)

    assert fresh(holder).cancel() is Outcome.NOT_IN_SOURCE

    assert fresh(holder).status == "REVOKED"
