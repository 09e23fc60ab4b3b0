"""The story: enqueue, watch, cancel one census and crash another, wait for every end, check."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management import call_command
from rich.console import Console

from example_project.census.models import Census
from example_project.census.packages import WHOLE
from example_project.census.tasks import take_census
from example_project.demo.claims import Claim, check
from example_project.demo.crash import Crash
from example_project.demo.screen import Screen, screen_for
from example_project.demo.sightings import Sightings, is_half_way
from example_project.processes import worker
from jobstate import acting_as, conf

__all__ = ["play"]

SMALL = ("asyncio", "concurrent", "email", "encodings", "http", "importlib", "json", "unittest", "xml")
TIME_LIMIT = 60  # seconds until every job must have ended
LOOK_EVERY = 0.1
REST = 0.04  # seconds; the slow census is still at work when the others have ended


class DemoError(Exception):
    """The story did not come to its end."""


def play(folder: Path) -> int:
    """Tell the story, then say which of its claims hold; 0 if all of them do."""
    began, log, console = time.monotonic(), folder / "worker.log", Console(highlight=False)
    console.print(_prologue(), soft_wrap=True)
    try:
        claims = _tell(log, console, began)
    except DemoError as error:
        claims = [Claim("every job came to its end", [str(error)])]
    return _report(claims, console, log, time.monotonic() - began)


def _prologue() -> str:
    lease = conf.lease(Census).total_seconds()
    return (
        f"{len(SMALL) + 3} censuses of Python's standard library, each a job; two Celery workers; SQLite.\n"
        "No. 1 is cancelled half-way. No. 2 is slow, and must go on whatever happens to the others.\n"
        "No. 3 loses its worker half-way, by kill -9. A worker that gives no sign of life is believed\n"
        f"for {lease:.0f} s, its lease; after that settle() gives the job to another one.\n"
    )


def _tell(log: Path, console: Console, began: float) -> list[Claim]:
    sightings = Sightings()
    with ExitStack() as workers:
        steady = workers.enter_context(worker(log, "steady"))
        doomed = workers.enter_context(worker(log, "doomed", queue="long", children=1))
        call_command("migrate", verbosity=0)
        to_cancel, to_crash = _enqueue_all()
        crash = Crash(to_crash, doomed, lambda: _start_relief(workers, log))
        with screen_for(console) as screen:
            _watch(to_cancel, crash, _looks(steady, began + TIME_LIMIT), screen, sightings)
        console.print(
            "\nEvery job has ended. The workers are stopped, and all is counted again, in this process.",
            soft_wrap=True,
        )
    sightings.add(_censuses())  # nobody is left to write
    return check(to_cancel, crash, sightings)


def _enqueue_all() -> tuple[int, int]:
    """Enqueue them all; which is to be cancelled, and which loses its worker."""
    owner = get_user_model().objects.create_user("demo")
    cancelled, slow, lost, *small = (
        Census.objects.create(owner=owner, package=package) for package in (WHOLE, WHOLE, WHOLE, *SMALL)
    )
    with acting_as("demo", "command"):
        cancelled.enqueue(take_census)
        slow.enqueue(take_census, rest=REST)
        lost.enqueue(take_census.s().set(queue="long"))
        for census in small:
            census.enqueue(take_census)
    return cancelled.pk, lost.pk


def _start_relief(workers: ExitStack, log: Path) -> None:
    workers.enter_context(worker(log, "relief", queue="long", children=1))


def _watch(to_cancel: int, crash: Crash, looks: Iterator[list[Census]], screen: Screen, sightings: Sightings) -> None:
    for censuses in looks:
        sightings.add(censuses)
        screen.show(censuses)
        now = next(census for census in censuses if census.pk == to_cancel)
        if is_half_way(now):
            with acting_as("demo", "command"):
                screen.say(f"cancel() of no. {now.pk}, half-way: {now.cancel().name}")
        crash.look(censuses, screen)


def _looks(steady: subprocess.Popen[bytes], deadline: float) -> Iterator[list[Census]]:
    """The rows as they are, again and again, until every job has ended."""
    while time.monotonic() < deadline:
        censuses = _censuses()
        yield censuses
        if all(census.is_final for census in censuses):
            return
        if steady.poll() is not None:
            raise DemoError(f"the worker ended too early, with code {steady.returncode}")
        time.sleep(LOOK_EVERY)
    waiting = ", ".join(f"{census} {census.status}" for census in _censuses() if not census.is_final)
    raise DemoError(f"after {TIME_LIMIT} s there was still: {waiting}")


def _censuses() -> list[Census]:
    return list(Census.objects.order_by("pk"))


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
