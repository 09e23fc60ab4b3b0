"""Workers that pull, as real processes on a table of their own: no broker, and one of them is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.example.processes import ROOT, survivors

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]

PATIENCE = 60.0
SMALL = ("asyncio", "concurrent", "email", "http", "json", "xml")


class Place:
    """A folder with a database of its own, and the pullers on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pullers = folder, list[subprocess.Popen[bytes]]()
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
        self.env = kept | {"EXAMPLE_VAR": str(folder), "EXAMPLE_LEASE": "2"}
        self.manage("migrate", "-v0")

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "example_project/manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pull(self, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "example_project/manage.py", "census_pull", "--name", name]
        with (self.folder / f"{name}.log").open("wb") as log:
            puller = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        self.pullers.append(puller)
        return puller

    def enqueue(self, *packages: str) -> None:
        self.manage(
            "shell",
            "-c",
            "from django.contrib.auth.models import User; from example_project.census.models import Census\n"
            "ada, _ = User.objects.get_or_create(username='ada')\n"
            f"for name in {packages}: Census.objects.create(owner=ada, package=name).enqueue()",
        )

    def ask(self, columns: str, table: str = "census_census") -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "example.sqlite3", timeout=20)) as database:
            return database.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()  # noqa: S608

    def claims(self) -> list[tuple[Any, ...]]:
        """Who took which census, in their order."""
        lines = self.ask("job_pk, to_status, outcome, actor", "jobstate_jobtransition")
        return [(pk, actor) for pk, to, outcome, actor in lines if (to, outcome) == ("STARTED", "applied")]

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, (self.ask("package, status, attempt"), self.logs())
            threading.Event().wait(0.05)

    def logs(self) -> str:
        return "\n".join(log.read_text() for log in self.folder.glob("*.log"))

    def is_in_the_middle(self) -> bool:
        return any(status == "STARTED" and files > 0 for status, files in self.ask("status, files"))

    def has_ended(self) -> bool:
        return {status for (status,) in self.ask("status")} == {"SUCCESS"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for puller in made.pullers:
        puller.kill()
        puller.wait()


def test_two_share_the_work_and_do_each_job_once(place: Place) -> None:
    pullers = [place.pull("ada"), place.pull("bob")]
    place.until(lambda: place.logs().count("waits for jobs") == 2)

    place.enqueue(*SMALL)
    place.until(place.has_ended)

    assert sorted(pk for pk, _ in place.claims()) == sorted(str(n + 1) for n in range(len(SMALL)))
    assert place.ask("attempt, lost, files = total_files AND files > 0") == [(1, 0, 1)] * len(SMALL)
    assert {actor for _, actor in place.claims()} <= {"ada", "bob"}
    for puller in pullers:
        puller.send_signal(signal.SIGTERM)
    assert [puller.wait(20) for puller in pullers] == [0, 0]
    assert survivors(place.folder) == []


def test_the_job_of_one_that_was_killed_goes_to_the_other(place: Place) -> None:
    place.enqueue("stdlib", *SMALL[1:])
    killed = place.pull("ada")
    place.until(place.is_in_the_middle)

    killed.kill()
    place.pull("bob")
    place.until(lambda: "1 applied" in place.manage("jobstate_settle"))
    place.until(place.has_ended)

    assert place.ask("attempt, lost, worker") == [(2, 1, "bob"), *[(1, 0, "bob")] * 5]
    assert [actor for pk, actor in place.claims() if pk == "1"] == ["ada", "bob"]
    assert place.ask("files = total_files AND files > 0") == [(1,)] * 6


def test_one_that_is_told_to_stop_gives_its_job_back(place: Place) -> None:
    place.enqueue("stdlib")
    puller = place.pull("ada")
    place.until(place.is_in_the_middle)

    puller.send_signal(signal.SIGTERM)

    assert puller.wait(20) == 0, place.logs()
    assert place.ask("status, claim_token, attempt, lost") == [("RETRY", "", 1, 0)]


def test_a_cancelled_job_ends_and_the_puller_goes_on(place: Place) -> None:
    place.enqueue("stdlib", "json")
    place.pull("ada")
    place.until(place.is_in_the_middle)

    place.manage("shell", "-c", "from example_project.census.models import *; Census.objects.get(pk=1).cancel()")

    place.until(lambda: place.ask("status") == [("REVOKED",), ("SUCCESS",)])
