"""What must hold of one job's history, by the invariants of the guard. Pure: no database, no Django models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from jobstate.states import RUN_STARTS, TRANSITIONS, JobState

__all__ = ["Line", "Note", "Present", "Story", "Violation", "audit"]

FINAL = JobState.final_states()
TICK = timedelta(microseconds=1)
BY_WORKERS = ("task", "signal")
SETTLED = {("STARTED", "PENDING"), ("STARTED", "FAILURE"), ("CANCELING", "REVOKED")}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    from_status: str
    to_status: str
    outcome: str
    generation: int | None
    attempt: int | None
    actor: str
    source: str
    at: datetime

    def __str__(self) -> str:
        run = f"run {self.generation}.{self.attempt}"
        return f"{self.at:%M:%S.%f} {run} {self.from_status} -> {self.to_status} {self.outcome} by {self.actor}"


@dataclass(frozen=True, slots=True)
class Note:
    """What the database itself noted of one write: the run and the claim before it, and who meant to write."""

    from_status: str
    to_status: str
    held_generation: int
    generation: int
    held: str
    writer: str
    finished: bool
    alive: bool = False
    """Whether whoever had the job then was still to be believed."""


@dataclass(frozen=True, slots=True)
class Present:
    """The row as it is in the end."""

    status: str
    generation: int
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Story:
    """One job: its history and the database's notes, oldest first, the row, and the runs that were replaced."""

    job: str
    lines: Sequence[Line]
    notes: Sequence[Note]
    present: Present
    replaced: frozenset[int] = frozenset()

    @property
    def applied(self) -> list[Line]:
        """What changed the row."""
        return [line for line in self.lines if line.outcome == "applied"]


@dataclass(frozen=True, slots=True)
class Violation:
    """What should never be."""

    kind: str
    job: str
    text: str


Finding = tuple[str, str]


def audit(story: Story) -> list[Violation]:
    """Every violation in the story of one job."""
    return [Violation(kind, story.job, text) for rule in RULES for kind, text in rule(story)]


def every_line_follows(story: Story) -> Iterator[Finding]:
    """No gap, no generation that decreases or is left out; the first line begins at CREATED."""
    status, generation = JobState.CREATED.value, 0
    for line in story.applied:
        if line.from_status != status:
            yield "gap", f"the row was {status} before {line}"
        if (line.generation or 0) - generation not in (0, 1):
            yield "generation", f"the run was {generation} before {line}"
        status, generation = line.to_status, line.generation or 0


def every_arrow_exists(story: Story) -> Iterator[Finding]:
    """Arrows within a run are TRANSITIONS, those to the next one are RUN_STARTS."""
    generation = 0
    for line in story.applied:
        arrows = TRANSITIONS if line.generation == generation else RUN_STARTS
        if line.to_status not in arrows[JobState.from_celery(line.from_status)]:
            final = line.from_status in FINAL and line.generation == generation
            yield "final status changed" if final else "no such arrow", str(line)
        generation = line.generation or 0


def every_run_ends_once(story: Story) -> Iterator[Finding]:
    """One final line for each run; none only where the run was replaced."""
    ends = [line.generation for line in story.applied if line.to_status in FINAL]
    for generation in sorted({line.generation or 0 for line in story.applied} - {0}):
        times = ends.count(generation)
        replaced = generation in story.replaced and generation < story.present.generation
        if times > 1:
            yield "two ends", f"run {generation} ended {times} times"
        elif not times and not replaced:
            yield "no end", f"run {generation} has no end, and nobody replaced it"


def the_row_is_final(story: Story) -> Iterator[Finding]:
    """Settling ends every job."""
    if story.present.status not in FINAL:
        yield "not final", f"the row is {story.present.status}"


def the_history_replays(story: Story) -> Iterator[Finding]:
    """The last applied line alone says what the row says."""
    last, present = (story.applied or [None])[-1], story.present
    said = (last.to_status, last.generation) if last else (JobState.CREATED.value, 0)
    if said != (present.status, present.generation):
        yield "replay", f"the history ends with {said}, and the row is {present}"
    finished_at = last.at if last and last.to_status in FINAL else None
    if not same_moment(finished_at, present.finished_at):
        yield "finished_at", f"{present.finished_at} where the history says {finished_at}"


def same_moment(one: datetime | None, other: datetime | None) -> bool:
    """Whether both are the same moment, or both none."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TICK


def only_the_claimant_ends(story: Story) -> Iterator[Finding]:
    """A worker ends or gives back only what it has started."""
    holder: str | None = None
    for line in story.applied:
        ended = line.to_status in (JobState.SUCCESS, JobState.FAILURE, JobState.RETRY)
        if line.source in BY_WORKERS and ended and line.actor != holder:
            yield "not its claim", f"{holder or 'nobody'} had the job before {line}"
        holder = line.actor if line.to_status == JobState.STARTED else None


def only_the_fence_writes(story: Story) -> Iterator[Finding]:
    """Whoever writes under a claim finds that claim in the row; a run follows its predecessor."""
    for note in story.notes:
        if note.writer and note.to_status != JobState.STARTED and note.writer != note.held:
            yield "without the fence", f"{note.writer} wrote where {note.held or 'nobody'} had the claim: {note}"


def nobody_ends_a_live_claim(story: Story) -> Iterator[Finding]:
    """While a holder's lease lives, only the holder gives the job back or ends what was cancelled."""
    for line, note in zip(story.applied, story.notes, strict=False):
        outsider = line.source not in BY_WORKERS or line.to_status == JobState.PENDING
        same_run = note.generation == note.held_generation and (note.from_status, note.to_status) in SETTLED
        if same_run and outsider and note.alive and note.held:
            yield "over a live claim", f"{note.held} held the job at {line}"


def finished_means_final(story: Story) -> Iterator[Finding]:
    """`finished_at` is set exactly while the status is final."""
    for note in story.notes:
        if note.finished != (note.to_status in FINAL):
            yield "finished_at", f"set: {note.finished}, in {note}"


def notes_and_lines_agree(story: Story) -> Iterator[Finding]:
    """The database saw each applied line and nothing else: what was refused changed nothing."""
    said = [(line.from_status, line.to_status, line.generation) for line in story.applied]
    seen = [(note.from_status, note.to_status, note.generation) for note in story.notes]
    if said != seen:
        yield "unrecorded write", f"the history says {said}, the database saw {seen}"


def only_replace_interrupts(story: Story) -> Iterator[Finding]:
    """A run that has not ended makes room only for `restart(replace=True)`."""
    for before, line in pairwise(story.applied):
        began = (line.generation or 0) > (before.generation or 0)
        asked = before.generation in story.replaced or before.to_status in (*FINAL, JobState.CREATED)
        if began and not asked:
            yield "interrupted", f"nobody asked to replace the run before {line}"


RULES: Sequence[Callable[[Story], Iterator[Finding]]] = (
    every_line_follows,
    every_arrow_exists,
    every_run_ends_once,
    the_row_is_final,
    the_history_replays,
    only_the_claimant_ends,
    only_the_fence_writes,
    nobody_ends_a_live_claim,
    finished_means_final,
    notes_and_lines_agree,
    only_replace_interrupts,
)
