"""A runner that keeps what it is asked to do."""

from __future__ import annotations

from jobstate.dispatch import RunMessage, TaskCall
from jobstate.exceptions import TaskNotRegistered

__all__ = ["RecordingRunner"]


class RecordingRunner:
    """Publishes nothing; `down` makes it a broker that does not answer."""

    def __init__(self) -> None:
        self.published: list[RunMessage] = []
        self.revoked: list[tuple[str, bool]] = []
        self.log: list[str] = []
        self.down = False

    def check(self, call: TaskCall) -> None:
        if call.task == "no.such.task":
            raise TaskNotRegistered("No Celery task is registered as 'no.such.task'.")

    def publish(self, message: RunMessage) -> None:
        self._answer("publish")
        self.published.append(message)

    def revoke(self, task_id: str, *, terminate: bool) -> None:
        self._answer("revoke")
        self.revoked.append((task_id, terminate))

    def _answer(self, what: str) -> None:
        self.log.append(what)
        if self.down:
            raise ConnectionError("the broker does not answer")
