"""Writers of an old run, and writers whose claim another has taken: generation and claim."""

from __future__ import annotations

import pytest
from django.db import transaction

from jobstate import Outcome
from tests.app.models import Job, ReleasingJob
from tests.racing import Racer

pytestmark = [pytest.mark.django_db(transaction=True, available_apps=["jobstate", "tests.app"]), pytest.mark.race]


def unfenced(job, to, **condition):
    """The red twin: a conditional UPDATE on the status alone, as many projects have it."""
    open_states = ["PENDING", "STARTED", "RETRY"]
    return bool(Job.objects.unguarded().filter(pk=job.pk, status__in=open_states, **condition).update(status=to))


def parked(work):
    racer = Racer(lambda racer: (racer.park(), work())[1])
    racer.wait_parked()
    return racer


@pytest.fixture
def holder():
    job = Job.objects.create()
    job.enqueue("some.task")
    job.claim(worker="first")
    return job


VERBS = {
    "succeed": (lambda job: job.succeed(), "SUCCESS"),
    "fail": (lambda job: job.fail("late"), "FAILURE"),
    "retry": (lambda job: job.retry_later(0), "RETRY"),
    "cancel": (lambda job: job.cancel(), "CANCELING"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "status alone loses"])
def test_a_writer_of_an_old_run_changes_nothing_of_the_new_one(holder, verb, fenced):
    act, to = VERBS[verb]
    if verb == "cancel":
        holder = Job.objects.get(pk=holder.pk)  # a canceller holds no claim: the generation alone fences it
    late = parked(lambda: act(holder) if fenced else unfenced(holder, to))

    newer = Job.objects.get(pk=holder.pk)
    newer.restart(replace=True)
    newer.claim(worker="second")
    late.resume()

    told = late.result()
    row = Job.objects.get(pk=holder.pk)
    assert ((row.status, row.worker) == ("STARTED", "second")) is fenced
    if fenced:
        assert told is Outcome.SUPERSEDED
        assert newer.succeed()


@pytest.mark.parametrize("verb", VERBS)
def test_an_instance_loaded_in_an_old_run_changes_nothing_of_the_new_one(holder, verb):
    act, _ = VERBS[verb]
    outsider = Job.objects.get(pk=holder.pk)  # it holds no claim, so the generation alone keeps it out
    late = parked(lambda: act(outsider))

    newer = Job.objects.get(pk=holder.pk)
    newer.restart(replace=True)
    newer.claim(worker="second")
    late.resume()

    assert late.result() is Outcome.SUPERSEDED
    assert newer.succeed()


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "status alone loses"])
def test_the_message_of_an_old_run_does_not_claim_the_new_one(holder, fenced):
    generation = holder.generation

    def deliver():
        job = Job.objects.get(pk=holder.pk)
        return job.claim(worker="late", generation=generation) if fenced else unfenced(job, "STARTED")

    late = parked(deliver)
    Job.objects.get(pk=holder.pk).restart(replace=True)
    late.resume()

    told = late.result()
    assert (Job.objects.get(pk=holder.pk).status == "PENDING") is fenced
    if fenced:
        assert told is Outcome.SUPERSEDED


def test_of_two_restarts_one_begins_a_run(holder, runner):
    holder.fail("boom")
    first, second = Job.objects.get(pk=holder.pk), Job.objects.get(pk=holder.pk)
    late = parked(second.restart)

    assert first.restart()
    first.claim()
    first.fail("again")
    late.resume()

    assert late.result() is Outcome.SUPERSEDED
    assert (Job.objects.get(pk=holder.pk).generation, len(runner.published)) == (2, 2)


@pytest.mark.parametrize("verb", ["succeed", "fail", "retry"])
@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "generation alone loses"])
def test_a_stale_claim_in_the_same_run_changes_nothing(holder, verb, fenced):
    act, to = VERBS[verb]
    late = parked(lambda: act(holder) if fenced else unfenced(holder, to, generation=holder.generation))

    _give_back_as_settling_would(holder)
    second = Job.objects.get(pk=holder.pk)
    assert second.claim(worker="second")
    assert second.generation == holder.generation
    late.resume()

    told = late.result()
    row = Job.objects.get(pk=holder.pk)
    assert ((row.status, row.worker) == ("STARTED", "second")) is fenced
    if fenced:
        assert told is Outcome.SUPERSEDED
        assert second.succeed()


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "generation alone loses"])
def test_a_claim_rolled_back_and_taken_by_another_is_not_written_under(fenced):
    job = Job.objects.create()
    job.enqueue("some.task")

    def work(racer):
        mine = Job.objects.get(pk=job.pk)
        with transaction.atomic():
            assert mine.claim(worker="first")
            transaction.set_rollback(True)
        racer.park()
        return mine.succeed() if fenced else unfenced(mine, "SUCCESS", generation=1)

    first = Racer(work)
    first.wait_parked()
    second = Job.objects.get(pk=job.pk)
    second.claim(worker="second")
    first.resume()

    told = first.result()
    assert (Job.objects.get(pk=job.pk).status == "STARTED") is fenced
    if fenced:
        assert told is Outcome.SUPERSEDED


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "unfenced cancel loses"])
def test_an_old_cancel_after_a_replace_neither_stops_nor_releases_the_new_run(fenced, runner):
    ReleasingJob.released.clear()
    job = ReleasingJob.objects.create()
    job.enqueue("some.task")
    old = ReleasingJob.objects.get(pk=job.pk)

    def cancel():
        if fenced:
            return old.cancel()
        rows = ReleasingJob.objects.unguarded().filter(pk=old.pk, status__in=["PENDING", "STARTED"])
        rows.update(status="CANCELING")
        old.release_resources(ReleasingJob.objects.get(pk=old.pk).generation)
        return True

    late = parked(cancel)
    ReleasingJob.objects.get(pk=job.pk).restart(replace=True)
    late.resume()

    told = late.result()
    row = ReleasingJob.objects.get(pk=job.pk)
    assert ((row.status, row.generation) == ("PENDING", 2)) is fenced
    assert ((str(job.pk), 2) not in ReleasingJob.released) is fenced
    if fenced:
        assert told is Outcome.SUPERSEDED
        assert [task for task, _ in runner.revoked] == [old.task_id]


def test_a_release_between_two_runs_names_the_old_one(runner):
    ReleasingJob.released.clear()
    job = ReleasingJob.objects.create()
    job.enqueue("some.task")

    job.restart(replace=True)

    assert ReleasingJob.released == [(str(job.pk), 1)]


def _give_back_as_settling_would(holder):
    """STARTED to PENDING by somebody who holds no claim: what settling does to a lost worker's job."""
    assert Job.objects.get(pk=holder.pk)._guarded_status_update("PENDING", ["STARTED"])


def test_a_heartbeat_of_another_thread_does_not_take_an_open_transaction_for_a_rollback():
    job = Job.objects.create()
    with transaction.atomic():
        assert job.claim()
        assert Racer(lambda racer: job.heartbeat()).result() is Outcome.SUPERSEDED  # not committed yet

    assert job.heartbeat()
    assert job.succeed()
