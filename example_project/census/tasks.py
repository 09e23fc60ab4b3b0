"""The task that takes a census."""

from __future__ import annotations

import time
from typing import cast

from celery import shared_task

from example_project.census.counting import Count, count_file, python_files
from example_project.census.models import Census
from jobstate.celery import JobTask

__all__ = ["take_census"]

AT_A_TIME = 5


@shared_task(base=JobTask, bind=True)
def take_census(self: JobTask, rest: float = 0) -> None:
    """Count the package a few files at a time, as long as nobody stops the job.

    With `rest` it pauses so many seconds each time, so that there is something to watch.
    """
    census = cast("Census", self.job)
    paths, so_far = python_files(census.directory), Count()
    census.record(so_far, total_files=len(paths))
    for start in range(0, len(paths), AT_A_TIME):
        census.checkpoint()
        so_far = sum(map(count_file, paths[start : start + AT_A_TIME]), so_far)
        census.record(so_far)
        time.sleep(rest)
