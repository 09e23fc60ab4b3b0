"""The task, acknowledged early and late: real files are counted in batches, mostly with a checkpoint before each."""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from threading import Event
from typing import Any

from celery import shared_task

from example_project.census.counting import Count, count_file, python_files
from jobstate.celery import JobTask

__all__ = ["BrokenBodyError", "count_early", "count_late"]

BATCH = 1  # files
STEP = 0.15  # seconds that a batch lasts at most


class BrokenBodyError(Exception):
    """The body was asked to fail."""


def count(task: Any, seconds: float, tries: int, countdown: float, breaks: bool, deaf: bool) -> int:
    """Count files for about so many seconds; then try again, or fail, or return the number of tokens.

    A deaf body never asks whether it should stop, so that only the guard keeps it from writing.
    """
    steps = max(1, round(seconds / STEP))
    files = islice(cycle(python_files(Path(json.__file__).parent)), steps * BATCH)
    found = Count()
    for _ in range(steps):
        if not deaf:
            task.job.checkpoint()
        found = sum(map(count_file, islice(files, BATCH)), found)
        Event().wait(seconds / steps)
    if task.request.retries < tries:
        raise task.retry(countdown=countdown)
    if breaks:
        raise BrokenBodyError("as planned")
    return found.tokens


@shared_task(base=JobTask, bind=True, max_retries=None)
def count_early(self: Any, *plan: Any) -> int:
    return count(self, *plan)


@shared_task(base=JobTask, bind=True, max_retries=None, acks_late=True, reject_on_worker_lost=True)
def count_late(self: Any, *plan: Any) -> int:
    return count(self, *plan)
