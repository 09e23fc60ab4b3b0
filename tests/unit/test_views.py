"""Who may see and cancel a job over HTTP, and what the answers say."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from tests.app.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job():
    job = Job.objects.create(title="<script>")
    job.enqueue("some.task")
    job.claim(worker="w1")
    return job


@pytest.fixture
def user_with():
    """A client logged in as staff with the permissions named."""

    def user_with(*codenames, staff=True):
        user = User.objects.create_user(f"user-{User.objects.count()}", is_staff=staff)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames, content_type__app_label="app"))
        client = Client()
        client.force_login(user)
        return client

    return user_with


def url(name, job, label="app.Job"):
    return reverse(f"jobstate:{name}", args=[label, job.pk])


def test_staff_with_the_view_permission_see_the_status(job, user_with):
    answer = user_with("view_job").get(url("status", job))

    assert answer.status_code == 200
    facts = answer.json()
    assert (facts["status"], facts["label"], facts["is_final"], facts["generation"]) == ("STARTED", "Running", False, 1)
    assert "no-store" in answer["Cache-Control"]
    assert "error" not in facts
    assert "claim_token" not in facts


@pytest.mark.parametrize("name", ["status", "cancel"])
def test_whoever_may_not_gets_the_same_answer_as_for_no_job(job, user_with, name):
    clients = [
        Client(),
        user_with(),
        user_with("view_job", "cancel_job", staff=False),
        user_with("change_job"),
    ]
    foreign = [getattr(c, "get" if name == "status" else "post")(url(name, job)) for c in clients]
    clients[1].raise_request_exception = False
    absent = [
        getattr(c, "get" if name == "status" else "post")(reverse(f"jobstate:{name}", args=["app.Job", 999_999]))
        for c in clients
    ]

    assert {a.status_code for a in foreign + absent} == {404}
    assert {a.content for a in foreign} == {a.content for a in absent}
    assert Job.objects.get().status == "STARTED"


@pytest.mark.parametrize("label", ["app.Owner", "auth.User", "no.Such", "nonsense", "app.NaiveJob"])
def test_only_job_models_have_a_status(job, user_with, label):
    assert user_with("view_job").get(url("status", job, label)).status_code == 404


def test_a_key_of_the_wrong_kind_is_no_job(job, user_with):
    assert user_with("view_job").get(reverse("jobstate:status", args=["app.Job", "abc"])).status_code == 404
    assert user_with("view_uuidjob").get(reverse("jobstate:status", args=["app.UuidJob", "abc"])).status_code == 404


def test_cancel_by_post(job, user_with):
    answer = user_with("cancel_job").post(url("cancel", job))

    assert (answer.status_code, answer.json()["outcome"]) == (200, "APPLIED")
    assert Job.objects.get().status == "CANCELING"


def test_the_form_template_cancels_and_comes_back(job, user_with, rf):
    request = rf.get("/page/?tab=2")
    form = render_to_string("jobstate/cancel_form.html", {"job": job}, request)
    assert f'action="{url("cancel", job)}"' in form
    assert 'name="csrfmiddlewaretoken"' in form

    answer = user_with("cancel_job").post(url("cancel", job), {"next": "/page/?tab=2"})

    assert 'value="/page/?tab=2"' in form
    assert (answer.status_code, answer["Location"]) == (302, "/page/?tab=2")


def test_a_refused_cancel_answers_409_with_the_state(job, user_with):
    job.succeed()

    answer = user_with("cancel_job").post(url("cancel", job))

    assert (answer.status_code, answer.json()["outcome"], answer.json()["status"]) == (409, "FINAL", "SUCCESS")


def test_cancel_wants_post_and_a_csrf_token(job, user_with):
    client = user_with("cancel_job")
    assert client.get(url("cancel", job)).status_code == 405
    client.handler.enforce_csrf_checks = True

    assert client.post(url("cancel", job)).status_code == 403
    assert Job.objects.get().status == "STARTED"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:///x"])
def test_a_hostile_next_is_not_followed(job, user_with, target):
    answer = user_with("cancel_job").post(url("cancel", job), {"next": target})

    assert "Location" not in answer
    assert answer.status_code == 200


def test_next_leads_back_to_a_page_of_the_same_host(job, user_with):
    answer = user_with("cancel_job").post(url("cancel", job), {"next": "/jobs/"})

    assert (answer.status_code, answer["Location"]) == (302, "/jobs/")
