"""The contract of the guard, for every kind of job model and every alias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobstate.models import JobMixin
from jobstate.signals import job_transition_refused, job_transitioned
from tests.app.models import ChildJob, Job, ReleasingJob, SummedJob, UuidJob

KINDS = {
    "integer key": (Job, "default"),
    "uuid key": (UuidJob, "default"),
    "multi-table child": (ChildJob, "default"),
    "columns that ride along": (SummedJob, "default"),
    "second alias": (Job, "other"),
}

Make = Callable[..., JobMixin]


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def kind(request: pytest.FixtureRequest) -> tuple[type[JobMixin], str]:
    return request.param


@pytest.fixture
def model(kind: tuple[type[JobMixin], str]) -> type[JobMixin]:
    return kind[0]


@pytest.fixture
def using(kind: tuple[type[JobMixin], str]) -> str:
    return kind[1]


@pytest.fixture
def make(model: type[JobMixin], using: str) -> Make:
    """Make a saved job of the kind under test."""

    def make(**columns: Any) -> JobMixin:
        job = model(**columns)
        job.save(using=using)
        return job

    return make


@pytest.fixture
def fresh(model: type[JobMixin], using: str) -> Callable[[JobMixin], JobMixin]:
    """Read the job's row again, as somebody else would."""

    def fresh(job: JobMixin) -> JobMixin:
        return model._base_manager.using(using).get(pk=job.pk)

    return fresh


@pytest.fixture
def releasing() -> ReleasingJob:
    """A job that records what is released."""
    ReleasingJob.released.clear()
    return ReleasingJob.objects.create()


@pytest.fixture
def heard():
    """What the two signals said."""
    events: list[dict] = []

    def hear(sender, signal, **facts):
        events.append({"applied": signal is job_transitioned, "sender": sender, **facts})

    for signal in (job_transitioned, job_transition_refused):
        signal.connect(hear)
    yield events
    for signal in (job_transitioned, job_transition_refused):
        signal.disconnect(hear)
