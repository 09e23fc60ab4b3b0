"""The whole race, in processes of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from example_project.race.audit import Tally
from example_project.race.report import complaints
from example_project.race.script import write_script

CLEAN = Tally(resurrected=0, cancels_lost=0, two_ends=0, edits_lost=0, never_ended=0, refused=9, writes=99, seconds=1.0)
LOSSY = Tally(resurrected=1, cancels_lost=1, two_ends=1, edits_lost=1, never_ended=1, refused=9, writes=99, seconds=1.0)


def environment() -> dict[str, str]:
    """This one; where its database is no PostgreSQL, the race brings its own."""
    given = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    if not given.get("DATABASE_URL", "").startswith("postgres"):
        given.pop("DATABASE_URL", None)
    return {**given, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "80"}


@pytest.mark.live
def test_save_loses_in_every_row_and_jobmixin_in_none() -> None:
    command = [sys.executable, "-m", "example_project.race"]

    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=110, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    rows = dict(re.findall(r"^(\w.*?)   +[\d,]+ +([\d,]+)$", done.stdout, re.MULTILINE))
    assert [rows[label] for label in list(rows)[:5]] == ["0"] * 5


def test_another_database_is_refused_by_name() -> None:
    command = [sys.executable, "-m", "example_project.race"]
    env = {**environment(), "DATABASE_URL": "sqlite:///:memory:"}

    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "needs PostgreSQL" in done.stdout


def test_a_server_that_does_not_answer_is_said_without_a_traceback() -> None:
    command = [sys.executable, "-m", "example_project.race"]
    env = {**environment(), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}

    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "127.0.0.1" in done.stdout
    assert done.stderr == ""


def test_a_race_that_shows_what_it_claims_has_no_complaint() -> None:
    assert complaints(LOSSY, CLEAN) == []


def test_a_save_that_loses_nothing_is_a_complaint() -> None:
    assert len(complaints(CLEAN, CLEAN)) == 3


def test_a_guard_that_loses_is_a_complaint_for_each_row() -> None:
    assert len(complaints(LOSSY, LOSSY)) == 5


def test_the_same_seed_writes_the_same_script() -> None:
    script = write_script([1, 2, 3], runs=2, refresh=0.5, seed=7)

    assert script == write_script([1, 2, 3], runs=2, refresh=0.5, seed=7)
    assert script != write_script([1, 2, 3], runs=2, refresh=0.5, seed=8)
