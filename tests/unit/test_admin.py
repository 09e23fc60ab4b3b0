"""The admin shows a badge, edits nothing of the guard, and cancels through the verb."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from jobstate import JobState
from tests.app.models import Job

pytestmark = pytest.mark.django_db(transaction=True)

CHANGELIST = "admin:app_job_changelist"


@pytest.fixture
def staff():
    user = User.objects.create_user("ann", is_staff=True)
    codenames = ["view_job", "change_job", "add_job", "cancel_job"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames, content_type__app_label="app"))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("state", JobState)
def test_each_state_is_shown_as_a_badge(staff, state):
    Job.objects.create(status=state)

    page = staff.get(reverse(CHANGELIST)).content.decode()

    assert f'jobstate-badge jobstate-{state.value.lower()}" title="{state.value}"' in page
    assert f"</span> {state.label}</span>" in page


def test_a_state_of_another_release_crashes_no_page(staff):
    job = Job.objects.create(status='P"<b>')

    page = staff.get(reverse(CHANGELIST)).content.decode()
    form = staff.get(reverse("admin:app_job_change", args=[job.pk]))

    assert "jobstate-unknown" in page
    assert '"<b>' not in page
    assert form.status_code == 200


def test_cancel_reports_what_became_of_each(staff):
    jobs = [Job.objects.create(status=s) for s in ("CREATED", "STARTED", "SUCCESS", "CANCELING")]
    picked = {"action": "cancel_jobs", "_selected_action": [job.pk for job in jobs]}

    page = staff.post(reverse(CHANGELIST), picked, follow=True).content.decode()

    assert "2 cancelled, 1 was being cancelled already, 1 already finished." in page
    assert sorted(Job.objects.values_list("status", flat=True)) == ["REVOKED", "REVOKED", "REVOKED", "SUCCESS"]


def test_cancel_wants_its_own_permission(staff):
    User.objects.get().user_permissions.remove(*Permission.objects.filter(codename="cancel_job"))
    job = Job.objects.create(status="STARTED")

    page = staff.get(reverse(CHANGELIST)).content.decode()
    staff.post(reverse(CHANGELIST), {"action": "cancel_jobs", "_selected_action": [job.pk]})

    assert "cancel_jobs" not in page
    assert Job.objects.get().status == "STARTED"


def test_a_form_that_was_open_while_the_job_ended_clobbers_nothing(staff):
    job = Job.objects.create(status="STARTED")
    change = reverse("admin:app_job_change", args=[job.pk])
    page = staff.get(change).content.decode()
    assert 'name="status"' not in page
    job.succeed()

    form = {
        "title": "renamed",
        "progress": "",
        "summary": "{}",
        "key": "",
        "priority": "0",
        "owner": "",
        "status": "STARTED",
    }
    answer = staff.post(change, form)

    assert answer.status_code == 302
    assert (Job.objects.get().title, Job.objects.get().status) == ("renamed", "SUCCESS")


def test_errors_are_escaped(staff):
    job = Job.objects.create(status="STARTED")
    job.fail("<script>alert(1)</script>")

    page = staff.get(reverse("admin:app_job_change", args=[job.pk])).content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
