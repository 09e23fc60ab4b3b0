"""Each claim of the demo goes red when it is not so, and a census never counts for somebody else."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import TransactionTestCase
from django.utils.timezone import now

from example_project.census.counting import Count, count_directory
from example_project.census.models import Census
from example_project.census.tasks import take_census
from example_project.demo import claims
from example_project.demo.sightings import Sighting, Sightings
from jobstate import JobCanceled, JobState, Reason
from jobstate.reaper import settle


class CensusTestCase(TransactionTestCase):
    def census(self, status: JobState = JobState.CREATED, **fields: Any) -> Census:
        owner, _ = User.objects.get_or_create(username="ada")
        return Census.objects.create(owner=owner, package="json", status=status, **fields)

    def finished(self, **wrong: int) -> Census:
        truth = count_directory(self.census().directory)
        return self.census(JobState.SUCCESS, **(asdict(truth) | {"total_files": truth.files} | wrong))

    def revoked(self, **fields: Any) -> Census:
        there = count_directory(self.census().directory).files
        return self.census(JobState.REVOKED, **({"reason": Reason.CANCELED, "files": 2, "total_files": there} | fields))


class ClaimTests(CensusTestCase):
    def test_the_recount_agrees_with_the_truth_alone(self) -> None:
        assert claims.recounted([self.finished()]).holds
        for column in ("files", "lines", "tokens", "unreadable"):
            assert not claims.recounted([self.finished(**{column: 1})]).holds, column

    def test_a_failed_census_is_not_a_finished_one(self) -> None:
        assert not claims.recounted([self.census(JobState.FAILURE)]).holds

    def test_a_cancelled_census_ended_as_such_and_before_its_end(self) -> None:
        whole = count_directory(self.census().directory).files

        assert claims.cancelled(self.revoked()).holds
        for wrong in ({"files": 0}, {"files": whole}, {"total_files": whole + 1}, {"reason": Reason.EXPIRED}):
            assert not claims.cancelled(self.revoked(**wrong)).holds, wrong
        assert not claims.cancelled(self.census(JobState.SUCCESS, files=2, total_files=whole)).holds

    def test_a_final_row_that_moves_is_noticed(self) -> None:
        sightings, census = Sightings(), self.revoked()
        sightings.add([census])
        sightings.add([census])
        assert claims.ended_for_good(sightings).holds

        census.files += 1
        sightings.add([census])

        assert not claims.ended_for_good(sightings).holds

    def test_a_wrong_finished_at_is_noticed(self) -> None:
        for status, finished_at in ((JobState.STARTED, now()), (JobState.SUCCESS, None)):
            sightings, census = Sightings(), self.census(status)
            sightings.add([census])
            assert claims.finished_at_is_right(sightings).holds

            census.finished_at = finished_at
            sightings.add([census])

            assert not claims.finished_at_is_right(sightings).holds, status

    def test_a_cancel_that_is_not_too_late_is_noticed(self) -> None:
        assert claims.too_late_to_cancel(self.finished()).holds
        assert not claims.too_late_to_cancel(self.census()).holds


class CrashTests(CensusTestCase):
    def lost_and_found(self, times: int = 1) -> Census:
        census = self.census()
        census.enqueue()
        for _ in range(times):
            Census.objects.claim_next(worker="doomed")
            Census.objects.unguarded().update(lease_expires_at=now() - timedelta(seconds=1))
            settle(Census)
        found = Census.objects.claim_next(worker="relief")
        found.succeed()
        return Census.objects.get(pk=census.pk)

    def test_given_back_once_and_finished_by_another(self) -> None:
        assert claims.given_back_once(self.lost_and_found()).holds
        assert not claims.given_back_once(self.lost_and_found(times=2)).holds
        assert not claims.given_back_once(self.lost_and_found(times=0)).holds
        assert not claims.given_back_once(self.finished()).holds

    def test_another_job_that_the_reaper_wrote_is_noticed(self) -> None:
        lost, other = self.lost_and_found(), self.census(JobState.STARTED, attempt=1)
        assert claims.hit_nobody_else(lost.pk, [other]).holds
        assert not claims.hit_nobody_else(lost.pk, []).holds
        assert not claims.hit_nobody_else(other.pk, [other]).holds
        assert not claims.hit_nobody_else(lost.pk, [self.census(JobState.SUCCESS, attempt=2, lost=1)]).holds

    def test_a_row_that_moved_without_its_worker_is_noticed(self) -> None:
        census = self.census(JobState.STARTED, files=3)
        seen = Sighting.of(census)
        assert claims.still_said_running([seen, seen]).holds
        assert not claims.still_said_running([]).holds

        census.files = 4
        assert not claims.still_said_running([seen, Sighting.of(census)]).holds
        assert not claims.still_said_running([Sighting.of(self.finished())]).holds


class RecordTests(CensusTestCase):
    def claimed(self) -> Census:
        census = self.census()
        census.enqueue(take_census)
        census.claim()
        return census

    def test_the_holder_records(self) -> None:
        census = self.claimed()

        census.record(Count(files=3), total_files=5)

        found = Census.objects.get(pk=census.pk)
        assert (found.counted, found.total_files) == (Count(files=3), 5)

    def test_nothing_is_recorded_after_a_cancel(self) -> None:
        census = self.claimed()
        Census.objects.get(pk=census.pk).cancel()

        census.record(Count(files=3))

        assert Census.objects.get(pk=census.pk).counted == Count()

    def test_nothing_is_recorded_into_a_newer_run(self) -> None:
        census = self.claimed()
        Census.objects.get(pk=census.pk).restart(replace=True)
        Census.objects.get(pk=census.pk).claim()

        census.record(Count(files=3))

        assert Census.objects.get(pk=census.pk).counted == Count()

    def test_a_new_attempt_begins_with_nothing(self) -> None:
        census = self.claimed()
        census.record(Count(files=3), total_files=5)

        census.retry_later()
        Census.objects.get(pk=census.pk).claim()

        found = Census.objects.get(pk=census.pk)
        assert (found.counted, found.total_files) == (Count(), 0)

    def test_a_cancelled_census_stops_at_its_next_checkpoint(self) -> None:
        census = self.claimed()
        Census.objects.get(pk=census.pk).cancel()

        with pytest.raises(JobCanceled):
            census.checkpoint()
