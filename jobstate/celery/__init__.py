"""Celery: the task class, the request that carries the claim, the signal handlers, the runner."""

from jobstate.celery.runner import CeleryRunner
from jobstate.celery.task import JobTask

__all__ = ["CeleryRunner", "JobTask"]
