"""What the race found, side by side, for people."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from example_project.race.audit import Tally

__all__ = ["complaints", "show"]

LOSSES = {
    "resurrected": "Finished, and then running again",
    "cancels_lost": "Cancel confirmed, job not cancelled",
    "two_ends": "Ended in two different states",
    "edits_lost": "Own field saved, then written back",
    "never_ended": "Left without an end",
}
_MUST_SHOW = ("resurrected", "cancels_lost", "two_ends")


def show(console: Console, headline: str, runs: int, saved: Tally, guarded: Tally) -> None:
    """Print the headline, the table, and what its numbers mean."""
    console.print(headline, highlight=False)
    console.print(_table(runs, saved, guarded), new_line_start=True)
    console.print(
        "\nLosses count runs, by one SQL query for both sides over what a trigger noted of\n"
        "every UPDATE. With JobMixin the loser of a race is refused, and told so.",
        highlight=False,
    )


def complaints(saved: Tally, guarded: Tally) -> list[str]:
    """Say where the race did not show what it claims; empty where it did."""
    missing = [f"save() lost nothing: {LOSSES[name]!r} is 0" for name in _MUST_SHOW if not getattr(saved, name)]
    broken = [f"JobMixin lost: {label!r} is {n}" for name, label in LOSSES.items() if (n := getattr(guarded, name))]
    return missing + broken


def _table(runs: int, saved: Tally, guarded: Tally) -> Table:
    table = Table(box=box.HORIZONTALS, show_edge=False, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(f"Of {runs} runs")
    table.add_column("plain save()", justify="right", style="red")
    table.add_column("JobMixin", justify="right", style="green")
    for name, label in LOSSES.items():
        table.add_row(label, f"{getattr(saved, name):,}", f"{getattr(guarded, name):,}")
    table.add_section()
    table.add_row("Writers told that they came too late", f"{saved.refused:,}", f"{guarded.refused:,}", style="dim")
    table.add_row("Rows written", f"{saved.writes:,}", f"{guarded.writes:,}", style="dim")
    table.add_row("Seconds", f"{saved.seconds:.1f}", f"{guarded.seconds:.1f}", style="dim")
    return table
