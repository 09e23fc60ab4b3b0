"""The job of the chaos. Each write of its status says in the same statement under which claim it was meant."""

from __future__ import annotations

from typing import Any

from django.db import models

from jobstate.models import JobMixin
from tests.live.ledger import Ledger

__all__ = ["CountJob"]


class CountJob(JobMixin):
    """Counts some Python files."""

    writer = models.CharField(max_length=32, blank=True, default="")
    """The claim that the last writer believed to hold; empty for whoever needs none."""

    class Meta(JobMixin.Meta):
        pass

    def status_update_columns(self, to_status: str) -> dict[str, Any]:
        claims = self._fence(self._state.db or "default").claims or frozenset()
        return {"writer": max(claims, default="")}

    def release_resources(self, generation: int) -> None:
        Ledger.of_environment().write("released", pk=str(self.pk), generation=generation)
