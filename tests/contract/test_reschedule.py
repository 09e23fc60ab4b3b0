"""Jobs that recur: the finish of a run carries the start of the next, or nothing does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from django.db import DatabaseError, connections

from jobstate import Outcome
from jobstate.context import holding
from jobstate.signals import job_transitioned

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)

HOUR = timedelta(hours=1)


@pytest.fixture
def holder(make):
    job = make()
    job.enqueue("some.task", 7)
    job.claim(worker="w1")
    return job


def due_in(row):
    return row.scheduled_at - datetime.now(timezone.utc)


@pytest.mark.parametrize(("end", "final"), [("succeed", "SUCCESS"), ("fail", "FAILURE")])
def test_the_finish_ends_the_run_and_starts_the_next(holder, fresh, runner, end, final):
    assert holder.reschedule(HOUR)
    assert fresh(holder).status == "STARTED"

    assert getattr(holder, end)()

    row = fresh(holder)
    assert (row.status, row.previous_status, row.generation, row.attempt, row.claim_token) == (
        "PENDING",
        final,
        2,
        0,
        "",
    )
    assert timedelta(minutes=58) < due_in(row) < timedelta(minutes=62)
    assert row.finished_at is None
    first, second = runner.published
    assert (second.call, second.delay, second.headers["jobstate_generation"]) == (first.call, 3600, 2)
    assert second.task_id == row.task_id != first.task_id
    assert [(t.from_status, t.to_status, t.generation, t.attempt) for t in row.transitions][-2:] == [
        ("STARTED", final, 1, 1),
        (final, "PENDING", 2, 0),
    ]


def test_both_transitions_are_announced(holder):
    heard = []

    def hear(to_status, generation, **facts):
        heard.append((to_status, generation))

    holder.reschedule(0)
    job_transitioned.connect(hear)
    try:
        holder.succeed()
    finally:
        job_transitioned.disconnect(hear)

    assert heard == [("SUCCESS", 1), ("PENDING", 2)]


def test_whoever_ended_the_run_has_no_part_in_the_next(holder, fresh):
    holder.reschedule(0)
    holder.succeed()

    assert holder.is_final
    assert holder.succeed() is Outcome.SUPERSEDED
    assert fresh(holder).status == "PENDING"


def test_the_newest_call_decides_the_time(holder, fresh):
    holder.reschedule(HOUR)
    holder.reschedule(60)

    holder.succeed()

    assert due_in(fresh(holder)) < timedelta(minutes=2)


def test_any_instance_of_the_job_speaks_for_the_run_in_its_body(holder, fresh):
    with holding(holder._held_claim()):
        assert fresh(holder).reschedule(HOUR)

    holder.succeed()

    assert fresh(holder).generation == 2


def test_a_finish_that_is_refused_schedules_nothing(holder, fresh, runner):
    holder.reschedule(HOUR)
    fresh(holder).restart(replace=True)
    published = len(runner.published)

    assert holder.succeed() is Outcome.SUPERSEDED

    assert (fresh(holder).generation, len(runner.published)) == (2, published)


def test_a_cancelled_run_has_no_successor(holder, fresh):
    holder.reschedule(HOUR)
    fresh(holder).cancel()

    assert holder.succeed() is Outcome.NOT_IN_SOURCE

    assert (fresh(holder).status, fresh(holder).generation) == ("REVOKED", 1)


def test_a_retry_is_no_finish(holder, fresh):
    holder.reschedule(HOUR)
    holder.retry_later(0)

    again = fresh(holder)
    again.claim()
    again.succeed()

    assert (fresh(holder).status, fresh(holder).generation) == ("SUCCESS", 1)


def test_an_error_between_end_and_start_leaves_neither(holder, fresh, using):
    holder.reschedule(HOUR)

    def break_the_second(execute, sql, params, many, context):
        if "UPDATE " in sql and "PENDING" in (params or ()):
            raise DatabaseError("no")
        return execute(sql, params, many, context)

    with connections[using].execute_wrapper(break_the_second), pytest.raises(DatabaseError):
        holder.succeed()

    assert (fresh(holder).status, fresh(holder).generation) == ("STARTED", 1)
    assert [t.to_status for t in holder.transitions] == ["PENDING", "STARTED"]
    assert holder.succeed()
    assert fresh(holder).generation == 2


def test_elsewhere_an_ended_job_begins_a_new_run_at_that_time(holder, fresh):
    holder.succeed()

    assert fresh(holder).reschedule(HOUR)

    assert (fresh(holder).status, fresh(holder).generation) == ("PENDING", 2)
    assert due_in(fresh(holder)) > timedelta(minutes=58)


def test_elsewhere_a_waiting_job_is_moved_and_the_old_message_is_superseded(make, fresh):
    job = make()
    job.enqueue("some.task")
    job.reschedule(HOUR)

    assert fresh(job).reschedule(60)

    assert due_in(fresh(job)) < timedelta(minutes=2)
    assert fresh(job).claim(generation=1) is Outcome.SUPERSEDED


def test_elsewhere_a_running_job_is_left_to_its_worker(holder, fresh):
    assert fresh(holder).reschedule(HOUR) is Outcome.NOT_IN_SOURCE

    holder.succeed()

    assert fresh(holder).status == "SUCCESS"
