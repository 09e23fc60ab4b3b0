"""How the demo shows its work: a table that lives on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from django.utils.html import strip_tags
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from example_project.census.models import Census
from jobstate import JobState
from jobstate.display import badge

__all__ = ["Screen", "screen_for"]

_STYLES = {
    JobState.PENDING: "yellow",
    JobState.STARTED: "bold blue",
    JobState.CANCELING: "bold magenta",
    JobState.SUCCESS: "green",
    JobState.FAILURE: "bold red",
    JobState.REVOKED: "magenta",
}


class Screen(Protocol):
    """Where the demo shows what it sees."""

    def show(self, censuses: Sequence[Census]) -> None:
        """Show the rows as they are."""

    def say(self, sentence: str) -> None:
        """Tell one event."""


@contextmanager
def screen_for(console: Console) -> Iterator[Screen]:
    """A live table where there is a terminal, else a line for each change."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield _LiveTable(live)


class _LiveTable:
    def __init__(self, live: Live) -> None:
        self._live, self._began = live, time.monotonic()

    def show(self, censuses: Sequence[Census]) -> None:
        self._live.update(_table(censuses), refresh=True)

    def say(self, sentence: str) -> None:
        self._live.console.print(_event(sentence, self._began), soft_wrap=True)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console, self._began = console, time.monotonic()
        self._states: dict[int, str] = {}

    def show(self, censuses: Sequence[Census]) -> None:
        for census in censuses:
            state = _state(census)
            if self._states.get(census.pk) != state:
                self._states[census.pk] = state
                numbers = f"{_files(census):>9} files {census.tokens:>10,} tokens"
                line = f"{census.pk:>2} {census.title:18} {state:22} {numbers}  {_holder(census)}"
                self._console.print(f"{_since(self._began)}  {line}".rstrip(), soft_wrap=True)

    def say(self, sentence: str) -> None:
        self._console.print(_event(sentence, self._began), soft_wrap=True)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:5.1f} s"


def _event(sentence: str, began: float) -> Text:
    return Text(f"{_since(began)}  » {sentence}", style="bold")


def _table(censuses: Sequence[Census]) -> Table:
    table = Table("No.", "Census of", "State", "Worker", box=None, header_style="dim", pad_edge=False)
    for name in ("Files", "Tokens"):
        table.add_column(name, justify="right")
    table.add_column("")
    for census in censuses:
        bar = ProgressBar(
            census.total_files or 1, census.files, width=20, complete_style="blue", finished_style="green"
        )
        state = Text(_state(census), style=_STYLES.get(census.state, ""))
        table.add_row(str(census.pk), census.title, state, _holder(census), _files(census), f"{census.tokens:,}", bar)
    return table


def _state(census: Census) -> str:
    return strip_tags(badge(census)) + (", lease over" if census.is_stale else "")


def _holder(census: Census) -> str:
    name = census.worker.partition("@")[0]
    if not name or census.status == JobState.PENDING:
        return "lost its worker" if census.lost else ""
    return f"{name}, attempt {census.attempt}" if census.attempt > 1 else name


def _files(census: Census) -> str:
    return f"{census.files}/{census.total_files or '?'}"
