"""The pages, through Django's test client; the queue is a real folder without a worker."""

from __future__ import annotations

from html import unescape
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.test import TransactionTestCase
from django.urls import reverse

from example_project.census.models import Census
from example_project.census.timeline import timeline
from jobstate import JobState, Reason, acting_as
from jobstate.models import JobTransition

INDEX, START = "/", "/start/"


def cancel_url(census: Census) -> str:
    return reverse("census:cancel", args=[census.pk])


def status_url(census: Census) -> str:
    return reverse("jobstate:status", args=[census._meta.label_lower, census.pk])


class PageTestCase(TransactionTestCase):
    def setUp(self) -> None:
        self.ada = User.objects.create_user("ada", password="ada")
        self.client.force_login(self.ada)

    def census(self, owner: User, package: str = "json") -> Census:
        return Census.objects.create(owner=owner, package=package)

    def messages(self) -> list[str]:
        return [unescape(str(message)) for message in self.client.get(INDEX).context["messages"]]


class AnonymousTests(PageTestCase):
    def test_is_sent_to_the_login_from_everywhere(self) -> None:
        census = self.census(self.ada)
        self.client.logout()

        for url in (INDEX, START, cancel_url(census), status_url(census), census.get_absolute_url()):
            for ask in (self.client.get, self.client.post):
                self.assertRedirects(ask(url), f"/login/?next={url}")
        assert Census.objects.get().status == JobState.CREATED

    def test_logs_in_and_out(self) -> None:
        self.client.logout()

        entered = self.client.post("/login/", {"username": "ada", "password": "ada", "next": INDEX})
        left = self.client.post("/logout/")

        self.assertRedirects(entered, INDEX, fetch_redirect_response=False)
        self.assertRedirects(left, "/login/")

    def test_a_wrong_password_is_told(self) -> None:
        self.client.logout()

        answer = self.client.post("/login/", {"username": "ada", "password": "no"})

        self.assertContains(answer, "do not belong together")


class StartTests(PageTestCase):
    def queued(self) -> int:
        return len(list(Path(settings.QUEUE).glob("*.celery.msg")))

    def test_enqueues_a_known_package(self) -> None:
        before = self.queued()

        self.client.post(START, {"package": "json"})

        census = Census.objects.get()
        assert (census.owner, census.package, census.status) == (self.ada, "json", JobState.PENDING)
        assert self.queued() == before + 1

    def test_takes_no_path_and_nothing_unknown(self) -> None:
        for package in ("", "/etc", "../..", "json/../..", "django", "x" * 60):
            self.client.post(START, {"package": package})
            assert len(self.messages()) == 1, package
        assert not Census.objects.exists()

    def test_wants_a_post(self) -> None:
        assert self.client.get(START, {"package": "json"}).status_code == 405


class IndexTests(PageTestCase):
    def test_shows_the_users_own_alone(self) -> None:
        self.census(self.ada, "json")
        self.census(User.objects.create_user("bob"), "email")

        page = self.client.get(INDEX)

        self.assertContains(page, ">json</a></th>")
        self.assertNotContains(page, ">email</a></th>")
        self.assertContains(page, 'class="jobstate-badge jobstate-created"')

    def test_refreshes_itself_only_while_something_is_unfinished(self) -> None:
        census = self.census(self.ada)
        self.assertContains(self.client.get(INDEX), 'http-equiv="refresh"')

        census.cancel()

        self.assertNotContains(self.client.get(INDEX), 'http-equiv="refresh"')


