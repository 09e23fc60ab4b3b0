"""What surrounds a write without being passed along: who acts, and whose claim is held here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Actor", "Claim", "acting_as", "ambient_claim", "current_actor", "holding"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes, and through what: task, signal, view, admin, reaper, command or shell."""

    who: object = ""
    source: str = "shell"

    @property
    def name(self) -> str:
        """Who it is, as text; a lazy user is asked only now."""
        return str(self.who).replace("\x00", "")[:255]


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery's hold on one run of one job."""

    label: str
    pk: str
    using: str
    generation: int
    token: str
    carried: dict[str, Any] = field(default_factory=dict, compare=False)
    """What the run's finish is to carry: `after`, the delay of the next run."""


_actor: ContextVar[Actor] = ContextVar("jobstate_actor", default=Actor())  # noqa: B039  it is frozen
_claim: ContextVar[Claim | None] = ContextVar("jobstate_claim", default=None)


@contextmanager
def acting_as(name: object, source: str = "shell") -> Iterator[None]:
    """Name whoever is behind the writes inside the block, for the history and the signals.

    `name` is shown as text, a user for instance; `source` is what it acts through: task, signal,
    view, admin, reaper, command or shell.
    """
    token = _actor.set(Actor(name, source[:20]))
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> Actor:
    """Who acts here; nobody in particular in a shell, unless said."""
    return _actor.get()


@contextmanager
def holding(claim: Claim) -> Iterator[None]:
    """Let every instance of the claimed job write under the claim inside the block."""
    token = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(token)


def ambient_claim(label: str, pk: object, using: str) -> Claim | None:
    """The claim held here on this very job, if any."""
    claim = _claim.get()
    if claim is not None and (claim.label, claim.pk, claim.using) == (label, str(pk), using):
        return claim
    return None
