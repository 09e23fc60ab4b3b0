"""The story: enqueue, watch, cancel half-way, wait for every end, check."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command
from rich.console import Console

from example_project.census.models import Census
from example_project.census.packages import WHOLE
from example_project.census.tasks import take_census
from example_project.demo.claims import Claim, check
from example_project.demo.screen import Screen, screen_for
from example_project.demo.sightings import Sightings
from example_project.processes import worker
from jobstate import JobState, acting_as

__all__ = ["play"]

PACKAGES = (WHOLE, WHOLE, "asyncio", "concurrent", "email", "encodings", "http", "importlib", "json", "unittest", "xml")
"""The first is cancelled; the second is the same, and finishes."""
TIME_LIMIT = 60  # seconds until every job must have ended
LOOK_EVERY = 0.1


class DemoError(Exception):
    """The story did not come to its end."""


def play(folder: Path) -> int:
    """Tell the story, then say which of its claims hold; 0 if all of them do."""
    began, log, console = time.monotonic(), folder / "worker.log", Console(highlight=False)
    console.print(f"{len(PACKAGES)} censuses of Python's standard library, two Celery processes, SQLite.")
    try:
        claims = _tell(log, console, began)
    except DemoError as error:
        claims = [Claim("every job came to its end", [str(error)])]
    return _report(claims, console, log, time.monotonic() - began)


def _tell(log: Path, console: Console, began: float) -> list[Claim]:
    sightings = Sightings()
    with worker(log) as process:
        call_command("migrate", verbosity=0)
        victim = _enqueue_all()[0]
        with screen_for(console) as screen:
            _watch(victim, process, screen, sightings, began + TIME_LIMIT)
    console.print("The worker has ended. Counting everything again, in this process.")
    sightings.add(_censuses())  # nobody is left to write
    return check(victim.pk, sightings)


def _enqueue_all() -> list[Census]:
    owner = get_user_model().objects.create_user("demo")
    censuses = [Census.objects.create(owner=owner, package=package) for package in PACKAGES]
    with acting_as("demo", "command"):
        for census in censuses:
            census.enqueue(take_census)
    return censuses


def _watch(
    victim: Census, process: subprocess.Popen[bytes], screen: Screen, sightings: Sightings, deadline: float
) -> None:
    for censuses in _looks(process, deadline):
        sightings.add(censuses)
        screen.show(censuses)
        now = next(census for census in censuses if census.pk == victim.pk)
        if _is_half_way(now):
            with acting_as("demo", "command"):
                screen.say(f"cancel() of no. {now.pk}, half-way: {now.cancel().name}")


def _looks(process: subprocess.Popen[bytes], deadline: float) -> Iterator[list[Census]]:
    """The rows as they are, again and again, until every job has ended."""
    while time.monotonic() < deadline:
        censuses = _censuses()
        yield censuses
        if all(census.is_final for census in censuses):
            return
        if process.poll() is not None:
            raise DemoError(f"the worker ended too early, with code {process.returncode}")
        time.sleep(LOOK_EVERY)
    waiting = ", ".join(f"{census} {census.status}" for census in _censuses() if not census.is_final)
    raise DemoError(f"after {TIME_LIMIT} s there was still: {waiting}")


def _censuses() -> list[Census]:
    return list(Census.objects.order_by("pk"))


def _is_half_way(census: Census) -> bool:
    return census.status == JobState.STARTED and census.files * 2 >= census.total_files > 0


def _report(claims: list[Claim], console: Console, log: Path, seconds: float) -> int:
    for claim in claims:
        mark = "[green]✓[/]" if claim.holds else "[bold red]✗ not so:[/]"
        console.print(f"{mark} {claim.text}", soft_wrap=True)
        for difference in claim.differences:
            console.print(f"    {difference}", markup=False, soft_wrap=True)
    if all(claim.holds for claim in claims):
        console.print(f"All of this was checked, in {seconds:.0f} s.")
        return 0
    console.print("\nThe end of the worker's log:")
    console.print("\n".join(log.read_text(errors="replace").splitlines()[-40:]), markup=False, soft_wrap=True)
    return 1
