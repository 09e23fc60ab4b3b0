"""What the demo saw of each row, in the order in which it saw it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from example_project.census.counting import Count
from example_project.census.models import Census
from jobstate import JobState

__all__ = ["Sighting", "Sightings", "is_half_way"]


class Sighting(NamedTuple):
    """One row at one moment; two are equal if nothing moved in between."""

    status: str
    reason: str
    finished_at: datetime | None
    counted: Count

    @classmethod
    def of(cls, census: Census) -> Sighting:
        """The row as it is now."""
        return cls(census.status, census.reason, census.finished_at, census.counted)

    @property
    def is_final(self) -> bool:
        """Whether the job had ended."""
        return self.status in JobState.final_states()


class Sightings:
    """Every look at the table; of one row only what changed."""

    def __init__(self) -> None:
        self.looks = 0
        self.latest: dict[int, Census] = {}
        self.history: dict[int, list[Sighting]] = {}

    def add(self, censuses: Iterable[Census]) -> None:
        """Remember one look at the table."""
        self.looks += 1
        for census in censuses:
            self.latest[census.pk] = census
            seen = self.history.setdefault(census.pk, [])
            sighting = Sighting.of(census)
            if not seen or seen[-1] != sighting:
                seen.append(sighting)


def is_half_way(census: Census) -> bool:
    """Whether a worker has counted half of the files."""
    return census.status == JobState.STARTED and census.files * 2 >= census.total_files > 0
