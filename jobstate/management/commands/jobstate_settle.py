"""`manage.py jobstate_settle`: settle what is unfinished and past its lease."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from jobstate import reaper
from jobstate.models import JobMixin

__all__ = ["Command"]


class Command(BaseCommand):
    """Parses and reports; the reaper acts."""

    help = "Settle jobs that are unfinished and past their lease. Safe to run several at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count what would be settled.")
        parser.add_argument("--model", metavar="app.Model", help="Settle the jobs of this model alone.")
        parser.add_argument("--database", help="The alias to settle on; by default the one that is written to.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] and options["database"] not in connections:
            raise CommandError(f"There is no database {options['database']}; there are {', '.join(connections)}.")
        model = _job_model(options["model"]) if options["model"] else None
        settled = reaper.settle(model, dry_run=options["dry_run"], using=options["database"])
        for label, outcomes in settled.items():
            counts = ", ".join(f"{count} {outcome.value}" for outcome, count in outcomes.items())
            self.stdout.write(f"{label}: {counts or 'nothing to settle'}{' (dry run)' if options['dry_run'] else ''}")


def _job_model(label: str) -> type[JobMixin]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise CommandError(f"There is no model {label}; write it as app_label.Model.") from error
    if not issubclass(model, JobMixin):
        raise CommandError(
            f"{label} is not a job model; the job models are {', '.join(m._meta.label for m in reaper.job_models())}."
        )
    return model
