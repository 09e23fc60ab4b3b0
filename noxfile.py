"""The suite over the versions that are supported; `nox --list` shows them.

Live workers and the other checks run by `make`, on one set of versions.
"""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

FOLDERS = ["tests/contract", "tests/races", "tests/unit"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
DJANGOS = ["5.2", "6.0", "6.1"]
COMBINATIONS = [
    (python, django)
    for python in PYTHONS
    for django in DJANGOS
    if django == "5.2" or python in ("3.12", "3.13")  # Django 6 needs Python 3.12
]


@nox.session
@nox.parametrize("python,django", COMBINATIONS)
def tests(session: nox.Session, django: str) -> None:
    """Contract, races and units, on the newest Celery."""
    session.install("-e", ".[dev]", f"django~={django}.0")
    session.run("python", "-m", "pytest", *FOLDERS, *session.posargs)


@nox.session(python="3.12")
@nox.parametrize("celery", ["5.5", "newest"])
def celery(session: nox.Session, celery: str) -> None:
    """The oldest Celery that is supported, and the newest, on Django's LTS."""
    wanted = "celery" if celery == "newest" else f"celery~={celery}.0"
    session.install("-e", ".[dev]", "django~=5.2.0", wanted)
    session.run("python", "-m", "pytest", *FOLDERS, *session.posargs)
