"""The counts of the race report, over a record written by hand."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import pytest
from django.db import connection

from example_project.race import audit
from tests.app.models import NaiveJob

pytestmark = [pytest.mark.race, pytest.mark.django_db]

LOSSES = ("resurrected", "cancels_lost", "two_ends", "edits_lost", "never_ended")


@pytest.fixture
def record() -> None:
    audit.create_record(connection)


def wrote(*statuses: str, job: int = 1, run: int = 1, model: str = "jobs") -> None:
    """Note that the row's status went through all of these in one run."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO race_audit (model, job, old_run, run, old_status, status, old_title, title) "
            "VALUES (%s, %s, %s, %s, %s, %s, '', '')",
            [(model, job, run, run, old, new) for old, new in itertools.pairwise(statuses)],
        )


def titled(*titles: str) -> None:
    """Note that the row's title went through all of these, and that it had ended before."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO race_audit (model, job, old_run, run, old_status, status, old_title, title) "
            "VALUES ('jobs', 1, 1, 1, 'SUCCESS', 'SUCCESS', %s, %s)",
            list(itertools.pairwise(titles)),
        )


def restarted(status: str, *, job: int = 1, run: int = 2) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO race_audit (model, job, old_run, run, old_status, status, old_title, title) "
            "VALUES ('jobs', %s, %s, %s, %s, 'PENDING', '', '')",
            [job, run - 1, run, status],
        )


def answered(verb: str, applied: bool, *, job: int = 1, run: int = 1) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO race_answer (model, job, run, verb, applied) VALUES ('jobs', %s, %s, %s, %s)",
            [job, run, verb, applied],
        )


def losses() -> dict[str, int]:
    """Every count of losses that is not 0."""
    counted = asdict(audit.tally(connection, "jobs"))
    return {name: counted[name] for name in LOSSES if counted[name]}


@pytest.mark.usefixtures("record")
class TestLosses:
    def test_an_empty_record_has_none(self) -> None:
        assert losses() == {}
        assert audit.tally(connection, "jobs").seconds == 0

    def test_a_run_that_went_as_it_should_has_none(self) -> None:
        wrote("CREATED", "PENDING", "STARTED", "RETRY", "STARTED", "CANCELING", "REVOKED")
        answered("cancel", applied=True)

        assert losses() == {}

    def test_final_and_then_running_is_a_resurrection_once_per_run(self) -> None:
        wrote("STARTED", "SUCCESS", "STARTED", "SUCCESS", "RETRY", "SUCCESS")

        assert losses() == {"resurrected": 1}

    def test_the_start_of_a_new_run_is_no_resurrection(self) -> None:
        wrote("STARTED", "SUCCESS")
        restarted("SUCCESS")
        wrote("PENDING", "STARTED", "FAILURE", run=2)

        assert losses() == {}

    def test_a_write_that_puts_back_an_older_run_is_a_resurrection(self) -> None:
        wrote("STARTED", "SUCCESS", run=2)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO race_audit (model, job, old_run, run, old_status, status, old_title, title) "
                "VALUES ('jobs', 1, 2, 1, 'SUCCESS', 'STARTED', '', '')"
            )

        assert losses() == {"resurrected": 1, "never_ended": 1}

    @pytest.mark.parametrize("end", ["SUCCESS", "FAILURE", "STARTED", "CANCELING"])
    def test_a_cancel_that_was_confirmed_is_lost_unless_the_run_ends_revoked(self, end: str) -> None:
        wrote("PENDING", "STARTED", end)
        answered("cancel", applied=True)

        assert losses()["cancels_lost"] == 1

    def test_a_cancel_that_was_confirmed_and_never_written_is_lost(self) -> None:
        answered("cancel", applied=True)

        assert losses() == {"cancels_lost": 1}

    def test_a_cancel_that_was_refused_is_not_lost(self) -> None:
        wrote("STARTED", "SUCCESS")
        answered("cancel", applied=False)

        assert losses() == {}
        assert audit.tally(connection, "jobs").refused == 1

    def test_a_cancel_counts_in_its_own_run(self) -> None:
        wrote("STARTED", "REVOKED")
        answered("cancel", applied=True)
        restarted("REVOKED")
        wrote("PENDING", "STARTED", "SUCCESS", run=2)

        assert losses() == {}

    def test_two_final_statuses_in_one_run_are_two_ends(self) -> None:
        wrote("STARTED", "SUCCESS", "FAILURE")

        assert losses() == {"two_ends": 1}

    def test_the_same_end_written_twice_is_one_end(self) -> None:
        wrote("STARTED", "SUCCESS", "SUCCESS")

        assert losses() == {}

    def test_a_title_that_goes_back_is_a_lost_edit(self) -> None:
        titled("", "edited in run 1", "")

        assert losses() == {"edits_lost": 1}

    def test_a_title_that_goes_on_is_not(self) -> None:
        titled("", "edited in run 1", "edited in run 1", "edited in run 2")

        assert losses() == {}

    def test_a_run_whose_last_status_is_not_final_never_ended(self) -> None:
        wrote("PENDING", "STARTED")
        wrote("PENDING", "STARTED", "SUCCESS", job=2)

        assert losses() == {"never_ended": 1}

    def test_the_other_model_does_not_count(self) -> None:
        wrote("STARTED", "SUCCESS", "FAILURE", "STARTED", model="others")

        assert losses() == {}

    def test_each_run_counts(self) -> None:
        for job in (1, 2, 3):
            wrote("STARTED", "SUCCESS", "REVOKED", job=job)

        assert losses() == {"two_ends": 3}


@pytest.mark.usefixtures("record")
def test_the_trigger_notes_what_every_update_changed() -> None:
    audit.watch(connection, NaiveJob._meta.db_table)
    job = NaiveJob.objects.create(status="STARTED", generation=1)

    job.status = "SUCCESS"
    job.save()
    NaiveJob.objects.update(status="STARTED", title="new")
    job.save()

    with connection.cursor() as cursor:
        cursor.execute("SELECT job, old_run, run, old_status, status, old_title, title FROM race_audit ORDER BY seq")
        assert cursor.fetchall() == [
            (job.pk, 1, 1, "STARTED", "SUCCESS", "", ""),
            (job.pk, 1, 1, "SUCCESS", "STARTED", "", "new"),
            (job.pk, 1, 1, "STARTED", "SUCCESS", "new", ""),
        ]
    found = audit.tally(connection, NaiveJob._meta.db_table)
    assert (found.writes, found.resurrected, found.edits_lost) == (3, 1, 1)
