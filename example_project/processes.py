"""Processes that leave nothing behind, however their starter ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["exit_on_sigterm", "kill", "running", "worker"]

_ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = ((signal.SIGTERM, 8), (signal.SIGQUIT, 3))  # Celery's warm and cold shutdown, in seconds


def exit_on_sigterm() -> None:
    """Let SIGTERM unwind the program as an exception would, so that it cleans up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextlib.contextmanager
def running(*arguments: str, output: IO[bytes] | None = None, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python *arguments` in a session of its own, and end it with the block."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=_ROOT,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with _undisturbed():
            _stop(process)


@contextlib.contextmanager
def worker(
    log: Path, name: str = "worker", queue: str = "celery", children: int = 2
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Celery worker with so many child processes; what it says goes to `log`."""
    place = ("-n", f"{name}@%h", "-Q", queue, "-c", str(children))
    quick = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    command = ("-m", "celery", "-A", "example_project", "worker", *place, "-l", "INFO", *quick)
    own = {"EXAMPLE_DEBUG": "0", "TMPDIR": str(log.parent)}  # a worker that is killed leaves a folder there
    with log.open("ab") as output, running(*command, output=output, **own) as process:
        yield process


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here, and its children with it, without a last word."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _stop(process: subprocess.Popen[bytes]) -> None:
    for signum, seconds in _PATIENCE:
        if process.poll() is None:
            process.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # pool children whose parent is gone
    process.wait()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a second Ctrl-C wait until the clean-up, which is over in seconds, is done."""
    waiting: list[int] = []
    before = {s: signal.signal(s, lambda signum, _: waiting.append(signum)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    if waiting:
        signal.raise_signal(waiting[0])
