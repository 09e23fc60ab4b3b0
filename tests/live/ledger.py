"""A file to which worker and tests append what they see, one JSON line each, in the order of events."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, TypeVar

__all__ = ["Ledger", "wait_until"]

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, seconds: float = 20) -> T:
    """The first true value of `condition()`; AssertionError when it stays false."""
    deadline = monotonic() + seconds
    while not (value := condition()):
        assert monotonic() < deadline, f"{what}: not within {seconds} s"
        Event().wait(0.02)
    return value


class Ledger:
    """Lines about jobs and tasks. Writing is one `write()` to a file opened for appending, hence atomic."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.touch()

    @classmethod
    def of_environment(cls) -> Ledger:
        return cls(os.environ["LIVE_LEDGER"])

    def write(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, "pid": os.getpid(), **facts}, default=str) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def lines(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """The complete lines about `event` with these facts."""
        text = self.path.read_text()
        known = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [k for k in known if k["event"] == event and all(k.get(name) == v for name, v in facts.items())]

    def wait(self, event: str, times: int = 1, seconds: float = 20, **facts: Any) -> list[dict[str, Any]]:
        """The lines, once there are `times` of them."""
        enough = lambda: len(self.lines(event, **facts)) >= times  # noqa: E731
        wait_until(enough, f"{times} × {event} {facts} in the ledger", seconds)
        return self.lines(event, **facts)
