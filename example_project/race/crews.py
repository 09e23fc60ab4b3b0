"""The writers: threads with a connection each, in processes of their own, in crews that meet at a job.

Every crew has a seat in every process, so that the writers who meet do not share an interpreter's lock.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from typing import Any

from django.apps import apps

from example_project.race.database import configure
from example_project.race.interrupts import interrupts_put_off
from example_project.race.script import SEATS, Meeting

__all__ = ["CREWS", "PROCESSES", "WriterFailedError", "play"]

PROCESSES = 2
CREWS = 2
_PATIENCE = 60  # seconds; only a writer that died keeps its crew waiting


class WriterFailedError(Exception):
    """A writer ended in an error, so there is nothing to compare."""


def play(model: str, script: Sequence[Meeting], databases: dict[str, Any]) -> None:
    """Play the script on one of the models, with the jobs shared out among the crews."""
    spawn = multiprocessing.get_context("spawn")
    barriers = [spawn.Barrier(SEATS, timeout=_PATIENCE) for _ in range(CREWS)]
    shares = [[m for m in script if m.job % CREWS == crew] for crew in range(CREWS)]
    processes = [
        spawn.Process(target=run_writers, args=(model, seats, shares, barriers, databases), daemon=True)
        for seats in _seats_by_process()
    ]
    with _running(processes):
        for process in processes:
            process.join()
    if any(process.exitcode for process in processes):
        raise WriterFailedError("A writer ended in an error; it stands above.")


def run_writers(
    model: str,
    seats: Sequence[int],
    shares: Sequence[Sequence[Meeting]],
    barriers: Sequence[Barrier],
    databases: dict[str, Any],
) -> None:
    """Be one of the processes: a thread for each of the seats in each crew."""
    configure(databases)
    from example_project.race.writer import Writer

    with ThreadPoolExecutor(len(seats) * len(barriers)) as pool:
        writers = [
            pool.submit(Writer(apps.get_model("race", model), seat, barrier).play, share)
            for share, barrier in zip(shares, barriers, strict=True)
            for seat in seats
        ]
    for writer in writers:
        writer.result()


def _seats_by_process() -> list[range]:
    return [range(first, SEATS, PROCESSES) for first in range(PROCESSES)]


@contextmanager
def _running(processes: Sequence[BaseProcess]) -> Iterator[None]:
    try:
        with interrupts_put_off():
            for process in processes:
                process.start()
        yield
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
                process.join()
