"""Every other way to write a guarded column is closed, and innocent writes pass."""

from __future__ import annotations

import warnings

import pytest
from django.core import serializers
from django.db import DatabaseError, IntegrityError

from jobstate import GuardedFieldError, GuardedFieldWarning, JobState
from jobstate.transitions import GUARDED_COLUMNS
from tests.app.models import ChildJob, Job, Owner, UuidJob

pytestmark = pytest.mark.django_db(databases=["default", "other"])


@pytest.fixture
def warned_only(settings):
    settings.JOBSTATE = {"CLOSED_DOORS": "warn"}


def test_every_guarded_column_is_hidden_from_forms(model):
    assert [n for n in GUARDED_COLUMNS if model._meta.get_field(n).editable] == []


def test_a_stale_instance_saves_its_own_fields_and_nothing_of_the_guard(make, fresh):
    stale = make()
    fresh(stale).cancel()
    stale.key = "mine"

    stale.save()

    assert (fresh(stale).key, fresh(stale).status) == ("mine", "CANCELING")


@pytest.mark.parametrize("name", GUARDED_COLUMNS)
def test_save_refuses_a_changed_column(make, fresh, name):
    job = make()
    before = fresh(job)
    setattr(
        job,
        name,
        {"payload": {"a": 1}, "status": "SUCCESS"}.get(name, 3 if isinstance(getattr(job, name), int) else "x"),
    )
    job.key = "mine"

    with pytest.raises(GuardedFieldError, match=name):
        job.save()

    assert getattr(fresh(job), name) == getattr(before, name)
    assert fresh(job).key == ""


@pytest.mark.parametrize("name", GUARDED_COLUMNS)
def test_save_refuses_to_name_a_column_changed_or_not(make, name):
    job = make()

    with pytest.raises(GuardedFieldError, match=name):
        job.save(update_fields=["key", name])


def test_the_error_names_what_to_call_instead(make):
    job = make()

    with pytest.raises(GuardedFieldError, match=r"fail\(error, reason=…\)"):
        job.save(update_fields=["error"])
    with pytest.raises(GuardedFieldError, match=r"cancel\(\) or restart\(\)"):
        job.save(update_fields=["status"])


def test_querysets_refuse(make, model, using, fresh):
    job = make()
    jobs = model.objects.using(using)

    with pytest.raises(GuardedFieldError):
        jobs.filter(pk=job.pk).update(status="SUCCESS")
    with pytest.raises(GuardedFieldError):
        jobs.bulk_update([job], ["key", "status"])
    with pytest.raises(GuardedFieldError):
        jobs.update_or_create(pk=job.pk, defaults={"status": "SUCCESS"})
    if model is not ChildJob:  # Django has no upsert for multi-table models
        with pytest.raises(GuardedFieldError):
            jobs.bulk_create([job], update_conflicts=True, update_fields=["status"], unique_fields=["pk"])

    assert fresh(job).status == "CREATED"


def test_related_managers_refuse(make):
    owner = Owner.objects.create(name="ann")
    Job.objects.create(owner=owner)

    with pytest.raises(GuardedFieldError):
        owner.jobs.update(status="SUCCESS")


def test_innocent_writes_pass(make, model, using, fresh):
    job = make()
    jobs = model.objects.using(using)

    assert jobs.filter(pk=job.pk).update(key="one") == 1
    job.key = "two"
    jobs.bulk_update([job], ["key"])
    assert fresh(job).key == "two"
    fresh(job).cancel()
    _, created = jobs.update_or_create(pk=job.pk, defaults={"key": "three"})

    assert not created
    assert (fresh(job).key, fresh(job).status) == ("three", "CANCELING")


def test_unguarded_is_the_one_way_round(make, model, using, fresh):
    job = make()

    assert model.objects.using(using).unguarded().filter(pk=job.pk).update(status="FAILURE") == 1

    assert fresh(job).status == "FAILURE"


def test_an_instance_that_was_not_loaded_cannot_overwrite_a_row(make, model, using, fresh):
    job = make(status="SUCCESS")

    with pytest.raises(GuardedFieldError, match="not loaded"):
        model(pk=job.pk).save(using=using)
    with pytest.raises(GuardedFieldError, match="not loaded"):
        model(pk=job.pk).save(using=using, force_update=True)

    assert fresh(job).status == "SUCCESS"


