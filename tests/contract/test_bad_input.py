"""Bad input gets a clear error of the library's own, before any SQL, and the row is as it was."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from jobstate import (
    IllegalTransition,
    InvalidColumn,
    InvalidPayload,
    Outcome,
    TaskNotRegistered,
    UnsavedJob,
)
from jobstate.dispatch import TaskCall

pytestmark = pytest.mark.django_db(databases=["default", "other"])


@pytest.fixture
def nothing_sent(using):
    """Fails if the test sent a statement after its arrangement."""
    with CaptureQueriesContext(connections[using]) as sent:
        yield sent


MISUSE = {
    "no such state": (lambda j: j._guarded_status_update("DONE"), IllegalTransition, "no job state 'DONE'"),
    "no such source": (
        lambda j: j._guarded_status_update("SUCCESS", ["DONE"]),
        IllegalTransition,
        "no job state 'DONE'",
    ),
    "no such arrow": (
        lambda j: j._guarded_status_update("RETRY", ["SUCCESS"]),
        IllegalTransition,
        "sources are STARTED",
    ),
    "no source at all": (lambda j: j._guarded_status_update("RETRY", []), IllegalTransition, "an empty set"),
    "nothing leads there": (
        lambda j: j._guarded_status_update("CREATED"),
        IllegalTransition,
        "No arrow leads to CREATED",
    ),
    "unknown is never written": (lambda j: j._guarded_status_update("UNKNOWN"), IllegalTransition, "UNKNOWN"),
    "finished and not final": (
        lambda j: j._guarded_status_update("STARTED", set_finished=True),
        IllegalTransition,
        "contradiction",
    ),
    "final and not finished": (
        lambda j: j._guarded_status_update("SUCCESS", set_finished=False),
        IllegalTransition,
        "contradiction",
    ),
    "no such column": (
        lambda j: j._guarded_status_update("SUCCESS", colour="red"),
        InvalidColumn,
        "colour is not a column",
    ),
    "the guard's own column": (
        lambda j: j._guarded_status_update("SUCCESS", last_write="x"),
        InvalidColumn,
        "last_write",
    ),
    "arguments that JSON cannot carry": (lambda j: j.enqueue("t", object()), InvalidPayload, "arguments of t"),
    "a number that JSON cannot carry": (lambda j: j.enqueue("t", float("nan")), InvalidPayload, "arguments of t"),
    "no such task": (lambda j: j.enqueue("no.such.task"), TaskNotRegistered, "no.such.task"),
    "a function that is no task": (lambda j: j.enqueue(len), TaskNotRegistered, "is no Celery task"),
    "no such reason": (lambda j: j.fail("x", "BORED"), ValueError, "BORED"),
}


@pytest.mark.parametrize(("call", "error", "words"), MISUSE.values(), ids=MISUSE.keys())
def test_misuse(make, fresh, nothing_sent, call, error, words):
    job = make(status="STARTED")
    before = fresh(job).__dict__
    already = len(nothing_sent)

    with pytest.raises(error, match=words):
        call(job)

    assert len(nothing_sent) == already
    assert {k: v for k, v in fresh(job).__dict__.items() if k != "_state"} == {
        k: v for k, v in before.items() if k != "_state"
    }


@pytest.mark.parametrize(
    "verb", ["enqueue", "claim", "succeed", "fail", "retry_later", "cancel", "restart", "checkpoint"]
)
def test_an_unsaved_job_has_no_status_to_change(model, verb):
    with pytest.raises(UnsavedJob, match=r"Call save\(\) first"):
        getattr(model(), verb)()


@pytest.mark.parametrize("verb", ["enqueue", "claim", "succeed", "fail", "retry_later", "cancel", "restart"])
def test_a_job_whose_row_is_gone_is_missing_and_not_made_again(make, model, using, verb):
    job = make()
    model.objects.using(using).all().delete()

    assert getattr(job, verb)() is Outcome.MISSING

    assert not model.objects.using(using).exists()


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        ("a\x00b", "a\\x00b"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("🎉 fine", "🎉 fine"),
        (RuntimeError("with\x00nul"), "RuntimeError: with\\x00nul"),
    ],
)
def test_an_error_text_is_made_safe(make, fresh, error, begins):
    job = make(status="STARTED")

    assert job.fail(error)

    assert fresh(job).error.startswith(begins)


def test_a_megabyte_of_error_is_cut_and_says_so(make, fresh):
    job = make(status="STARTED")

    assert job.fail("x" * 1_000_000)

    text = fresh(job).error
    assert len(text) == 20_000
    assert text.endswith("(1,000,000 characters in all)")


def test_an_exception_reads_headline_first_then_traceback(make, fresh):
    job = make(status="STARTED")
    try:
        {}["absent"]
    except KeyError as error:
        job.fail(error)

    headline, _, rest = fresh(job).error.partition("\n\n")
    assert headline == "KeyError: 'absent'"
    assert "Traceback" in rest


def test_columns_of_a_subclass_that_break_the_rules_are_refused(make, fresh, monkeypatch):
    job = make(status="STARTED")
    monkeypatch.setattr(type(job), "status_update_columns", lambda self, to: {"error": "mine"})

    with pytest.raises(InvalidColumn, match="names guarded columns: error"):
        job.succeed()

    assert fresh(job).status == "STARTED"


def test_a_signature_brings_its_options_along():
    class Signature:
        task, args, kwargs, options = "some.task", (2,), {"b": 3}, {"queue": "slow"}

    call = TaskCall.of(Signature(), (1,), {"a": 1})

    assert TaskCall.of_payload(call.task, call.payload()) == TaskCall(
        "some.task", [1, 2], {"b": 3, "a": 1}, {"queue": "slow"}
    )
