"""What each verb writes, and what follows the commit, in which order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from jobstate import JobCanceled, JobSuperseded, Outcome, Reason, TransitionRefused, acting_as
from jobstate.signals import job_transition_refused, job_transitioned
from tests.app.models import Job, SummedJob

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


@pytest.fixture
def heard():
    """What the two signals said."""
    events: list[dict] = []

    def hear(sender, signal, **facts):
        events.append({"applied": signal is job_transitioned, "sender": sender, **facts})

    for signal in (job_transitioned, job_transition_refused):
        signal.connect(hear)
    yield events
    for signal in (job_transitioned, job_transition_refused):
        signal.disconnect(hear)


def test_a_run_from_its_first_message_to_its_end(make, fresh, runner):
    job = make()

    assert job.enqueue("some.task", 1, two=2)
    assert job.claim(worker="w1")
    assert job.succeed()

    row = fresh(job)
    assert (row.status, row.previous_status, row.generation, row.attempt, row.worker) == (
        "SUCCESS",
        "STARTED",
        1,
        1,
        "w1",
    )
    assert row.started_at <= row.finished_at
    assert abs(row.finished_at - now()) < timedelta(minutes=5)
    assert row.claim_token != ""
    assert row.lease_expires_at is None
    (message,) = runner.published
    assert (message.call.task, list(message.call.args), dict(message.call.kwargs)) == ("some.task", [1], {"two": 2})
    assert message.task_id == row.task_id
    assert message.headers == {
        "jobstate_model": job._meta.label,
        "jobstate_pk": str(job.pk),
        "jobstate_using": job._state.db,
        "jobstate_generation": 1,
    }


def test_a_lease_is_an_instant_of_the_databases_clock(make, fresh):
    job = make()

    job.enqueue()

    lease = fresh(job).lease_expires_at
    assert abs(lease - datetime.now(timezone.utc) - timedelta(minutes=10)) < timedelta(minutes=2)
    assert not fresh(job).is_stale
    assert not type(job).objects.using(job._state.db).stale().exists()


def test_a_lease_that_ran_out_is_stale(make, model, using):
    job = make(status="STARTED", lease_expires_at=datetime.now(timezone.utc) - timedelta(minutes=2))

    assert job.is_stale
    assert model.objects.using(using).stale().get() == job


def test_a_second_success_is_final_and_changes_nothing(make, fresh):
    job = make()
    job.claim()
    job.succeed()
    finished_at = fresh(job).finished_at

    assert job.succeed() is Outcome.FINAL
    assert job.fail("late") is Outcome.FINAL

    assert (fresh(job).status, fresh(job).finished_at, fresh(job).error) == ("SUCCESS", finished_at, "")


def test_a_failure_keeps_its_reason_and_text(make, fresh):
    job = make()
    job.claim()

    assert job.fail(ValueError("bad file"), Reason.TIMEOUT)

    row = fresh(job)
    assert (row.status, row.reason) == ("FAILURE", "TIMEOUT")
    assert row.error == "ValueError: bad file"


def test_a_retry_gives_the_claim_back_and_is_published_again_in_the_same_run(make, fresh, runner):
    job = make()
    job.enqueue("some.task")
    job.claim()

    assert job.retry_later(timedelta(seconds=90))

    row = fresh(job)
    assert (row.status, row.claim_token, row.generation) == ("RETRY", "", 1)
    assert row.scheduled_at < row.lease_expires_at
    first, second = runner.published
    assert (second.task_id, second.headers, second.delay) == (first.task_id, first.headers, 90)


def test_whoever_gave_the_job_back_writes_no_more(make, fresh):
    job = make()
    job.enqueue("some.task")
    job.claim()
    job.retry_later(0)

    assert job.succeed() is Outcome.SUPERSEDED
    assert job.fail("late") is Outcome.SUPERSEDED

    assert fresh(job).status == "RETRY"


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


def test_a_restart_begins_a_new_run_of_the_same_task(make, fresh, runner):
    job = make()
    job.enqueue("some.task", 7)
    job.claim(worker="w1")
    job.fail("first run")

    assert job.restart()

    row = fresh(job)
    assert (row.status, row.generation, row.attempt, row.claim_token, row.error, row.reason, row.worker) == (
        "PENDING",
        2,
        0,
        "",
        "",
        "",
        "",
    )
    assert (row.finished_at, row.started_at) == (None, None)
    first, second = runner.published
    assert second.call == first.call
    assert second.task_id != first.task_id
    assert second.headers["jobstate_generation"] == 2


def test_restart_refuses_a_job_that_still_runs(make, fresh):
    job = make()
    job.enqueue("some.task")

    assert job.restart() is Outcome.NOT_IN_SOURCE

    assert fresh(job).generation == 1


def test_a_replace_tears_the_old_run_down_before_the_new_message_goes_out(releasing, runner):
    releasing.enqueue("some.task")
    old_task = releasing.task_id
    holder = type(releasing).objects.get(pk=releasing.pk)
    holder.claim()
    runner.log.clear()

    assert type(releasing).objects.get(pk=releasing.pk).restart(replace=True)

    assert releasing.released == [(str(releasing.pk), 1)]
    assert runner.log == ["revoke", "publish"]
    assert runner.revoked == [(old_task, True)]
    assert holder.succeed() is Outcome.SUPERSEDED
    assert type(releasing).objects.get(pk=releasing.pk).status == "PENDING"


def test_effects_come_in_their_order_and_one_that_fails_stops_none(releasing, runner, heard, caplog):
    releasing.enqueue("some.task")
    runner.log.clear()
    runner.down = True
    heard.clear()

    assert releasing.restart(replace=True)

    assert runner.log == ["revoke", "publish"]
    assert [event["to_status"] for event in heard] == ["PENDING"]
    assert caplog.text.count("job_effect_failed") >= 2
    assert type(releasing).objects.get(pk=releasing.pk).status == "PENDING"


def test_a_rolled_back_enqueue_sends_nothing(make, using, runner, heard):
    job = make()

    with transaction.atomic(using=using):
        job.enqueue("some.task")
        transaction.set_rollback(True, using=using)

    assert (runner.published, heard) == ([], [])


def test_the_message_goes_out_after_the_commit(make, using, runner):
    job = make()

    with transaction.atomic(using=using):
        job.enqueue("some.task")
        assert runner.published == []

    assert len(runner.published) == 1


def test_the_winner_alone_is_announced_and_the_refused_one_separately(make, heard):
    job = make()
    with acting_as("ann", "view"):
        job.claim(worker="w1")
        job.succeed()
        job.fail("late", Reason.LOST)

    facts = [
        (e["applied"], e["from_status"], e["to_status"], e["outcome"], e["generation"], e["attempt"], e["reason"])
        for e in heard
    ]
    assert facts == [
        (True, "CREATED", "STARTED", Outcome.APPLIED, 0, 1, ""),
        (True, "STARTED", "SUCCESS", Outcome.APPLIED, 0, 1, ""),
        (False, "SUCCESS", "FAILURE", Outcome.FINAL, 0, 1, "LOST"),
    ]
    assert {(e["sender"], e["pk"], e["using"], e["actor"], e["source"]) for e in heard} == {
        (type(job), job.pk, job._state.db, "ann", "view")
    }


def test_a_receiver_that_raises_undoes_nothing(make, fresh):
    def explode(**facts):
        raise RuntimeError("receiver")

    job = make()
    job_transitioned.connect(explode)
    try:
        assert job.claim()
    finally:
        job_transitioned.disconnect(explode)

    assert fresh(job).status == "STARTED"


def test_strict_raises_with_what_the_row_says(make):
    job = make(status="SUCCESS")

    with pytest.raises(TransitionRefused) as refused:
        job.claim(strict=True)

    error = refused.value
    assert (error.job, error.from_status, error.to_status, error.outcome) == (job, "SUCCESS", "STARTED", Outcome.FINAL)
    assert str(error).endswith("it was found SUCCESS. Call restart() to run it again.")


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


def test_columns_ride_in_the_same_statement():
    job = SummedJob.objects.create()

    with CaptureQueriesContext(connections["default"]) as sent:
        job.claim()

    (update,) = [query["sql"] for query in sent if "UPDATE " in query["sql"]]
    assert "summary" in update

    assert SummedJob.objects.get().summary == {"status": "STARTED"}


def test_the_async_twins_are_the_same_verbs(make, fresh):
    job = make()

    async def run():
        assert await job.aclaim()
        assert await job.asucceed()
        try:
            return await job.acancel()
        finally:
            await sync_to_async(connections.close_all)()  # it is another thread's

    assert asyncio.run(run()) is Outcome.FINAL
    assert fresh(job).status == "SUCCESS"


def test_a_model_may_have_a_field_called_progress():
    job = Job.objects.create(progress="mine")

    job.claim()
    job.succeed()

    assert Job.objects.get().progress == "mine"


def test_a_second_cancel_ends_what_nobody_ended_in_time(make, fresh, model, using):
    holder = make()
    holder.claim()
    fresh(holder).cancel()
    past = datetime.now(timezone.utc) - timedelta(minutes=2)
    model.objects.using(using).unguarded().filter(pk=holder.pk).update(lease_expires_at=past)

    assert fresh(holder).cancel() is Outcome.NOT_IN_SOURCE

    assert fresh(holder).status == "REVOKED"
