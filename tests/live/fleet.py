"""Worker processes: started once per broker and pool, and stopped by their own process ids."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from celery import Celery
from django.db import connections

from tests.live.brokers import Broker
from tests.live.ledger import Ledger, wait_until

__all__ = ["Crew", "Fleet"]

ROOT = Path(__file__).parents[2]
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass
class Crew:
    """One worker with its two pool members, the app that publishes to it, and what it says."""

    broker: Broker
    pool: str
    app: Celery
    ledger: Ledger
    log: Path
    durations: Mapping[str, float] = field(default_factory=dict)
    """What the worker's JOBSTATE says, in seconds."""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the worker and wait until it consumes."""
        ready = len(self.ledger.lines("ready"))
        arguments = ["-A", "tests.live.worker", "worker", "-c", "2", "-P", self.pool, *QUIET, "-l", "INFO"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", *arguments],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until(lambda: self._is_ready(ready), "the worker is ready", seconds=40)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()}") from error

    def ask_to_stop(self) -> None:
        """Begin a warm shutdown."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End the worker, warm if it can, and whatever is left of its pool."""
        if self.process is None:
            return
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        self.kill()

    def quit(self) -> None:
        """Do a cold shutdown, which leaves its bodies no time, and wait for its end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
        self.kill()

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """The worker and its pool stand still, as on a host that swaps."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the worker and its pool at once, as a host that goes down does."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # the group of its own that it was started with
        self.process.wait()
        self.process = None

    def _is_ready(self, before: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the worker ended with {self.process.returncode}"
        return len(self.ledger.lines("ready")) > before

    def _environment(self) -> dict[str, str]:
        keys = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
        databases = {alias: {k: connections[alias].settings_dict[k] for k in keys} for alias in connections}
        return {
            **os.environ,
            **self.broker.environment(),
            "DJANGO_SETTINGS_MODULE": "tests.live.settings",
            "LIVE_DATABASES": json.dumps(databases),
            "LIVE_DURATIONS": json.dumps(dict(self.durations)),
            "LIVE_LEDGER": str(self.ledger.path),
        }


class Fleet:
    """The crews of one test session, each started when the first test asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crews: dict[tuple[object, ...], Crew] = {}

    def crew(self, broker_name: str, pool: str, **durations: float) -> Crew:
        key = (broker_name, pool, *sorted(durations.items()))
        if key not in self.crews:
            self.crews[key] = crew = self.idle_crew(broker_name, pool, **durations)
            crew.start()
        return self.crews[key]

    def idle_crew(self, broker_name: str, pool: str, visibility: float = 0, **durations: float) -> Crew:
        """A crew whose worker is not started yet, on a queue of its own."""
        unique = f"jobstate-live-{uuid4().hex[:12]}"
        folder = self.folder / unique
        folder.mkdir()
        broker = Broker(broker_name, unique, str(folder), visibility)
        app = broker.app(unique)
        broker.answer(app)
        return Crew(broker, pool, app, Ledger(folder / "ledger"), folder / "worker.log", durations)

    def dismiss(self, crew: Crew) -> None:
        """Stop the worker and take its traces from the broker."""
        crew.stop()
        crew.broker.forget(crew.app)
        crew.app.close()

    def disband(self) -> None:
        for crew in self.crews.values():
            crew.ask_to_stop()
        for crew in self.crews.values():
            self.dismiss(crew)
        self.crews.clear()
