"""Work on a few hundred jobs while workers, databases and brokers die; then audit every job's history.

Exits 0 only if every job has ended and nothing in any history is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import django
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection

from tests.chaos.effects import Effects, audit_effects
from tests.chaos.processes import Office, Worker
from tests.chaos.report import Outcome, written
from tests.chaos.servers import Postgres, new_broker
from tests.live.ledger import Ledger

PATIENCE = 90.0  # seconds to settle in, at least
EVENTS = ("operator_failed", "settle_failed")


def main() -> int:
    """Parse the options, run, and turn every end into an exit code."""
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        outcome = chaos(options)
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(written(outcome))
    return 0 if outcome.good else 1


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long faults are injected (%(default)s)")
    parser.add_argument("--jobs", type=int, default=300, help="how many jobs (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="how many workers of three processes (%(default)s)")
    parser.add_argument("--pace", type=float, default=1.2, help="seconds between two faults, about (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of all dice; a new one by default")
    parser.add_argument("--keep", type=Path, help="a new folder, to keep the ledger and the logs in")
    options = parser.parse_args(arguments)
    options.seed = secrets.randbelow(10_000) if options.seed is None else options.seed
    return options


def chaos(options: argparse.Namespace) -> Outcome:
    """Set the stage, let the faults loose, wait until all is settled, and audit."""
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="js-", ignore_cleanup_errors=True)  # short, for the socket
        folder = Path(stack.enter_context(temporary))
        postgres = Postgres(folder / "d")
        stack.callback(postgres.stop)
        broker = new_broker(folder / "b")
        stack.callback(broker.stop)
        set_up(options, folder, postgres.database, broker.celery)
        parts = [Office("office", folder), *(Worker(f"w{n + 1}", folder) for n in range(options.workers))]
        if options.keep:
            stack.callback(keep, folder, options.keep)
        for part in parts:
            stack.callback(part.stop)
            part.start()
        return played(options, postgres, broker, parts)


def keep(folder: Path, kept: Path) -> None:
    """Copy what the processes wrote."""
    kept.mkdir(parents=True)
    for path in (folder / "ledger", *folder.glob("*.log")):
        shutil.copy(path, kept)


def set_up(options: argparse.Namespace, folder: Path, database: dict[str, Any], celery: dict[str, Any]) -> None:
    """The environment of every process, the tables, the jobs."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="tests.chaos.settings",
        CHAOS_DATABASE=json.dumps(database),
        CHAOS_CELERY=json.dumps(celery),
        CHAOS_CALM=str(folder / "calm"),
        CHAOS_PACE=str(options.seconds / options.jobs),
        CHAOS_SEED=str(options.seed),
        LIVE_LEDGER=str(folder / "ledger"),
    )
    django.setup()
    from tests.chaos import record, worker  # noqa: F401  the Celery app
    from tests.chaos.models import CountJob

    call_command("migrate", run_syncdb=True, verbosity=0)
    record.create_notes()
    CountJob.objects.bulk_create(CountJob() for _ in range(options.jobs))


def played(options: argparse.Namespace, postgres: Postgres, broker: Any, parts: list[Any]) -> Outcome:
    """Faults, calm, audit."""
    from tests.chaos import record
    from tests.chaos.faults import Faults

    office, *workers = parts
    ledger = Ledger.of_environment()
    dice = random.Random(options.seed)  # noqa: S311  seeded, to be played again
    faults = Faults(dice, postgres, broker, workers, office)
    faults.inject_until(monotonic() + options.seconds, options.pace)
    # a message that was lost is waited for as long again as it has been due
    settled_in = settled(faults, ledger, dice, max(PATIENCE, 1.5 * options.seconds))
    for part in parts:
        part.stop()
    stories, effects = list(record.stories(ledger)), record.effects_by_job(ledger)
    wrong = [v for s in stories for v in (*audit_of(s), *audit_effects(s, effects.get(s.job, Effects())))]
    met = Counter({event: len(ledger.lines(event)) for event in EVENTS})
    return Outcome(options.seed, broker.name, faults.injected, faults.by_themselves, met, stories, wrong, settled_in)


def settled(faults: Any, ledger: Ledger, dice: random.Random, patience: float) -> float | None:
    """Let all be calm and wait until every job has ended; how long that took."""
    began = monotonic()
    Path(os.environ["CHAOS_CALM"]).touch()
    faults.mend(all_frozen=True)
    while monotonic() < began + patience:
        Event().wait(0.25)
        faults.mend()
        try:
            if ledger.lines("operators_gone") and all_final(dice):
                return monotonic() - began
        except (DatabaseError, InterfaceError):
            connection.close()
    note_what_is_left(ledger)
    return None


def note_what_is_left(ledger: Ledger) -> None:
    """Write the rows that have not ended to the ledger."""
    from jobstate import JobState
    from tests.chaos.models import CountJob

    for row in CountJob.objects.exclude(status__in=sorted(JobState.final_states())).values():
        ledger.write("left", **row)


def all_final(dice: random.Random) -> bool:
    """Whether all jobs have ended; those that were never started are started now."""
    from jobstate import JobState
    from tests.chaos import office, tasks
    from tests.chaos.models import CountJob

    for job in CountJob.objects.filter(status="CREATED"):
        name, plan = office.plan_of(dice)
        job.enqueue(getattr(tasks, name), *plan)
    return not CountJob.objects.exclude(status__in=sorted(JobState.final_states())).exists()


def audit_of(story: Any) -> Any:
    """The audit of one job's history."""
    from tests.chaos.audit import audit

    return audit(story)


if __name__ == "__main__":
    sys.exit(main())
