"""Starts the renewal of leases in workers; a web process never loads it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from celery import signals

__all__ = ["connect"]

_renewers: list[Any] = []


def _start(**_: Any) -> None:
    renewer = import_module("jobstate.celery.leases").LeaseRenewer()
    _renewers.append(renewer)
    renewer.start()


def _stop(**_: Any) -> None:
    while _renewers:
        _renewers.pop().stop()


def connect() -> None:
    """Renew leases in every worker, from the moment it is ready to its very end."""
    signals.worker_ready.connect(_start, weak=False, dispatch_uid="jobstate.starting.start")
    signals.worker_shutdown.connect(_stop, weak=False, dispatch_uid="jobstate.starting.stop")
