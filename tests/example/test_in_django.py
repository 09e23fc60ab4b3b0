"""The example has settings of its own, so its pages are tested by Django's runner, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.example.processes import ROOT


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the example's manage.py by its path, with everything that it writes in `folder`."""
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    return subprocess.run(
        [sys.executable, "example_project/manage.py", *arguments],
        cwd=ROOT,
        env=env | {"EXAMPLE_VAR": str(folder)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize("module", ["pages", "claims"])
def test_in_django(tmp_path: Path, module: str) -> None:
    done = manage(tmp_path, "test", f"tests.example.in_django.{module}")

    assert done.returncode == 0, done.stderr
    assert "\nOK\n" in done.stderr  # not "NO TESTS RAN", and none skipped


def test_no_migration_is_missing(tmp_path: Path) -> None:
    done = manage(tmp_path, "makemigrations", "--check", "--dry-run")

    assert done.returncode == 0, done.stdout
