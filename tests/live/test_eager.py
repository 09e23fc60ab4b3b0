"""Eager mode, and a JobTask that runs in place: no worker, the same rows."""

from __future__ import annotations

import pytest

from jobstate import JobStateError
from tests.app.models import Job
from tests.live import tasks
from tests.live.brokers import Broker
from tests.live.jobs import LiveJobs
from tests.live.ledger import Ledger

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def app(tmp_path, monkeypatch):
    """An app that runs its tasks where they are published."""
    monkeypatch.setenv("LIVE_LEDGER", str(tmp_path / "ledger"))
    app = Broker("filesystem", "eager", str(tmp_path)).app("eager")
    app.conf.task_always_eager = True
    return app


@pytest.fixture
def jobs(app, runner, tmp_path):
    return LiveJobs(app, Ledger(tmp_path / "ledger"))


def test_a_return_is_success(jobs, end):
    job = jobs.start(tasks.returns)

    assert jobs.facts(jobs.row(job)) == end("SUCCESS")


def test_an_exception_is_failure(jobs, end):
    job = jobs.start(tasks.raises)

    assert jobs.facts(jobs.row(job)) == end("FAILURE", "ERROR")


def test_a_retry_is_a_second_attempt(jobs, end):
    job = jobs.start(tasks.retries_eagerly)

    assert jobs.facts(jobs.row(job)) == end("SUCCESS", attempt=2)


def test_what_is_not_due_is_not_run(jobs):
    job = jobs.start(tasks.returns)

    assert jobs.row(job).reschedule(3600)

    row = jobs.row(job)
    assert (row.status, row.generation, jobs.runs(job)) == ("PENDING", 2, 1)


def test_a_second_application_is_refused(jobs, end):
    job = jobs.start(tasks.returns)

    tasks.returns.apply(task_id=job.task_id, headers=jobs.headers(job))

    assert jobs.runs(job) == 1
    assert jobs.facts(jobs.row(job)) == end("SUCCESS")


def test_a_task_called_directly_just_runs(jobs):
    assert tasks.adds(1, 2) == 3
    assert tasks.adds.apply((1, 2)).get() == 3


def test_a_task_called_directly_has_no_job(jobs):
    with pytest.raises(JobStateError, match=r"job\.enqueue"):
        tasks.adds.job  # noqa: B018


def test_a_task_called_in_another_task_ends_its_own_job_only(jobs, end):
    job = jobs.start(tasks.calls_another)

    assert jobs.facts(jobs.row(job)) == end("SUCCESS")
    assert Job.objects.count() == 1
