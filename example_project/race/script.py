"""The script of the race: who does what to which job, and when. Both models play the same one."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["SEATS", "Meeting", "Step", "write_script"]

SEATS = 4
"""How many writers meet at a job: two deliveries of its message, somebody who stops it, an editor."""

_CLAIMING, _ENDING, _AFTER = range(3)
_ENDINGS = ["succeed", "succeed", "fail", "retry_later"]
_STOPS = ["cancel", "cancel", "fail"]  # a cancel button, or the handler of a time limit


@dataclass(frozen=True, slots=True)
class Step:
    """One call, on the instance as it was loaded or on a refreshed one."""

    verb: str
    refresh: bool


@dataclass(frozen=True, slots=True)
class Meeting:
    """One run of one job: in each beat the seats that have a step take it at the same moment."""

    job: int
    run: int
    opener: int
    beats: tuple[tuple[Step | None, ...], ...]


def write_script(jobs: list[int], runs: int, refresh: float, seed: int) -> list[Meeting]:
    """Write the meetings in their order; `refresh` is the share of steps that read the row first."""
    dice = random.Random(seed)  # noqa: S311  a script, no secret
    return [_meeting(dice, job, run, refresh) for run in range(1, runs + 1) for job in jobs]


def _meeting(dice: random.Random, job: int, run: int, refresh: float) -> Meeting:
    worker, other, stopper, editor = seats = dice.sample(range(SEATS), SEATS)
    beats: list[list[Step | None]] = [[None] * SEATS for _ in range(3)]

    def enter(beat: int, seat: int, verb: str) -> None:
        beats[beat][seat] = Step(verb, dice.random() < refresh)

    for seat in (worker, other):  # the broker delivered the message twice
        enter(_CLAIMING, seat, "claim")
        enter(_ENDING, seat, dice.choice(_ENDINGS))
    enter(dice.choice([_CLAIMING, _ENDING, _ENDING]), stopper, dice.choice(_STOPS))
    enter(dice.choice([_CLAIMING, _ENDING, _ENDING, _AFTER]), editor, "edit")
    enter(_AFTER, worker, "try_again")
    return Meeting(job, run, dice.choice(seats), tuple(map(tuple, beats)))
