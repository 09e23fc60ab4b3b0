"""The app of the chaos: whatever process it is in, jobstate's signals go to the ledger."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig

from jobstate.signals import job_transition_refused, job_transitioned
from tests.live.ledger import Ledger

__all__ = ["ChaosConfig"]


def on_applied(pk: Any, outcome: Any, signal: Any, sender: Any, **facts: Any) -> None:
    """Note that somebody was told of an applied transition."""
    Ledger.of_environment().write("applied", pk=str(pk), outcome=outcome.value, **facts)


def on_refused(pk: Any, outcome: Any, signal: Any, sender: Any, **facts: Any) -> None:
    """Note that somebody was refused."""
    Ledger.of_environment().write("refused", pk=str(pk), outcome=outcome.value, **facts)


class ChaosConfig(AppConfig):
    """Connects the receivers."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        job_transitioned.connect(on_applied)
        job_transition_refused.connect(on_refused)
