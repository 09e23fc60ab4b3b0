"""New runs, and what follows the commit, in which order."""

from __future__ import annotations

import pytest
from django.db import transaction

from jobstate import Outcome, Reason, acting_as
from jobstate.signals import job_transitioned

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


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