def test_an_instance_that_was_not_loaded_may_name_its_own_fields(make, model, using, fresh):
    job = make(status="SUCCESS")

    model(pk=job.pk, key="mine").save(using=using, update_fields=["key"], force_update=True)

    assert (fresh(job).key, fresh(job).status) == ("mine", "SUCCESS")


def test_a_new_row_may_choose_its_own_key(using):
    job = Job(pk=4711)

    job.save(using=using)

    assert Job.objects.using(using).get().pk == 4711


@pytest.mark.django_db(transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"])
def test_creating_over_an_existing_row_stays_an_integrity_error(make, model, using, fresh):
    job = make(status="SUCCESS")

    with pytest.raises(IntegrityError):
        model.objects.using(using).create(pk=job.pk)

    assert fresh(job).status == "SUCCESS"


@pytest.mark.parametrize("status", JobState.values)
def test_a_new_row_may_begin_in_any_state(make, fresh, status):
    job = make(status=status)

    assert fresh(job).status == status
    assert (fresh(job).finished_at is not None) is (status in ("SUCCESS", "FAILURE", "REVOKED"))


def test_bulk_create_fills_in_the_end(using):
    Job.objects.using(using).bulk_create([Job(status="SUCCESS"), Job()])

    ended, new = Job.objects.using(using).order_by("pk")
    assert ended.finished_at is not None
    assert new.finished_at is None


def test_fixtures_may_bring_any_state():
    text = serializers.serialize("json", [UuidJob(status="SUCCESS", generation=3)])

    for loaded in serializers.deserialize("json", text):
        loaded.save()

    loaded = UuidJob.objects.get()
    assert (loaded.status, loaded.generation) == ("SUCCESS", 3)
    assert loaded.finished_at is not None


def test_a_copy_of_a_loaded_job_begins_anew(make, fresh, model, using):
    job = make()
    job.enqueue("some.task")
    job.claim()
    job.fail("boom")
    copied = fresh(job)
    for field in [model._meta.pk, *model._meta.parents.values()]:
        if field is not None:
            setattr(copied, field.attname, None)
    if model is ChildJob:
        copied.id = None
    if model is UuidJob:
        copied.pk = model._meta.pk.get_default()
        copied._state.adding = True

    copied.save(using=using)

    new = fresh(copied)
    assert new.pk != job.pk
    assert (new.status, new.generation, new.attempt, new.error, new.task, new.claim_token) == (
        "CREATED",
        0,
        0,
        "",
        "",
        "",
    )
    assert fresh(job).status == "FAILURE"


@pytest.mark.django_db(transaction=True, databases=["default", "other"], available_apps=["jobstate", "tests.app"])
def test_saving_a_deleted_job_raises_and_makes_no_row(make, model, using):
    job = make()
    model.objects.using(using).all().delete()
    job.key = "mine"

    with pytest.raises(DatabaseError, match="did not affect any rows"):
        job.save()

    assert not model.objects.using(using).exists()


def test_deferred_columns_stay_deferred(make, model, using, django_assert_num_queries, fresh):
    job = make(key="old")
    lean = model.objects.using(using).only("key").get(pk=job.pk)
    lean.key = "new"

    with django_assert_num_queries(1, using=using):
        lean.save()

    assert fresh(job).key == "new"


@pytest.mark.usefixtures("warned_only")
def test_warn_lets_an_old_project_move_over_step_by_step(make, model, using, fresh):
    job = make()
    job.status = "STARTED"

    with pytest.warns(GuardedFieldWarning, match=r"save\(\) would write status"):
        job.save()
    with pytest.warns(GuardedFieldWarning):
        model.objects.using(using).filter(pk=job.pk).update(error="seen")
    with pytest.warns(GuardedFieldWarning, match="not loaded"):
        model(pk=job.pk, status="SUCCESS", created=job.created).save(using=using, force_update=True)

    assert fresh(job).status == "SUCCESS"


@pytest.mark.usefixtures("warned_only")
def test_warn_still_leaves_unchanged_columns_out(make, fresh):
    stale = make()
    fresh(stale).cancel()
    stale.key = "mine"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stale.save()

    assert fresh(stale).status == "CANCELING"
