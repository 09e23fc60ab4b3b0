"""Errors that pass are tried again outside transactions; an UPDATE whose acknowledgement was lost is known."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, ProgrammingError, connections, transaction

from jobstate import Outcome
from jobstate.signals import job_transition_refused, job_transitioned

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


def deadlock(vendor):
    """What the database's driver says of a deadlock, or its nearest kin."""
    error = {
        "postgresql": lambda: OperationalError("deadlock detected"),
        "mysql": lambda: OperationalError(1213, "Deadlock found"),
        "sqlite": lambda: OperationalError("database is locked"),
    }[vendor]()
    error.__cause__ = type("Cause", (Exception,), {"__module__": "sqlite3" if vendor == "sqlite" else "driver"})(
        str(error)
    )
    error.__cause__.sqlstate = "40P01" if vendor == "postgresql" else None
    return error


@contextmanager
def failing(using, error, *, times):
    """Let UPDATEs fail `times` times before they reach the database."""
    left = [times]

    def wrapper(execute, sql, params, many, context):
        if "UPDATE " not in sql or not left[0]:
            return execute(sql, params, many, context)
        left[0] -= 1
        raise error

    with connections[using].execute_wrapper(wrapper):
        yield left


@pytest.fixture
def unacknowledged(using, monkeypatch):
    """The next write is committed, and the news of it is lost."""
    connection = connections[using]
    error, told = deadlock(connection.vendor), []

    def lose_the_news(act):
        def acting(*args):
            answer = act(*args)
            if not told:
                told.append(True)
                raise error
            return answer

        return acting

    def wrapper(execute, sql, params, many, context):
        return (
            lose_the_news(execute)(sql, params, many, context)
            if "UPDATE " in sql
            else execute(sql, params, many, context)
        )

    if connection.vendor == "postgresql":  # one statement, committed by itself
        with connection.execute_wrapper(wrapper):
            yield
    else:
        monkeypatch.setattr(connection, "_commit", lose_the_news(connection._commit))
        yield


@pytest.fixture
def applied():
    heard: list[str] = []

    def hear(to_status, **facts):
        heard.append(to_status)

    job_transitioned.connect(hear)
    yield heard
    job_transitioned.disconnect(hear)


def test_a_deadlock_is_tried_again(make, fresh, using):
    job = make(status="STARTED")

    with failing(using, deadlock(connections[using].vendor), times=2) as left:
        assert job.succeed() is Outcome.APPLIED

    assert left == [0]
    assert fresh(job).status == "SUCCESS"


@pytest.fixture
def saved(make):
    """A job that was saved before anything is lost."""
    return make()


def test_a_lost_acknowledgement_is_recognised_and_its_effects_are_completed(
    saved, unacknowledged, fresh, runner, applied
):
    job = saved

    outcome = job.enqueue("some.task")

    assert outcome is Outcome.ALREADY
    assert (fresh(job).status, fresh(job).generation, job.generation) == ("PENDING", 1, 1)
    assert len(runner.published) == 1
    assert applied == ["PENDING"]


def test_a_claim_whose_acknowledgement_was_lost_is_held(saved, unacknowledged, fresh):
    job = saved

    assert job.claim() is Outcome.ALREADY

    assert job.succeed()
    assert (fresh(job).attempt, fresh(job).status) == (1, "SUCCESS")


def test_a_checkpoint_is_no_reason_to_stop_for_an_error_that_passes(saved, using):
    saved.claim()
    left = [1]

    def wrapper(execute, sql, params, many, context):
        if left[0]:
            left[0] -= 1
            raise deadlock(connections[using].vendor)
        return execute(sql, params, many, context)

    with connections[using].execute_wrapper(wrapper):
        saved.checkpoint()

    assert left == [0]


def test_nothing_is_tried_again_inside_somebody_elses_transaction(make, fresh, using):
    job = make(status="STARTED")

    one_deadlock = failing(using, deadlock(connections[using].vendor), times=1)
    with one_deadlock as left, pytest.raises(OperationalError), transaction.atomic(using=using):
        job.succeed()

    assert left == [0]
    assert fresh(job).status == "STARTED"


def test_an_error_that_stays_fails_at_once(make, fresh, using):
    job = make(status="STARTED")

    with failing(using, ProgrammingError("no such column"), times=5) as left, pytest.raises(ProgrammingError):
        job.succeed()

    assert left == [4]
    assert fresh(job).status == "STARTED"


def test_exhaustion_raises_the_last_error(make, settings, using):
    settings.JOBSTATE = {"RETRY_BUDGET": timedelta(milliseconds=1)}
    job = make(status="STARTED")

    with failing(using, deadlock(connections[using].vendor), times=99), pytest.raises(OperationalError):
        job.succeed()


def test_zero_rows_is_an_answer_and_is_not_tried_again(make, using, settings, django_assert_num_queries):
    settings.JOBSTATE = {"HISTORY": "none"}
    refused = []
    job = make(status="SUCCESS")
    job_transition_refused.connect(lambda outcome, **facts: refused.append(outcome), weak=False, dispatch_uid="count")
    try:
        with django_assert_num_queries(2, using=using):
            assert job.fail("late") is Outcome.FINAL
    finally:
        job_transition_refused.disconnect(dispatch_uid="count")

    assert refused == [Outcome.FINAL]
