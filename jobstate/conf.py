"""The settings: `JOBSTATE = {...}` in Django's settings, one reader each, read at use.

A job model overrides a setting of its own by a class attribute of the same name in lower case,
`lease = timedelta(minutes=5)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, Literal, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

DEFAULTS: Final[Mapping[str, object]] = {
    "RUNNER": "jobstate.celery.CeleryRunner",
    "LEASE": timedelta(seconds=60),
    "RENEW_EVERY": None,
    "PENDING_LEASE": timedelta(minutes=10),
    "CANCEL_LEASE": timedelta(seconds=60),
    "MAX_LOST": 3,
    "HISTORY": "all",
    "RETRY_BUDGET": timedelta(seconds=30),
    "CLOSED_DOORS": "raise",
}

HISTORY_CHOICES: Final = ("all", "applied", "none")


def configured() -> Mapping[str, Any]:
    """The project's own JOBSTATE, or nothing."""
    return cast("Mapping[str, Any]", getattr(settings, "JOBSTATE", {}))


def _read(name: str) -> Any:
    return configured().get(name, DEFAULTS[name])


def _duration(name: str) -> timedelta:
    value = _read(name)
    if not isinstance(value, timedelta):  # the checks say so at start, but not every process runs them
        raise ImproperlyConfigured(
            f'JOBSTATE["{name}"] is {value!r}: write a timedelta, timedelta(seconds=60) for instance.'
        )
    return value


def _read_for(model: type, name: str) -> timedelta:
    own = getattr(model, name.lower(), None)  # a field of that name is a descriptor, not a setting
    return own if isinstance(own, timedelta) else _duration(name)


def runner_path() -> str:
    """`RUNNER`: dotted path of what publishes and revokes the tasks."""
    return cast("str", _read("RUNNER"))


def lease(model: type) -> timedelta:
    """`LEASE`: how long a worker is believed without a sign of life."""
    return _read_for(model, "LEASE")


def renew_every(models: Iterable[type]) -> timedelta:
    """`RENEW_EVERY`: how often a worker renews its leases; by default a third of the shortest LEASE."""
    own: timedelta | None = _read("RENEW_EVERY")
    shortest = min((lease(model) for model in models), default=_duration("LEASE"))
    return own or shortest / 3


def max_lost(model: type) -> int:
    """`MAX_LOST`: how many lost workers one run survives before it fails as LOST."""
    own = getattr(model, "max_lost", None)
    return own if isinstance(own, int) else cast("int", _read("MAX_LOST"))


def history(model: type) -> Literal["all", "applied", "none"]:
    """`HISTORY`: what is recorded; everything, applied transitions only, or nothing."""
    own = getattr(model, "history", None)
    return cast('Literal["all", "applied", "none"]', own if own in HISTORY_CHOICES else _read("HISTORY"))


def pending_lease(model: type) -> timedelta:
    """`PENDING_LEASE`: how long the broker is believed to hold a message."""
    return _read_for(model, "PENDING_LEASE")


def cancel_lease(model: type) -> timedelta:
    """`CANCEL_LEASE`: how long a cancelled worker has to end by itself."""
    return _read_for(model, "CANCEL_LEASE")


def retry_budget() -> timedelta:
    """`RETRY_BUDGET`: how long a write is tried again after errors that pass."""
    return _duration("RETRY_BUDGET")


def closed_doors() -> Literal["raise", "warn"]:
    """`CLOSED_DOORS`: what a write past the guard meets."""
    return cast('Literal["raise", "warn"]', _read("CLOSED_DOORS"))
