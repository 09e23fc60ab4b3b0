"""What a message says of its job, and messages that say too little, or what is no longer true."""

from __future__ import annotations

import pytest

from jobstate.dispatch import GENERATION_HEADER, run_headers
from tests.app.models import ChildJob, Job, UuidJob
from tests.live import tasks

pytestmark = [
    pytest.mark.live,
    pytest.mark.django_db(transaction=True, databases=["default", "other"]),
    pytest.mark.timeout(60),
]


@pytest.mark.parametrize(
    ("model", "using"),
    [(ChildJob, "default"), (UuidJob, "default"), (Job, "other")],
    ids=["multi-table child", "uuid key", "second alias"],
)
class TestEveryKindOfJob:
    def test_success(self, jobs, end, model, using):
        job = jobs.start(tasks.returns, model=model, using=using)

        assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")
        assert jobs.arrows(job, 2) == ["PENDING STARTED", "STARTED SUCCESS"]

    def test_an_end_told_by_the_main_process(self, jobs, gate, end, model, using):
        job = jobs.start(tasks.returns, str(gate), model=model, using=using)
        jobs.started(job)

        jobs.revoke(job, terminate=True, signal="SIGKILL")

        assert jobs.facts(jobs.reaches(job, "REVOKED")) == end("REVOKED", "CANCELED")


def test_a_task_that_no_worker_knows_fails_its_job(jobs, end):
    job = jobs.prepare(tasks.returns, task_id="a-task-from-another-release")

    jobs.publish("tests.live.tasks.renamed", jobs.headers(job), job.task_id)

    row = jobs.reaches(job, "FAILURE")
    assert jobs.facts(row) == end("FAILURE", "UNKNOWN_TASK", attempt=0, claimed=False)
    assert "tests.live.tasks.renamed" in row.error


def test_an_unknown_name_does_not_end_a_running_job(jobs, gate, end):
    job = jobs.start(tasks.returns, str(gate))
    jobs.started(job)

    jobs.publish("tests.live.tasks.renamed", jobs.headers(job), job.task_id)

    assert jobs.refused(job, "FAILURE") == ["SUPERSEDED"]
    assert jobs.row(job).status == "STARTED"
    gate.touch()
    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")


def test_the_message_of_a_deleted_job_is_dropped(jobs):
    job = jobs.start(tasks.returns, countdown=1)
    pk = job.pk

    Job.objects.filter(pk=pk).delete()

    jobs.ledger.wait("postrun", task_id=job.task_id, state="IGNORED")
    assert jobs.runs(job) == 0
    assert not Job.objects.filter(pk=pk).exists()


def test_a_message_without_a_generation_may_claim(jobs, end):
    """It was published before an upgrade, when messages did not say which run they are for."""
    job = jobs.prepare(tasks.returns, task_id="published-before-the-upgrade")

    jobs.publish_copy(job, without=GENERATION_HEADER)

    assert jobs.facts(jobs.reaches(job, "SUCCESS")) == end("SUCCESS")


def test_a_message_without_a_generation_is_lost_with_its_process(jobs, end):
    job = jobs.prepare(tasks.kills_its_process, task_id="published-before-the-upgrade-too")

    jobs.publish_copy(job, without=GENERATION_HEADER)

    assert jobs.facts(jobs.reaches(job, "FAILURE")) == end("FAILURE", "LOST")


def test_a_job_task_without_job_headers_just_runs(jobs):
    result = tasks.adds.delay(1, 2)

    assert result.get(timeout=20) == 3


def test_a_message_that_names_no_job_model_fails_alone(jobs):
    task_id = jobs.publish("tests.live.tasks.returns", run_headers("app.Owner", 1, "default", 1))

    jobs.ledger.wait("postrun", task_id=task_id, state="FAILURE")
    assert not jobs.ledger.lines("ran", task_id=task_id)
