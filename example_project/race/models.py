"""The same job twice: as many projects write it, and with JobMixin."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.timezone import now

from jobstate import JobState
from jobstate.models import JobMixin

__all__ = ["GuardedJob", "SavedJob"]


class SavedJob(models.Model):
    """The verbs of a job with `save()`: each looks at the status first, and answers whether it wrote."""

    status = models.CharField(max_length=20, default=JobState.CREATED, choices=JobState.choices, db_index=True)
    generation = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    finished_at = models.DateTimeField(null=True)
    title = models.CharField(max_length=50, blank=True, default="")

    def __str__(self) -> str:
        return f"saved job {self.pk}"

    def enqueue(self, task: str) -> bool:
        """Begin the first run."""
        return self._start_run({JobState.CREATED})

    def restart(self) -> bool:
        """Begin a new run of a job that has ended."""
        return self._start_run(JobState.final_states())

    def claim(self) -> bool:
        """Take a job that waits."""
        if self.status not in JobState.claimable_states():
            return False
        return self._write(JobState.STARTED, attempt=self.attempt + 1)

    def succeed(self) -> bool:
        """End the run well, unless it has ended."""
        return self._end(JobState.SUCCESS)

    def fail(self, error: str) -> bool:
        """End the run badly, unless it has ended."""
        return self._end(JobState.FAILURE, error=error)

    def cancel(self) -> bool:
        """End the run as cancelled, unless it has ended."""
        return self._end(JobState.REVOKED)

    def retry_later(self) -> bool:
        """Let the job wait for another try, unless it has ended."""
        if self.status in JobState.final_states():
            return False
        return self._write(JobState.RETRY)

    def _start_run(self, sources: Any) -> bool:
        if self.status not in sources:
            return False
        return self._write(JobState.PENDING, generation=self.generation + 1, attempt=0, error="", finished_at=None)

    def _end(self, status: JobState, **columns: Any) -> bool:
        if self.status in JobState.final_states():
            return False
        return self._write(status, finished_at=now(), **columns)

    def _write(self, status: JobState, **columns: Any) -> bool:
        for name, value in {"status": status, **columns}.items():
            setattr(self, name, value)
        self.save()
        return True


class GuardedJob(JobMixin):
    """The same job, with the verbs of JobMixin."""

    title = models.CharField(max_length=50, blank=True, default="")

    class Meta(JobMixin.Meta):
        pass
