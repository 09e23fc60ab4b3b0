"""Jobs whose holder is gone are brought to the state that they should have."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobstate import Outcome
from jobstate.reaper import settle
from tests.app.models import ChildJob, ReleasingJob

pytestmark = pytest.mark.django_db(
    transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"]
)

PAST = datetime.now(timezone.utc) - timedelta(hours=1)


@pytest.fixture
def abandon(model, using):
    """Let the lease of a job run out."""

    def abandon(job, **columns):
        rows = model.objects.using(using).unguarded().filter(pk=job.pk)
        rows.update(lease_expires_at=PAST, scheduled_at=PAST, **columns)
        return job

    return abandon


def counts(model, using, **options):
    return settle(model, using=using, **options)[model._owner()._meta.label]


def test_what_is_within_its_lease_is_left_alone(make, fresh, model, using):
    jobs = [make() for _ in range(4)]
    jobs[1].enqueue("some.task")
    jobs[2].claim()
    jobs[3].claim()
    fresh(jobs[3]).cancel()

    assert counts(model, using) == {}

    assert [fresh(job).status for job in jobs] == ["CREATED", "PENDING", "STARTED", "CANCELING"]


def test_a_lost_worker_gives_its_job_back_and_the_message_is_published_again(
    make, fresh, model, using, abandon, runner
):
    holder = make()
    holder.enqueue("some.task")
    holder.claim(worker="w1")
    abandon(holder)

    assert counts(model, using) == {Outcome.APPLIED: 1}

    row = fresh(holder)
    assert (row.status, row.lost, row.claim_token, row.generation) == ("PENDING", 1, "", 1)
    first, again = runner.published
    assert (again.task_id, again.headers) == (first.task_id, first.headers)
    assert holder.succeed() is Outcome.SUPERSEDED


def test_a_job_that_loses_every_worker_fails_as_lost(make, fresh, model, using, abandon):
    job = make()
    job.enqueue("some.task")
    for _ in range(4):
        fresh(job).claim(worker="w1")
        abandon(job)
        counts(model, using)

    row = fresh(job)
    assert (row.status, row.reason, row.lost, row.attempt) == ("FAILURE", "LOST", 4, 4)
    assert "w1 gave no sign of life" in row.error
    assert job.transitions.applied().filter(to_status="STARTED").count() == 4


def test_orderly_retries_are_no_losses(make, fresh, model, using, abandon):
    job = make()
    job.enqueue("some.task")
    for _ in range(9):
        holder = fresh(job)
        holder.claim()
        holder.retry_later(0)

    fresh(job).claim()
    abandon(job)
    counts(model, using)

    assert (fresh(job).status, fresh(job).lost) == ("PENDING", 1)


@pytest.mark.parametrize("state", ["PENDING", "RETRY"])
def test_a_message_that_nobody_took_is_published_again_and_the_lease_grows(
    make, fresh, model, using, abandon, runner, state
):
    job = make()
    job.enqueue("some.task")
    if state == "RETRY":
        job.claim()
        job.retry_later(0)
    abandon(job)
    runner.published.clear()

    assert counts(model, using) == {Outcome.APPLIED: 1}
    assert counts(model, using) == {}

    assert fresh(job).status == state
    assert len(runner.published) == 1
    left = fresh(job).lease_expires_at - datetime.now(timezone.utc)
    assert timedelta(minutes=58) < left < timedelta(minutes=62)  # it had been due for an hour


def test_a_cancel_that_nobody_carried_out_is_carried_out(make, fresh, model, using, abandon):
    holder = make()
    holder.claim()
    fresh(holder).cancel()
    abandon(holder)

    assert counts(model, using) == {Outcome.APPLIED: 1}

    assert (fresh(holder).status, fresh(holder).reason) == ("REVOKED", "CANCELED")
    assert holder.succeed() is Outcome.FINAL


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "CANCELING"])
def test_a_job_from_before_the_upgrade_gets_a_lease(make, fresh, model, using, state):
    job = make(status=state)

    assert counts(model, using) == {Outcome.APPLIED: 1}

    assert fresh(job).status == state
    assert fresh(job).lease_expires_at is not None


def test_a_dry_run_counts_and_writes_nothing(make, fresh, model, using, abandon, runner):
    job = make()
    job.claim()
    abandon(job)

    assert counts(model, using, dry_run=True) == {Outcome.APPLIED: 1}

    assert fresh(job).status == "STARTED"
    assert runner.published == []


def test_many_batches_are_settled_in_one_go(make, fresh, model, using, abandon, monkeypatch):
    monkeypatch.setattr("jobstate.reaper.BATCH", 2)
    jobs = [make() for _ in range(5)]
    for job in jobs:
        job.claim()
        abandon(job)

    assert counts(model, using) == {Outcome.APPLIED: 5}

    assert {fresh(job).status for job in jobs} == {"PENDING"}


def test_the_reaper_is_the_actor(make, model, using, abandon):
    job = make()
    job.claim()
    abandon(job)

    counts(model, using)

    assert (job.transitions.last().actor, job.transitions.last().source) == ("jobstate_settle", "reaper")


def test_a_heartbeat_renews_the_lease_of_its_holder_alone(make, fresh, abandon):
    job = make()
    job.enqueue()
    holder, former = fresh(job), fresh(job)
    former.claim()
    former.retry_later(0)
    holder.claim()
    abandon(holder)

    assert former.heartbeat() is Outcome.SUPERSEDED
    assert fresh(job).is_stale
    assert holder.heartbeat()
    assert not fresh(job).is_stale


def test_a_heartbeat_tells_of_a_cancel_an_end_and_a_deletion(make, fresh, model, using):
    holder = make()
    holder.claim()

    fresh(holder).cancel()
    assert holder.heartbeat() is Outcome.NOT_IN_SOURCE
    holder.succeed()
    assert holder.heartbeat() is Outcome.FINAL
    model.objects.using(using).all().delete()
    assert holder.heartbeat() is Outcome.MISSING


def test_what_a_canceller_left_is_released_before_it_is_revoked(releasing):
    releasing.enqueue("some.task")
    releasing.claim()
    ReleasingJob.objects.get().cancel()
    ReleasingJob.objects.unguarded().update(lease_expires_at=PAST)
    releasing.released.clear()

    settle(ReleasingJob)

    assert releasing.released == [(str(releasing.pk), 1)]
    assert ReleasingJob.objects.get().status == "REVOKED"


def test_a_multi_table_job_is_settled_once_and_with_its_own_hooks(monkeypatch):
    released = []
    monkeypatch.setattr(ChildJob, "release_resources", lambda self, generation: released.append(self.note))
    child = ChildJob.objects.create(note="mine")
    child.claim()
    ChildJob.objects.get().cancel()
    ChildJob.objects.unguarded().update(lease_expires_at=PAST)
    released.clear()

    settled = settle()

    assert settled["app.Job"] == {Outcome.APPLIED: 1}
    assert "app.ChildJob" not in settled
    assert released == ["mine"]


def test_the_command_reports_by_model_and_outcome():
    job = ReleasingJob.objects.create()
    job.claim()
    ReleasingJob.objects.unguarded().update(lease_expires_at=PAST)
    dry, wet = StringIO(), StringIO()

    call_command("jobstate_settle", "--dry-run", "--model", "app.ReleasingJob", stdout=dry)
    call_command("jobstate_settle", "--model", "app.ReleasingJob", stdout=wet)

    assert dry.getvalue() == "app.ReleasingJob: 1 applied (dry run)\n"
    assert wet.getvalue() == "app.ReleasingJob: 1 applied\n"
    for label in ("app.Owner", "no.Such", "nonsense"):
        with pytest.raises(CommandError, match=label):
            call_command("jobstate_settle", "--model", label)


def test_a_job_whose_own_code_raises_does_not_stop_the_others(make, fresh, model, using, abandon, monkeypatch, caplog):
    bad, good = make(), make()
    for job in (bad, good):
        job.claim()
        abandon(job)

    def columns(self, to_status):
        if self.pk == bad.pk:
            raise RuntimeError("of its own")
        return {}

    monkeypatch.setattr(model._owner(), "status_update_columns", columns)
    monkeypatch.setattr(model, "status_update_columns", columns)

    assert counts(model, using) == {Outcome.APPLIED: 1}

    assert (fresh(bad).status, fresh(good).status) == ("STARTED", "PENDING")
    assert "job_not_settled" in caplog.text


@pytest.mark.parametrize("option", ["countdown", "eta"])
def test_a_message_that_is_not_due_yet_is_not_published_again(make, fresh, model, using, runner, option):
    class Signature:
        task, args, kwargs = "some.task", (), {}
        options = (
            {"countdown": 18_000} if option == "countdown" else {"eta": datetime.now(timezone.utc) + timedelta(hours=5)}
        )

    job = make()
    job.enqueue(Signature())

    left = fresh(job).scheduled_at - datetime.now(timezone.utc)
    assert timedelta(hours=4, minutes=58) < left < timedelta(hours=5, minutes=2)
    assert fresh(job).lease_expires_at > fresh(job).scheduled_at