class DetailTests(PageTestCase):
    def test_tells_who_did_what_and_what_was_refused(self) -> None:
        self.client.post(START, {"package": "json"})
        census = Census.objects.get()
        self.client.post(cancel_url(census))
        with acting_as("celery:late", "task"):
            census.fail("too late")

        page = unescape(self.client.get(census.get_absolute_url()).content.decode())
        lines = timeline(census)

        assert [(line.record.actor, line.record.source, line.applied) for line in lines] == [
            ("ada", "view", True),
            ("ada", "view", True),
            ("ada", "view", True),
            ("celery:late", "task", False),
        ]
        assert page.count('class="refused"') == 1
        assert "the job had already ended" in page
        assert "It was cancelled" in page

    def test_a_row_that_this_release_does_not_know_is_shown(self) -> None:
        census = self.census(self.ada)
        JobTransition.objects.create(
            model=census._meta.label, job_pk=str(census.pk), from_status="NEW", to_status="NEWER", outcome="odd"
        )

        self.assertContains(self.client.get(census.get_absolute_url()), "odd")

    def test_a_foreign_census_is_not_there(self) -> None:
        census = self.census(User.objects.create_user("bob"))

        assert self.client.get(census.get_absolute_url()).status_code == 404

    def test_an_actor_is_text_and_no_markup(self) -> None:
        census = self.census(self.ada)
        with acting_as("<script>"):
            census.cancel()

        self.assertNotContains(self.client.get(census.get_absolute_url()), "<script>")


class CancelTests(PageTestCase):
    def test_a_waiting_census_is_revoked_at_once(self) -> None:
        self.client.post(START, {"package": "json"})

        self.client.post(cancel_url(Census.objects.get()))

        census = Census.objects.get()
        assert (census.status, census.reason) == (JobState.REVOKED, Reason.CANCELED)
        assert self.messages() == ["The census of json is cancelled."]

    def test_a_running_census_is_left_to_its_worker(self) -> None:
        census = self.census(self.ada)
        census.claim()

        self.client.post(cancel_url(census))

        assert Census.objects.get().status == JobState.CANCELING
        self.assertNotContains(self.client.get(INDEX), cancel_url(census))

    def test_too_late_is_told_and_changes_nothing(self) -> None:
        census = self.census(self.ada)
        census.succeed()

        self.client.post(cancel_url(census))

        assert Census.objects.get().status == JobState.SUCCESS
        assert "had already ended" in self.messages()[0]

    def test_a_foreign_census_is_not_there(self) -> None:
        census = self.census(User.objects.create_user("bob"))

        assert self.client.post(cancel_url(census)).status_code == 404
        assert self.client.get(status_url(census)).status_code == 404
        assert Census.objects.get().status == JobState.CREATED

    def test_the_owner_sees_the_status_as_json(self) -> None:
        answer = self.client.get(status_url(self.census(self.ada)))

        assert answer.json()["status"] == JobState.CREATED

    def test_staff_with_the_permission_may(self) -> None:
        root = User.objects.create_superuser("root")
        self.client.force_login(root)

        self.client.post(cancel_url(self.census(self.ada)))

        assert Census.objects.get().status == JobState.REVOKED

    def test_a_link_cancels_nothing(self) -> None:
        census = self.census(self.ada)

        assert self.client.get(cancel_url(census)).status_code == 405
        assert Census.objects.get().status == JobState.CREATED


class AdminTests(PageTestCase):
    def test_shows_and_cancels(self) -> None:
        census = self.census(self.ada)
        self.client.force_login(User.objects.create_superuser("root"))
        admin = reverse("admin:census_census_changelist")

        listed = self.client.get(admin)
        page = self.client.get(reverse("admin:census_census_change", args=[census.pk]))
        done = self.client.post(admin, {"action": "cancel_jobs", "_selected_action": [census.pk]}, follow=True)

        self.assertContains(listed, "census of json")
        self.assertContains(page, 'class="jobstate-badge jobstate-created"')
        self.assertContains(done, "1 cancelled.")
        after = self.client.get(reverse("admin:census_census_change", args=[census.pk]))
        self.assertContains(after, 'class="timeline"')
        self.assertContains(after, ">root</td>")
        assert self.client.get(reverse("admin:census_census_add")).status_code == 403
