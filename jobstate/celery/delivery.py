"""What one delivery of a message says: which run of which job, under which claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps

from jobstate.context import Claim
from jobstate.dispatch import GENERATION_HEADER, MODEL_HEADER, PK_HEADER, USING_HEADER
from jobstate.exceptions import MisuseError
from jobstate.models import JobMixin
from jobstate.retry import retrying
from jobstate.transitions import Fence

__all__ = ["CLAIM_KEY", "Delivery", "exited"]

CLAIM_KEY = "jobstate_claim"
"""Where the worker's main process puts the claim, so that its pool child knows it too."""

exited: set[str] = set()
"""Claims whose body left by an exit here. A pool of threads tells Celery nothing of that, so that it
counts the request among its active ones for ever."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it reached a worker. `generation` is None in messages from before jobstate."""

    model: type[JobMixin]
    pk: str
    using: str
    generation: int | None
    token: str

    @classmethod
    def of(cls, request: Any) -> Delivery | None:
        """Read a task request or the headers of a message; None if it is not for a job."""
        label = _entry(request, MODEL_HEADER)
        if not label:
            return None
        model = apps.get_model(label)
        if not issubclass(model, JobMixin):
            raise MisuseError(f"The message names {label}, which is not a job model.")
        generation = _entry(request, GENERATION_HEADER) or None
        using, token = _entry(request, USING_HEADER) or "default", _entry(request, CLAIM_KEY) or ""
        return cls(model, str(_entry(request, PK_HEADER)), using, generation, token)

    def job(self) -> JobMixin | None:
        """The job as it is now, or None if its row is gone."""
        rows = self.model._base_manager.using(self.using).filter(pk=self.pk)
        found: JobMixin | None = retrying(self.using)(rows.first)
        return found

    def claim(self, job: JobMixin) -> Claim:
        """The claim as the context carries it."""
        generation = self._generation_of(job) or 0
        return Claim(self.model._owner()._meta.label, self.pk, self.using, generation, self.token)

    def fence(self, job: JobMixin, *claims: str) -> Fence:
        """The fence of this delivery, for writes under one of `claims`."""
        return Fence(self._generation_of(job), frozenset(claims))

    def _generation_of(self, job: JobMixin) -> int | None:
        """The run that the message is for; where it does not say, the run that it claimed."""
        claimed = bool(self.token) and job.claim_token == self.token
        return job.generation if self.generation is None and claimed else self.generation


def _entry(request: Any, name: str) -> Any:
    if isinstance(request, dict):
        return request.get(name)
    value = getattr(request, name, None)
    # an eager request keeps the headers apart
    return (getattr(request, "headers", None) or {}).get(name) if value is None else value
