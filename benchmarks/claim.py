"""Claiming from 1,000,000 rows of which 1 % wait costs at most 1.5 times what it costs from 10,000.

On PostgreSQL: the server of DATABASE_URL, else one of its own. The two tables take turns in one run. What counts
is the time of the claiming statement alone, from sending it to having its answer.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from django.db import connection, transaction
from rich.console import Console
from rich.table import Table

from benchmarks.rows import drop_claim_index, fill, give_claim_index, refill, sizes
from example_project.race.database import race_database

__all__ = ["main"]

BAR = 1.5
_WARM_UP = 4  # rounds


@dataclass
class Measured:
    """The claims from one table: the statement alone, and `claim_next()` as a whole, in milliseconds."""

    model: type[Any]
    rows: int
    statement: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def claim(self, times: int) -> None:
        """Claim a few jobs, then end them and let as many new ones wait."""
        claimed = []
        with connection.execute_wrapper(self._timed):
            for _ in range(times):
                began = time.perf_counter()
                job = self.model.objects.claim_next(worker="benchmark")
                self.whole.append((time.perf_counter() - began) * 1000)
                claimed.append(job.pk)
        if len(set(claimed)) != times:
            raise RuntimeError("a job was claimed twice")
        refill(self.model, claimed)

    def _timed(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        result = execute(sql, params, many, context)
        if "SKIP LOCKED" in sql:
            self.statement.append((time.perf_counter() - began) * 1000)
        return result


def explain(model: type[Any]) -> tuple[int, int]:
    """The buffers of the very statement, and of finding the row in it: EXPLAIN (ANALYZE, BUFFERS), rolled back."""
    plans = []

    def explained(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SKIP LOCKED" not in sql or plans:
            return execute(sql, params, many, context)
        plans.append(None)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            plans[0] = cursor.fetchone()[0][0]["Plan"]
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(explained):
        model.objects.claim_next(worker="benchmark")
        transaction.set_rollback(True)
    return _buffers(plans[0]), _buffers(_node(plans[0], "LockRows"))


def _buffers(node: dict[str, Any]) -> int:
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def _node(plan: dict[str, Any], kind: str) -> dict[str, Any]:
    if plan["Node Type"] == kind:
        return plan
    inside = (_node(child, kind) for child in plan.get("Plans", ()))
    return next((found for found in inside if found), {})


def main() -> int:
    """Measure, print, and judge."""
    options = parse(sys.argv[1:])
    with race_database("benchmarks"):
        tables = filled(options.no_index)
        measure(tables, options.rounds, options.claims)
        return report(tables)


def filled(no_index: bool) -> list[Measured]:
    """The two tables, with the index for claiming or without."""
    from benchmarks.models import LargeJob, SmallJob  # models are there only now

    tables = [Measured(SmallJob, 10_000), Measured(LargeJob, 1_000_000)]
    for table in tables:
        drop_claim_index(table.model) if no_index else give_claim_index(table.model)
        fill(table.model, table.rows)
    return tables


def measure(tables: list[Measured], rounds: int, claims: int) -> None:
    """Let the tables take turns, each as often first as last; the first rounds only warm up."""
    for number in range(-_WARM_UP, rounds):
        for table in tables if number % 2 else tables[::-1]:
            table.claim(claims)
            if number < 0:
                table.statement.clear()
                table.whole.clear()


def report(tables: list[Measured]) -> int:
    """Print the figures; 0 if the bar is met."""
    console, small, large = Console(highlight=False, width=120), *tables
    console.print(_table(tables))
    ratio = median(large.statement) / median(small.statement)
    whole = median(large.whole) / median(small.whole)
    verdict = "met" if ratio <= BAR else "MISSED"
    console.print(
        f"The statement costs {ratio:.2f} times as much (claim_next() {whole:.2f}); the bar of {BAR}: {verdict}"
    )
    return 0 if ratio <= BAR else 1


def _table(tables: list[Measured]) -> Table:
    version = connection.cursor().connection.info.server_version // 10_000
    title = f"Claiming on PostgreSQL {version}: medians and quartiles of {len(tables[0].statement)} claims each"
    found = Table(box=None, title=title, title_justify="left", pad_edge=False)
    for name in ("Rows", "waiting", "statement, ms", "claim_next(), ms", "buffers", "to find it", "index"):
        found.add_column(name, justify="right", no_wrap=True)
    for table in tables:
        waiting, size = sizes(table.model)
        numbers = (table.rows, waiting, *explain(table.model))
        rows, waits, buffers, finding = (f"{number:,}" for number in numbers)
        found.add_row(rows, waits, spread(table.statement), spread(table.whole), buffers, finding, size)
    return found


def spread(times: list[float]) -> str:
    """The median, and the quartiles."""
    low, middle, high = quantiles(times, n=4)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claim", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="of claims from both tables (%(default)s)")
    parser.add_argument("--claims", type=int, default=10, help="from each table in a round (%(default)s)")
    parser.add_argument("--no-index", action="store_true", help="measure without the index for claiming")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
