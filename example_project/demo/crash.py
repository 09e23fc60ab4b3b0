"""The crash: a worker is killed while it runs a census; its lease runs out, settling gives the job to another."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence

from example_project.census.models import Census
from example_project.demo.screen import Screen
from example_project.demo.sightings import Sighting, is_half_way
from example_project.processes import kill
from jobstate import JobState, Outcome, reaper

__all__ = ["Crash"]

SETTLE_EVERY = 1  # second; in a project it is a line of beat or cron, once a minute


class Crash:
    """What happens to one census and its worker, told look by look."""

    def __init__(self, pk: int, doomed: subprocess.Popen[bytes], start_relief: Callable[[], None]) -> None:
        self.pk, self.doomed, self._start_relief = pk, doomed, start_relief
        self.settled: Counter[Outcome] = Counter()
        self.orphaned: list[Sighting] = []
        self.in_hand: list[int] = []
        self._next_settling = 0.0

    @property
    def killed(self) -> bool:
        """Whether the worker is gone."""
        return self.doomed.returncode is not None

    def look(self, censuses: Sequence[Census], screen: Screen) -> None:
        """Take the next step of the story where it is time for it."""
        census = next(census for census in censuses if census.pk == self.pk)
        if not self.killed and is_half_way(census):
            kill(self.doomed)
            screen.say(f'kill -9: the worker "doomed" and its child are gone, with no. {self.pk} half-way')
            screen.say(f"no. {self.pk} still says {census.state.label}; its worker is believed until its lease is over")
        elif self.killed and not self.settled:
            self.orphaned.append(Sighting.of(census))
            if time.monotonic() >= self._next_settling:
                self._settle(censuses, screen)

    def _settle(self, censuses: Sequence[Census], screen: Screen) -> None:
        self._next_settling = time.monotonic() + SETTLE_EVERY
        self.settled.update(reaper.settle(Census)[Census._meta.label])
        if not self.settled:
            screen.say("settle(): nothing to do, no lease is over")
            return
        self.in_hand = [c.pk for c in censuses if c.status == JobState.STARTED and c.pk != self.pk]
        told = ", ".join(f"{count} {outcome.value}" for outcome, count in self.settled.items())
        screen.say(f"settle(): {told}; no. {self.pk} waits again, and a new worker is started")
        self._start_relief()
