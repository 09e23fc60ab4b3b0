"""Everything of the demo happens in a folder of its own, which is gone afterwards."""

from __future__ import annotations

import os
import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path

import django

from example_project.processes import exit_on_sigterm


def main() -> int:
    """Play the demo; 0 only if everything that it claims is true."""
    exit_on_sigterm()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no ✓ is no reason to fail
    try:
        with tempfile.TemporaryDirectory(prefix="jobstate-demo-", ignore_cleanup_errors=True) as folder:
            return _play_in(Path(folder))
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C. The worker has ended and the folder is gone.")
        return 130


def _play_in(folder: Path) -> int:
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        os.environ.pop(name, None)  # the demo needs no service, and touches none
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "EXAMPLE_VAR": str(folder),
        "EXAMPLE_DEBUG": "0",
        "EXAMPLE_LEASE": "3",  # seconds; nobody wants to wait a minute for the crash to be noticed
    }
    django.setup()
    from example_project.demo.story import play  # models are there only now

    return play(folder)


if __name__ == "__main__":
    sys.exit(main())
