"""A runner without a broker: the writers of the race bring themselves."""

from __future__ import annotations

from jobstate.dispatch import RunMessage, TaskCall

__all__ = ["SilentRunner"]


class SilentRunner:
    """Drops every message; the race is about the rows."""

    def check(self, call: TaskCall) -> None:
        """Know every task."""

    def publish(self, message: RunMessage) -> None:
        """Publish nothing."""

    def revoke(self, task_id: str, *, terminate: bool) -> None:
        """Revoke nothing."""
