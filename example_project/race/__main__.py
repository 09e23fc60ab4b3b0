"""Run the race twice, on `save()` and on JobMixin, and show what was lost.

Exits 0 only if `save()` lost in every row that the race is about, and JobMixin in none.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any

from django.apps import apps
from django.db import OperationalError, connection
from rich.console import Console

from example_project.race import audit, crews, report
from example_project.race.database import WrongDatabaseError, race_database
from example_project.race.script import SEATS, write_script

SAVED, GUARDED = "SavedJob", "GuardedJob"
RUNS = 2


def main() -> int:
    """Parse the options, run, and turn every end into an exit code."""
    options = parse(sys.argv[1:])
    console = Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return race(console, options)
    except KeyboardInterrupt:
        return 130
    except (WrongDatabaseError, crews.WriterFailedError, OperationalError) as error:
        console.print(str(error).strip(), highlight=False)
        return 1


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="python -m example_project.race", description=__doc__)
    parser.add_argument("--jobs", type=int, default=120, help="how many jobs (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the script that both models play (%(default)s)")
    parser.add_argument(
        "--refresh", type=int, default=50, help="percent of the steps that read the row again first (%(default)s)"
    )
    return parser.parse_args(arguments)


def race(console: Console, options: argparse.Namespace) -> int:
    """Play the script on both models, show the tallies, and judge them."""
    with console.status("Starting PostgreSQL") as status, race_database() as databases:
        audit.create_record(connection)
        tallies = []
        for model in (SAVED, GUARDED):
            status.update(f"{options.jobs} jobs on {model}")
            tallies.append(play(model, options, databases))
        version = connection.cursor().connection.info.server_version // 10_000
    report.show(console, headline(options.jobs, version), options.jobs * RUNS, *tallies)
    wrong = report.complaints(*tallies)
    for complaint in wrong:
        console.print(complaint, highlight=False)
    return 1 if wrong else 0


def play(label: str, options: argparse.Namespace, databases: dict[str, Any]) -> audit.Tally:
    """Play the script on new jobs of one model, and count."""
    model = apps.get_model("race", label)
    audit.watch(connection, model._meta.db_table)
    jobs = [job.pk for job in model.objects.bulk_create(model() for _ in range(options.jobs))]
    crews.play(label, write_script(jobs, RUNS, options.refresh / 100, options.seed), databases)
    return audit.tally(connection, model._meta.db_table)


def headline(jobs: int, version: int) -> str:
    """Say what was played."""
    writers = SEATS * crews.CREWS
    return (
        f"The bug, shown: {writers} writers claim, finish, fail, retry, cancel and edit {jobs} jobs,\n"
        f"{SEATS} at each job at the same time. One script, played twice on PostgreSQL {version}."
    )


if __name__ == "__main__":
    sys.exit(main())
