"""A worker without Celery, to copy: it pulls the next job from the table, and there is no broker.

Jobs for it are enqueued without a task, `census.enqueue()`. What makes it safe to run several, and to
kill any of them, is in the verbs; here is only the order in which to call them.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from threading import Event

from django.db import close_old_connections

from example_project.census.counting import Count, count_file, python_files
from example_project.census.models import Census
from jobstate import JobCanceled, JobSuperseded, acting_as, conf

__all__ = ["Puller"]

logger = logging.getLogger(__name__)

SHORTEST, LONGEST = 0.1, 2.0  # seconds between two looks at an empty table; each is twice the one before


class Puller:
    """Takes one census after the other, until `stop` is set."""

    def __init__(self, stop: Event, name: str = "") -> None:
        self.stop = stop
        self.name = name or f"puller-{os.getpid()}@{socket.gethostname()}"
        self._renew_at = 0.0

    def run(self) -> None:
        """Work while there is work, and look less often while there is none."""
        pause = SHORTEST
        with acting_as(self.name, "command"):
            while not self.stop.is_set():
                pause = SHORTEST if self.work_once() else min(2 * pause, LONGEST)
                if pause > SHORTEST:
                    self.stop.wait(pause)

    def work_once(self) -> bool:
        """Take the next census, if one waits."""
        close_old_connections()  # a connection that the database has dropped is not used again
        census = Census.objects.claim_next(worker=self.name, task="")  # Celery has those with a task
        if census is not None:
            self.work(census)
        return census is not None

    def work(self, census: Census) -> None:
        """Take the census, and end it or give it back, whatever happens."""
        logger.info("%s, attempt %s", census, census.attempt)
        try:
            done = self._count(census)
        except JobCanceled:
            census.retry_later()  # refused, and by that the cancel is carried out: a holder ends what it holds
        except JobSuperseded:
            logger.warning("%s went to another worker", census)
        except Exception as error:
            logger.exception("%s failed", census)
            census.fail(error)
        else:
            outcome = census.succeed() if done else census.retry_later()
            logger.info("%s %s: %s", census, "finished" if done else "given back", outcome.explanation)

    def _count(self, census: Census) -> bool:
        """Count file by file; False if this worker was told to stop before the end."""
        paths, so_far = python_files(census.directory), Count()
        census.record(so_far, total_files=len(paths))
        for path in paths:
            if self.stop.is_set():
                return False
            self._give_sign_of_life(census)
            so_far += count_file(path)
            census.record(so_far)
        return True

    def _give_sign_of_life(self, census: Census) -> None:
        """Renew the lease when it is time for it, and stop here if the job is no longer this worker's.

        A file is counted in far less than a lease. A step that takes longer needs a thread for its heartbeat.
        """
        census.checkpoint()
        if time.monotonic() >= self._renew_at:
            census.heartbeat()
            self._renew_at = time.monotonic() + conf.lease(Census).total_seconds() / 3
