"""Tables of the pages that are made from the code, or checked against it, at every build."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError

from jobstate import JobState, Reason, conf
from jobstate.states import RUN_STARTS, TRANSITIONS

S = JobState
_UNHELD = "by whoever acts without a claim"
WHO_WRITES: dict[tuple[JobState, JobState], str] = {
    (S.CREATED, S.PENDING): "`enqueue()`, which begins the first run",
    (S.CREATED, S.STARTED): "`claim()`, by a worker that runs the job in place",
    **{(source, S.STARTED): "`claim()`; for Celery, JobTask before the body" for source in (S.PENDING, S.RETRY)},
    **{(source, S.CANCELING): "`cancel()`" for source in (S.CREATED, S.PENDING, S.RETRY)},
    **{(source, S.SUCCESS): f"`succeed()`, {_UNHELD}" for source in (S.CREATED, S.PENDING, S.RETRY)},
    **{(source, S.FAILURE): f"`fail()`, {_UNHELD}" for source in (S.CREATED, S.RETRY)},
    (S.PENDING, S.FAILURE): f"`fail()`, {_UNHELD}; a task that no worker knows",
    (S.CREATED, S.REVOKED): "nothing of jobstate: `cancel()` goes by CANCELING",
    **{
        (source, S.REVOKED): "Celery's report of a revoke, or of a message that expired"
        for source in (S.PENDING, S.RETRY)
    },
    (S.STARTED, S.PENDING): "settling, where the lease is over: the reaper, or JobTask for its own delivery",
    (S.STARTED, S.RETRY): "`retry_later()`; for Celery, `self.retry()` and a `Reject` that requeues",
    (S.STARTED, S.CANCELING): "`cancel()`; a revoke with terminate through Celery",
    (S.STARTED, S.SUCCESS): "`succeed()`; for Celery, the return of the task",
    (S.STARTED, S.FAILURE): (
        "`fail()`; for Celery, an exception, a time limit, a lost process, a `Reject`; "
        "settling, where too many workers were lost"
    ),
    (S.STARTED, S.REVOKED): "Celery's report of a revoke",
    (S.CANCELING, S.REVOKED): (
        "`cancel()` itself where nobody holds the job, else the end of its holder; "
        "a second `cancel()` or settling, where neither came in time"
    ),
}
"""By hand; the build fails where it names an arrow that TRANSITIONS has not, or forgets one."""


class TableDirective(Directive):
    """A table of Markdown text in each cell."""

    head: ClassVar[Sequence[str]]
    widths: ClassVar[Sequence[int]]

    def rows(self) -> Iterable[Sequence[str]]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        group = nodes.tgroup(cols=len(self.head))
        group += [nodes.colspec(colwidth=width) for width in self.widths]
        group += nodes.thead("", self._row(self.head))
        group += nodes.tbody("", *[self._row(row) for row in self.rows()])
        return [nodes.table("", group)]

    def _row(self, cells: Sequence[str]) -> nodes.row:
        row = nodes.row()
        for cell in cells:
            entry = nodes.entry()
            self.state.nested_parse(StringList([cell], source="code"), 0, entry)
            row += entry
        return row


class Arrows(TableDirective):
    """Every arrow within a run, and who writes it."""

    head, widths = ("from", "to", "written by"), (15, 15, 70)

    def rows(self) -> Iterable[Sequence[str]]:
        real = {(source, to) for source, targets in TRANSITIONS.items() for to in targets}
        if wrong := real ^ WHO_WRITES.keys():
            raise ExtensionError(f"The table of arrows and TRANSITIONS differ in {sorted(wrong)}.")
        order = list(S)
        for source, to in sorted(real, key=lambda arrow: (order.index(arrow[0]), order.index(arrow[1]))):
            yield f"`{source.value}`", f"`{to.value}`", WHO_WRITES[source, to]


class RunStarts(TableDirective):
    """Every arrow that begins a new run, and the call that takes it."""

    head, widths = ("from", "to", "by"), (35, 15, 50)

    def rows(self) -> Iterable[Sequence[str]]:
        targets = {to for found in RUN_STARTS.values() for to in found}
        (to,) = targets
        named = [s for s in S if s in RUN_STARTS]
        if S.UNKNOWN in named or not S.final_states() <= set(named):
            raise ExtensionError("RUN_STARTS has changed; so must the table of run starts.")
        yield "`CREATED`", f"`{to.value}`", "`enqueue()`"
        yield _listed(s for s in named if s in S.final_states()), f"`{to.value}`", "`restart()`"
        yield _listed(named), f"`{to.value}`", "`restart(replace=True)`"


class Sets(TableDirective):
    """The named sets of states."""

    head, widths = ("set", "states", "queryset"), (30, 50, 20)

    def rows(self) -> Iterable[Sequence[str]]:
        for name in ("finalizable", "running", "active", "claimable", "final", "failed"):
            members = getattr(S, f"{name}_states")()
            yield f"`{name}_states()`", _listed(s for s in S if s in members), f"`.{name}()`"


class Settings(TableDirective):
    """Every setting with its default, and what its reader says of it."""

    head, widths = ("setting", "default", "meaning"), (22, 33, 45)
    readers: ClassVar[dict[str, Any]] = {
        "RUNNER": conf.runner_path,
        "LEASE": conf.lease,
        "RENEW_EVERY": conf.renew_every,
        "PENDING_LEASE": conf.pending_lease,
        "CANCEL_LEASE": conf.cancel_lease,
        "MAX_LOST": conf.max_lost,
        "HISTORY": conf.history,
        "RETRY_BUDGET": conf.retry_budget,
        "CLOSED_DOORS": conf.closed_doors,
    }

    def rows(self) -> Iterable[Sequence[str]]:
        if wrong := conf.DEFAULTS.keys() ^ self.readers.keys():
            raise ExtensionError(f"The table of settings and conf.DEFAULTS differ in {sorted(wrong)}.")
        for name, default in conf.DEFAULTS.items():
            meaning = (self.readers[name].__doc__ or "").split(": ", 1)[1]
            yield f"`{name}`", f"`{_written(default)}`", meaning[0].upper() + meaning[1:]


class Reasons(TableDirective):
    """Every reason, and the words that people read."""

    head, widths = ("reason", "shown as"), (30, 70)

    def rows(self) -> Iterable[Sequence[str]]:
        for reason in Reason:
            yield f"`{reason.value}`", str(reason.label)


def _listed(states: Iterable[JobState]) -> str:
    return ", ".join(f"`{state.value}`" for state in states)


def _written(value: object) -> str:
    if isinstance(value, timedelta):
        return f"timedelta(seconds={int(value.total_seconds())})"
    return f'"{value}"' if isinstance(value, str) else str(value)


def setup(app: Any) -> dict[str, bool]:
    for name, directive in (
        ("job-arrows", Arrows),
        ("run-starts", RunStarts),
        ("state-sets", Sets),
        ("setting-defaults", Settings),
        ("reason-labels", Reasons),
    ):
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
