"""What a run of the chaos says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.audit import Story, Violation

__all__ = ["Outcome", "written"]

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of the chaos."""

    seed: int
    broker: str
    injected: Counter[str]
    by_themselves: Counter[str]
    events: Counter[str]
    stories: Sequence[Story]
    violations: Sequence[Violation]
    settled_in: float | None

    @property
    def good(self) -> bool:
        """Whether nothing is wrong and everything has ended."""
        return not self.violations and self.settled_in is not None


def written(outcome: Outcome) -> str:
    """The report as text."""
    lines = [line for story in outcome.stories for line in story.lines]
    refused = Counter(line.outcome for line in lines if line.outcome != "applied")
    ends = Counter(story.present.status for story in outcome.stories)
    settled = "NOT WITHIN THE TIME" if outcome.settled_in is None else f"{outcome.settled_in:.1f} s"
    facts = {
        "faults injected": f"{sum(outcome.injected.values())}: {_listed(outcome.injected)}",
        "ended unasked": _listed(outcome.by_themselves),
        "met": _listed(outcome.events),
        "broker": outcome.broker,
        "jobs": f"{len(outcome.stories)}: {_listed(ends)}",
        "runs": str(sum(story.present.generation for story in outcome.stories)),
        "transitions": str(len(lines) - refused.total()),
        "refused": f"{refused.total()} lines: {_listed(refused)}",
        "violations": str(len(outcome.violations)),
        "time to settle": settled,
        "seed": str(outcome.seed),
    }
    return "\n".join([*(f"{name:>16}  {fact}" for name, fact in facts.items()), *_violations(outcome)]) + "\n"


def _violations(outcome: Outcome) -> list[str]:
    if not outcome.violations:
        return []
    kinds = Counter(violation.kind for violation in outcome.violations)
    by_job = {story.job: story for story in outcome.stories}
    shown = list(dict.fromkeys(violation.job for violation in outcome.violations))[:SHOWN]
    return [f"\nVIOLATIONS by kind: {_listed(kinds)}", *(_told(by_job[job], outcome.violations) for job in shown)]


def _told(story: Story, violations: Sequence[Violation]) -> str:
    wrong = [f"  {v.kind}: {v.text}" for v in violations if v.job == story.job]
    return "\n".join([f"\njob {story.job}, now {story.present}", *wrong, *(f"    {line}" for line in story.lines)])


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counted.most_common()) or "none"
