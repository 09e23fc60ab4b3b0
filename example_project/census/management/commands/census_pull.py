"""`manage.py census_pull`: a worker that pulls its jobs from the table."""

from __future__ import annotations

import logging
import signal
from argparse import ArgumentParser
from threading import Event, Thread
from typing import Any

from django.core.management.base import BaseCommand

from example_project.census.puller import Puller

__all__ = ["Command"]


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C; the census at hand is given back, and another worker takes it."""

    help = "Take the censuses that were enqueued without a task, one after the other. Start as many as you like."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="", help="The worker's name in the history; by default host and pid.")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        stop = Event()
        stop_on_signals(stop)
        puller = Puller(stop, options["name"])
        self.stdout.write(f"{puller.name} waits for jobs")
        self.stdout.flush()
        puller.run()


def stop_on_signals(stop: Event) -> None:
    """Set the event on SIGTERM and SIGINT.

    By a thread: a handler runs in the very thread that may just hold the event's lock.
    """
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: Thread(target=stop.set).start())
