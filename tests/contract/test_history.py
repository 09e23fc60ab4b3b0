"""Who ended the job, and who tried to: the history, written with the status."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connections, transaction

from jobstate import AppendOnlyError, Outcome, Reason, acting_as
from jobstate.models import JobTransition

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)


def told(job):
    return [(t.from_status, t.to_status, t.outcome, t.generation, t.attempt) for t in job.transitions]


def test_every_applied_transition_leaves_a_line(make):
    job = make()
    job.enqueue("some.task")
    job.claim()
    job.retry_later(0)
    job.claim(worker="again")  # the same instance delivers the next try
    job.fail("boom")
    job.restart()
    job.cancel()

    assert told(job) == [
        ("CREATED", "PENDING", "applied", 1, 0),
        ("PENDING", "STARTED", "applied", 1, 1),
        ("STARTED", "RETRY", "applied", 1, 1),
        ("RETRY", "STARTED", "applied", 1, 2),
        ("STARTED", "FAILURE", "applied", 1, 2),
        ("FAILURE", "PENDING", "applied", 2, 0),
        ("PENDING", "CANCELING", "applied", 2, 0),
        ("CANCELING", "REVOKED", "applied", 2, 0),
    ]


def test_a_refused_write_leaves_a_line_too(make, fresh):
    job = make()
    job.claim()
    job.succeed()

    with acting_as("ann", "view"):
        fresh(job).fail("late", Reason.LOST)

    line = job.transitions.last()
    assert (line.from_status, line.to_status, line.outcome) == ("SUCCESS", "FAILURE", "final")
    assert (line.actor, line.source, line.reason) == ("ann", "view", "LOST")


def test_the_line_bears_the_databases_time(make, fresh):
    job = make()
    job.claim()
    job.succeed()

    end = job.transitions.last()

    assert abs(end.at - fresh(job).finished_at) < timedelta(seconds=1)


def test_the_line_stands_and_falls_with_the_status(make, using):
    job = make()

    with transaction.atomic(using=using):
        job.claim()
        transaction.set_rollback(True, using=using)

    assert not job.transitions.exists()


def test_repeated_refusals_of_one_writer_are_sampled(make, fresh):
    job = make(status="SUCCESS")

    for _ in range(100):
        fresh(job).succeed()

    assert [line.repeats for line in job.transitions] == [1, 2, 4, 8, 16, 32, 64]


def test_a_refusal_that_cannot_be_recorded_is_still_an_answer(make, using, caplog):
    job = make(status="SUCCESS")

    def refuse_the_line(execute, sql, params, many, context):
        if sql.startswith("INSERT INTO"):
            raise DatabaseError("the disk is full")
        return execute(sql, params, many, context)

    with connections[using].execute_wrapper(refuse_the_line):
        assert job.succeed() is Outcome.FINAL

    assert "job_refusal_not_recorded" in caplog.text


def test_another_run_is_heard_all_the_same(make, fresh):
    job = make()
    for _ in range(3):
        job = fresh(job)
        job.restart(replace=True)
        job.succeed()
        fresh(job).cancel()

    late = job.transitions.filter(outcome="final")
    assert [(line.generation, line.repeats) for line in late] == [(1, 1), (2, 1), (3, 1)]


def test_another_writer_is_heard_all_the_same(make, fresh):
    job = make(status="SUCCESS")
    for name in ("ann", "ben"):
        with acting_as(name, "view"):
            fresh(job).succeed()

    assert [line.actor for line in job.transitions] == ["ann", "ben"]


@pytest.mark.parametrize(
    ("switch", "outcomes"), [("all", ["applied", "final"]), ("applied", ["applied"]), ("none", [])]
)
def test_a_model_chooses_what_is_kept(make, monkeypatch, switch, outcomes):
    job = make()
    monkeypatch.setattr(type(job)._owner(), "history", switch, raising=False)

    job._guarded_status_update("SUCCESS")
    job.succeed()

    assert [line.outcome for line in job.transitions] == outcomes


def test_the_history_is_not_rewritten(make, using):
    job = make()
    job.claim()
    line = job.transitions.get()

    for rewrite in (
        lambda: job.transitions.update(actor="nobody"),
        lambda: job.transitions.delete(),
        lambda: line.save(),
        lambda: line.delete(),
        lambda: JobTransition.objects.using(using).all().delete(),
    ):
        with pytest.raises(AppendOnlyError):
            rewrite()

    assert job.transitions.get().actor == ""


def test_pruning_deletes(make, using):
    job = make()
    job.claim()

    JobTransition.objects.using(using).pruning().of(job._owner()._meta.label, job.pk).delete()

    assert not job.transitions.exists()


def test_two_jobs_do_not_share_a_history(make):
    first, second = make(), make()
    first.claim()

    assert not second.transitions.exists()
