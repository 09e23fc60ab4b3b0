"""The history of a census as people read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils.safestring import SafeString

from example_project.census.models import Census
from jobstate import JobState, Outcome, Reason
from jobstate.display import badge
from jobstate.models import JobTransition

__all__ = ["Line", "timeline"]


@dataclass(frozen=True)
class Line:
    """One applied transition, or one that was refused."""

    record: JobTransition
    since_start: timedelta

    @property
    def was(self) -> SafeString | str:
        """The state before, as a badge; nothing where the row was gone."""
        return _badge(self.record.from_status) if self.record.from_status else ""

    @property
    def to(self) -> SafeString:
        """The state that was asked for, as a badge."""
        return _badge(self.record.to_status)

    @property
    def applied(self) -> bool:
        """Whether the row moved."""
        return self.record.outcome in (Outcome.APPLIED.value, Outcome.ALREADY.value)

    @property
    def explanation(self) -> str:
        """Why it was refused."""
        known = {outcome.value: outcome.explanation for outcome in Outcome}
        return known.get(self.record.outcome, self.record.outcome)

    @property
    def reason(self) -> str:
        """Why the job ended, where it says so."""
        return str(dict(Reason.choices).get(self.record.reason, self.record.reason))


def timeline(census: Census) -> list[Line]:
    """Whatever happened to it, the oldest first."""
    records = list(census.transitions)
    return [Line(record, record.at - records[0].at) for record in records]


def _badge(status: str) -> SafeString:
    return badge(Census(status=JobState.from_celery(status)))
