"""Programs of the example as a user starts them, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "start", "survivors"]

ROOT = Path(__file__).resolve().parent.parent.parent


def _hear_interrupts() -> None:
    """A suite that runs in the background of a shell has inherited an ignored SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(program: str, folder: Path, **env: str) -> subprocess.Popen[str]:
    """Start a program of the example, with `folder` as the place for whatever it writes."""
    return subprocess.Popen(
        [sys.executable, "-m", f"example_project.{program}"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=_hear_interrupts,
        text=True,
        encoding="utf-8",
    )


def survivors(folder: Path) -> list[str]:
    """The processes that still have the folder in their environment."""
    mark = str(folder).encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:  # ended meanwhile, or another user's
            continue
    return found
