"""The office: operators who start, cancel and restart jobs at random, and settling once a second.

Run as `python -m tests.chaos.office LIFE`; the chaos may kill it at any time and starts the next life.
"""

from __future__ import annotations

import logging
import os
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import django
from django.db import DatabaseError, InterfaceError, connections

from tests.live.ledger import Ledger

__all__ = ["Operator", "plan_of", "settle_for_ever"]

OPERATORS = 2
ACTIONS = {"cancel": 5, "restart": 4, "replace": 2, "cancel_again": 2, "look": 2}


def plan_of(dice: random.Random) -> tuple[str, list[Any]]:
    """A task, by its short name, and its arguments."""
    tries = dice.choice([0, 0, 0, 0, 1, 2])
    plan = [round(0.05 + 1.45 * dice.random() ** 3, 2), tries, round(dice.uniform(0, 1), 1)]
    return dice.choice(["count_early", "count_late"]), [*plan, dice.random() < 0.1, dice.random() < 0.4]


class Operator:
    """Somebody with a list of jobs as they were when last looked at."""

    def __init__(self, dice: random.Random, calm: Path, pace: float) -> None:
        self.dice, self.calm, self.pace = dice, calm, pace
        self.seen: dict[int, Any] = {}
        self.ledger = Ledger.of_environment()

    def run(self) -> None:
        """Work until it is calm."""
        while not self.calm.exists():
            Event().wait(self.dice.expovariate(1 / self.pace))
            try:
                self.enqueue_next() if self.dice.random() < 0.6 else self.act()
            except (DatabaseError, InterfaceError) as error:
                self.ledger.write("operator_failed", error=repr(error))
                connections.close_all()
        connections.close_all()

    def enqueue_next(self) -> None:
        """Start a job that was never started."""
        from tests.chaos import tasks
        from tests.chaos.models import CountJob

        waiting = list(CountJob.objects.filter(status="CREATED").order_by("pk")[:5])
        if waiting:
            job, (name, plan) = self.dice.choice(waiting), plan_of(self.dice)
            self.seen[job.pk] = job
            job.enqueue(getattr(tasks, name), *plan)

    def act(self) -> None:
        """Do something to a job, as it was when last looked at or as it is."""
        from tests.chaos.models import CountJob

        if not self.seen or self.dice.random() < 0.5:
            for job in CountJob.objects.exclude(status="CREATED").order_by("-modified")[:12]:
                self.seen[job.pk] = job
        if self.seen:
            job = self.seen[self.dice.choice(sorted(self.seen))]
            (action,) = self.dice.choices(list(ACTIONS), list(ACTIONS.values()))
            getattr(self, action)(job)

    def look(self, job: Any) -> None:
        job.refresh_from_db()

    def cancel(self, job: Any) -> None:
        job.cancel()

    def cancel_again(self, job: Any) -> None:
        job.cancel()
        job.cancel()

    def restart(self, job: Any) -> None:
        job.restart()

    def replace(self, job: Any) -> None:
        self.ledger.write("replacing", pk=str(job.pk), generation=job.generation)
        job.restart(replace=True)


def settle_for_ever(dice: random.Random) -> None:
    """Settle once a second, sometimes twice at the same time."""
    with ThreadPoolExecutor(2) as pool:
        while True:
            for done in [pool.submit(settle_once) for _ in range(dice.choice([1, 1, 2]))]:
                done.result()
            Event().wait(1)


def settle_once() -> None:
    """One round; a database that does not answer is left to the next one."""
    from jobstate.reaper import settle

    ledger = Ledger.of_environment()
    try:
        found = settle()
        ledger.write("settled", found={label: {o.value: n for o, n in c.items()} for label, c in found.items()})
    except (DatabaseError, InterfaceError) as error:
        ledger.write("settle_failed", error=repr(error))
    finally:
        connections.close_all()


def work_until_calm(life: str) -> None:
    """The operators, each in a thread; then say that they went home."""
    calm, pace = Path(os.environ["CHAOS_CALM"]), float(os.environ["CHAOS_PACE"])
    dice = [random.Random(f"{os.environ['CHAOS_SEED']} {life} {n}") for n in range(OPERATORS)]  # noqa: S311  seeded
    works: list[Callable[[], None]] = [Operator(each, calm, pace).run for each in dice]
    threads = [Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Ledger.of_environment().write("operators_gone")


def main() -> None:
    """Set Django and Celery up, and do both works until killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(threadName)s %(message)s")
    django.setup()
    from tests.chaos import tasks, worker  # noqa: F401  before there are threads

    life = sys.argv[1]
    Thread(target=work_until_calm, args=[life], daemon=True).start()
    settle_for_ever(random.Random(f"{os.environ['CHAOS_SEED']} {life}"))  # noqa: S311  seeded


if __name__ == "__main__":
    main()
