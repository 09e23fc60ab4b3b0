"""What must hold of the effects of one job's transitions: its signals and its releases. Pure, like the audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jobstate.states import JobState
from tests.chaos.audit import Finding, Line, Story, Violation

__all__ = ["Effects", "audit_effects"]

STOPS = (JobState.CANCELING, JobState.REVOKED)
NEEDS_RELEASE = ("final", "missing", "not_in_source")


@dataclass(frozen=True, slots=True)
class Effects:
    """What the ledger says of one job: signals of applied and of refused writes, and runs that were released."""

    applied: Sequence[dict[str, Any]] = ()
    refused: Sequence[dict[str, Any]] = ()
    released: Sequence[int] = ()


def audit_effects(story: Story, effects: Effects) -> list[Violation]:
    """Every violation in the effects of one job."""
    findings = [*told_at_most_once(story, effects), *released_for_a_reason(story, effects), *freed(story, effects)]
    return [Violation(kind, story.job, text) for kind, text in findings]


def told_at_most_once(story: Story, effects: Effects) -> Iterator[Finding]:
    """`job_transitioned` came at most once for each applied line; it may not know the state before."""
    whole = Counter(_facts(line) for line in story.applied)
    told = Counter(_facts_told(signal) for signal in effects.applied if signal["from_status"])
    yield from (("told too often", f"{facts}: {n} times") for facts, n in told.items() if n > whole[facts])
    ends = Counter(_end(_facts(line)) for line in story.applied)
    told_ends = Counter(_end(_facts_told(signal)) for signal in effects.applied)
    yield from (("told too often", f"{end}: {n} times") for end, n in told_ends.items() if n > ends[end])


def released_for_a_reason(story: Story, effects: Effects) -> Iterator[Finding]:
    """A run is released because it was cancelled or replaced: an old cancel never releases a newer run."""
    stopped = {line.generation for line in story.applied if line.to_status in STOPS}
    asked = {s["generation"] for s in effects.refused if s["to_status"] in STOPS and s["outcome"] in NEEDS_RELEASE}
    for generation in sorted(set(effects.released) - stopped - asked - story.replaced):
        yield "released without a reason", f"run {generation} was neither cancelled nor replaced"


def freed(story: Story, effects: Effects) -> Iterator[Finding]:
    """Whoever ends a cancelled run has released it before."""
    for line in story.applied:
        revoked = (line.from_status, line.to_status) == (JobState.CANCELING, JobState.REVOKED)
        if revoked and line.generation not in effects.released:
            yield "never released", str(line)


Facts = tuple[Any, Any, Any, Any]


def _facts(line: Line) -> Facts:
    return line.generation, line.to_status, line.from_status, line.attempt


def _facts_told(signal: dict[str, Any]) -> Facts:
    return signal["generation"], signal["to_status"], signal["from_status"], signal["attempt"]


def _end(facts: Facts) -> Facts:
    return *facts[:2], None, None
