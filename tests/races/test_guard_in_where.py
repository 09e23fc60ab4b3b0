"""Why the guard stands in the UPDATE's own WHERE: PostgreSQL does not ask a subquery again after a wait."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import F

from jobstate import Outcome
from tests.app.models import ChildJob, Job, Owner, SummedJob
from tests.racing import Racer

pytestmark = [pytest.mark.django_db(transaction=True, available_apps=["jobstate", "tests.app"]), pytest.mark.race]

OPEN = ["PENDING", "STARTED", "RETRY"]


def behind_a_committed_cancel(pk, write):
    """Let `write` wait for the row lock of a cancel that then commits; what `write` returned."""
    with transaction.atomic():
        assert Job.objects.get(pk=pk).cancel()
        late = Racer(lambda racer: write())
        late.wait_blocked()
    return late.result()


@pytest.fixture
def held():
    job = Job.objects.create(owner=Owner.objects.create(name="ann"))
    job.claim()
    return job


def test_a_late_success_by_the_verb_is_refused(held):
    told = behind_a_committed_cancel(held.pk, held.succeed)

    assert told is Outcome.NOT_IN_SOURCE
    assert Job.objects.get(pk=held.pk).status == "REVOKED"


def test_a_late_success_by_an_instance_loaded_through_a_joined_filter_is_refused(held):
    joined = Job.objects.filter(owner__name="ann", status__in=OPEN).select_related("owner").get()

    told = behind_a_committed_cancel(held.pk, joined.succeed)

    assert told is Outcome.NOT_IN_SOURCE
    assert Job.objects.get(pk=held.pk).status == "CANCELING"


def test_red_twin_a_late_success_through_a_joined_queryset_overwrites_the_cancel(held):
    joined = Job.objects.unguarded().filter(pk=held.pk, owner__name="ann", status__in=OPEN)

    told = behind_a_committed_cancel(held.pk, lambda: joined.update(status="SUCCESS"))

    assert told == 1
    assert Job.objects.get(pk=held.pk).status == "SUCCESS"


def test_a_late_success_of_a_multi_table_child_is_refused():
    child = ChildJob.objects.create()
    child.claim()

    told = behind_a_committed_cancel(child.pk, child.succeed)

    assert told is Outcome.NOT_IN_SOURCE
    assert Job.objects.get(pk=child.pk).status == "REVOKED"


def test_red_twin_a_late_success_through_the_childs_queryset_overwrites_the_cancel():
    child = ChildJob.objects.create()
    child.claim()
    rows = ChildJob.objects.unguarded().filter(pk=child.pk, status__in=OPEN, note="")

    told = behind_a_committed_cancel(child.pk, lambda: rows.update(status="SUCCESS"))

    assert told == 1
    assert Job.objects.get(pk=child.pk).status == "SUCCESS"


def test_a_child_and_its_parent_instance_are_one_job():
    child = ChildJob.objects.create()
    parent = Job.objects.get(pk=child.pk)
    parent.claim(worker="w1")

    assert child.succeed()

    assert parent.succeed() is Outcome.FINAL
    assert ChildJob.objects.get().previous_status == "STARTED"


def test_a_reader_never_sees_the_status_and_its_summary_disagree():
    """The red twin writes the status first and the summary after it, as the ancestor did."""
    seen = {True: 0, False: 0}
    for together in (True, False):
        job = SummedJob.objects.create()

        def write(racer, job=job, together=together):
            if together:
                job.claim()
                racer.park()
                return
            SummedJob.objects.unguarded().filter(pk=job.pk).update(status="STARTED", previous_status=F("status"))
            racer.park()
            SummedJob.objects.filter(pk=job.pk).update(summary={"status": "STARTED"})

        writer = Racer(write)
        writer.wait_parked()
        row = SummedJob.objects.get(pk=job.pk)
        seen[together] = int(row.summary.get("status") != row.status)
        writer.resume()
        writer.result()

    assert seen == {True: 0, False: 1}
