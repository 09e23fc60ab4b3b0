"""One writer of the race: a thread with a connection of its own, at one seat of a crew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from django.db import connection

from example_project.race.audit import note_answer
from example_project.race.script import Meeting, Step
from jobstate import JobState

__all__ = ["Writer"]

_ENDINGS = {"succeed", "fail", "retry_later"}


@dataclass(slots=True)
class Writer:
    """Plays one seat of the script on one of the two models, and notes every answer it gets."""

    model: type[Any]
    seat: int
    crew: Barrier

    def play(self, meetings: Iterable[Meeting]) -> None:
        """Attend the meetings; a writer that fails stops its crew."""
        try:
            for meeting in meetings:
                self._attend(meeting)
        except Exception:
            self.crew.abort()
            raise
        finally:
            connection.close()

    def _attend(self, meeting: Meeting) -> None:
        if self.seat == meeting.opener:
            self._open(meeting)
        self.crew.wait()
        job = self.model.objects.get(pk=meeting.job)
        turned_away = False
        for beat in meeting.beats:
            self.crew.wait()
            step = beat[self.seat]
            if step and not (turned_away and step.verb in _ENDINGS):
                answer = self._take(step, job)
                turned_away = step.verb == "claim" and not answer

    def _open(self, meeting: Meeting) -> None:
        job = self.model.objects.get(pk=meeting.job)
        if meeting.run == 1:
            self._say(job, "enqueue", "race.work")
        else:
            self._say(job, "restart")

    def _take(self, step: Step, job: Any) -> bool:
        if step.refresh:
            job.refresh_from_db()
        if step.verb == "edit":
            return self._edit(job)
        if step.verb == "try_again":
            return self._try_again(job)
        return self._say(job, step.verb, *(["it broke"] if step.verb == "fail" else []))

    def _edit(self, job: Any) -> bool:
        job.title = f"edited in run {job.generation}"
        job.save()
        return True

    def _try_again(self, job: Any) -> bool:
        """Take the next delivery, if the job waits for one."""
        again = self.model.objects.get(pk=job.pk)
        waits = again.status in JobState.claimable_states()
        return waits and self._say(again, "claim") and self._say(again, "succeed")

    def _say(self, job: Any, verb: str, *args: str) -> bool:
        applied = bool(getattr(job, verb)(*args))
        note_answer(connection, job, verb, applied)
        return applied
