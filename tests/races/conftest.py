"""Every race is told twice: through the guard, and through plain save(), which must lose."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.timezone import now

from jobstate import JobState
from tests.app.models import Job, NaiveJob


class Guarded:
    """The verbs of a job."""

    guarded = True
    model: Any = Job

    def start(self) -> Job:
        """A job that a worker holds; the returned instance is the holder's."""
        job = Job.objects.create()
        job.enqueue("some.task")
        job.claim(worker="first")
        return job

    def load(self, pk: int) -> Any:
        return self.model.objects.get(pk=pk)

    def succeed(self, job: Any) -> bool:
        return bool(job.succeed())

    def fail(self, job: Any) -> bool:
        return bool(job.fail("boom"))

    def cancel(self, job: Any) -> bool:
        return bool(job.cancel())

    def retry(self, job: Any) -> bool:
        return bool(job.retry_later(0))

    def claim(self, job: Any) -> bool:
        return bool(job.claim())

    def save_title(self, job: Any) -> None:
        job.title = "mine"
        job.save()


class PlainSave(Guarded):
    """What projects do without a guard: load, look, set, save. The red twin."""

    guarded = False
    model = NaiveJob

    def start(self) -> Any:
        return NaiveJob.objects.create(status="STARTED")

    def _set(self, job: Any, status: str, *, final: bool = False) -> bool:
        if job.status in JobState.final_states():
            return False
        job.status = status
        job.finished_at = now() if final else job.finished_at
        job.save()
        return True

    def succeed(self, job: Any) -> bool:
        return self._set(job, "SUCCESS", final=True)

    def fail(self, job: Any) -> bool:
        return self._set(job, "FAILURE", final=True)

    def cancel(self, job: Any) -> bool:
        return self._set(job, "REVOKED", final=True)

    def retry(self, job: Any) -> bool:
        return self._set(job, "RETRY")

    def claim(self, job: Any) -> bool:
        return self._set(job, "STARTED")


@pytest.fixture(params=[Guarded, PlainSave], ids=["guarded", "plain save loses"])
def story(request: pytest.FixtureRequest) -> Guarded:
    return request.param()
