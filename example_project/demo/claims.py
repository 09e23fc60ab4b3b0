"""What the demo claims, each held against the rows; a claim without differences is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from example_project.census.counting import Count, count_directory, python_files
from example_project.census.models import Census
from example_project.demo.crash import Crash
from example_project.demo.sightings import Sighting, Sightings
from jobstate import JobState, Outcome, Reason
from jobstate.models import JobTransition

__all__ = ["Claim", "check"]


@dataclass(frozen=True)
class Claim:
    """A sentence, and whatever contradicts it."""

    text: str
    differences: Sequence[str]

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts it."""
        return not self.differences


def check(cancelled_pk: int, crash: Crash, sightings: Sightings) -> list[Claim]:
    """Hold every claim of the demo against what was seen and what is there now."""
    latest = sightings.latest
    finished = [census for pk, census in latest.items() if pk != cancelled_pk]
    return [
        recounted(finished),
        cancelled(latest[cancelled_pk]),
        still_said_running(crash.orphaned),
        given_back_once(latest[crash.pk]),
        hit_nobody_else(crash.pk, [latest[pk] for pk in crash.in_hand]),
        ended_for_good(sightings),
        finished_at_is_right(sightings),
        too_late_to_cancel(finished[0]),
    ]


_recount = cache(count_directory)


def recounted(censuses: Sequence[Census]) -> Claim:
    """Each finished census says what a recount by one process says."""
    wrong = [f"{c} is {c.status} {c.reason} {c.error}" for c in censuses if c.status != JobState.SUCCESS]
    wrong += [
        f"{c}: the row says {c.counted}, the recount {recount}"
        for c in censuses
        if c.status == JobState.SUCCESS and c.counted != (recount := _recount(c.directory))
    ]
    total = sum((c.counted for c in censuses), Count())
    unreadable = f", {total.unreadable:,} unreadable" if total.unreadable else ""
    return Claim(
        f"{len(censuses)} finished as SUCCESS, each with the numbers of the recount: "
        f"{total.files:,} files, {total.lines:,} lines, {total.tokens:,} tokens{unreadable}",
        wrong,
    )


def cancelled(census: Census) -> Claim:
    """The cancelled census ended as such, and before its end."""
    there = len(python_files(census.directory))
    wrong = []
    if (census.status, census.reason) != (JobState.REVOKED, Reason.CANCELED):
        wrong.append(f"it is {census.status}, with reason {census.reason or 'none'}")
    if not 0 < census.files < census.total_files == there:
        wrong.append(f"{census.files} files of {census.total_files} counted; there are {there}")
    share = f"{census.files:,} of {census.total_files:,} files"
    return Claim(f"the cancelled one is REVOKED, with reason CANCELED, at {share}", wrong)


def still_said_running(orphaned: Sequence[Sighting]) -> Claim:
    """Between the kill and the settling the row said STARTED, and nobody wrote it."""
    wrong = [f"it was {seen.status}" for seen in orphaned if seen.status != JobState.STARTED]
    wrong += [f"{before} became {after}" for before, after in pairwise(orphaned) if before != after]
    if not orphaned:
        wrong.append("it was never looked at")
    return Claim(f"after kill -9 the row said STARTED and stood still, in {len(orphaned)} looks", wrong)


def given_back_once(census: Census) -> Claim:
    """The reaper gave the census back once, and its second attempt finished it."""
    applied = list(census.transitions.applied())
    way = [JobState.PENDING, JobState.STARTED, JobState.PENDING, JobState.STARTED, JobState.SUCCESS]
    wrong = [] if [line.to_status for line in applied] == way else [str(line) for line in applied]
    settled = [line.to_status for line in applied if line.source == "reaper"]
    if settled != [JobState.PENDING]:
        wrong.append(f"the reaper made it {', '.join(settled) or 'nothing'}")
    if (census.attempt, census.lost) != (2, 1):
        wrong.append(f"attempt {census.attempt}, lost {census.lost}")
    return Claim("the reaper gave it back exactly once: attempt 2, lost 1, SUCCESS by another worker", wrong)


def hit_nobody_else(lost_pk: int, in_hand: Sequence[Census]) -> Claim:
    """The reaper wrote no other job, though others were at work when it looked."""
    foreign = JobTransition.objects.filter(model=Census._meta.label, source="reaper").exclude(job_pk=str(lost_pk))
    wrong = [str(line) for line in foreign]
    wrong += [f"{c}: attempt {c.attempt}, lost {c.lost}" for c in in_hand if (c.attempt, c.lost) != (1, 0)]
    if not in_hand:
        wrong.append("no other job was at work")
    names = ", ".join(f"no. {census.pk}" for census in in_hand)
    return Claim(f"the settling hit no job of a living worker: {names} was in hand, and went on in attempt 1", wrong)


def ended_for_good(sightings: Sightings) -> Claim:
    """No row moved once its state was final: neither its state nor its numbers."""
    wrong = [
        f"{sightings.latest[pk]}: {before} became {after}"
        for pk, seen in sightings.history.items()
        for before, after in pairwise(seen)
        if before.is_final
    ]
    return Claim("no row moved once its state was final, not even when the worker had ended", wrong)


def finished_at_is_right(sightings: Sightings) -> Claim:
    """The time of the end is there exactly when the state is final."""
    wrong = [
        f"{sightings.latest[pk]}: {sighting}"
        for pk, seen in sightings.history.items()
        for sighting in seen
        if sighting.is_final != (sighting.finished_at is not None)
    ]
    return Claim(f"finished_at was set exactly where the state was final, in {sightings.looks} looks", wrong)


def too_late_to_cancel(census: Census) -> Claim:
    """A finished job refuses a cancel and stays as it is."""
    outcome = census.cancel()
    now = Census.objects.get(pk=census.pk)
    wrong = [] if outcome is Outcome.FINAL else [f"the answer was {outcome.name}"]
    if (now.status, now.finished_at) != (JobState.SUCCESS, census.finished_at):
        wrong.append(f"it is {now.status} now, finished at {now.finished_at}")
    return Claim(f"a cancel() of the {census} that came after its end was refused: {outcome.name}", wrong)
