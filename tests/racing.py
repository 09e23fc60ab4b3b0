"""Real second connections that meet at named places, and never sleep."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection, connections

__all__ = ["Racer", "all_at_once"]

PATIENCE = 20.0  # seconds until a rendezvous counts as failed


class Racer:
    """Runs `work(racer)` in a thread with a connection of its own.

    The work parks itself with `park()`, and the test lets it go on. A racer that waits for a row
    lock is recognised by what the database says, not by time.
    """

    def __init__(self, work: Callable[[Racer], Any]) -> None:
        self._work = work
        self._parked, self._resumed, self._connected = threading.Event(), threading.Event(), threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        self._pid = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pid = cursor.fetchone()[0]
            self._connected.set()
            self._result = self._work(self)
        except BaseException as error:
            self._error = error
        finally:
            connections.close_all()

    def park(self) -> None:
        """Called by the work: wait here until the test says go."""
        self._parked.set()
        assert self._resumed.wait(PATIENCE), "nobody resumed the racer"
        self._resumed.clear()

    def wait_parked(self) -> None:
        """Wait until the work stands at its `park()`."""
        assert self._parked.wait(PATIENCE), f"the racer never parked: {self._error!r}"
        self._parked.clear()

    def resume(self) -> None:
        """Let the parked work go on."""
        self._resumed.set()

    def wait_blocked(self) -> None:
        """Wait until the database says that the work waits for somebody's lock."""
        assert self._connected.wait(PATIENCE), "the racer never connected"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", [self._pid])
                if cursor.fetchone()[0]:
                    return
            assert self._thread.is_alive(), f"the racer ended and was never blocked: {self._result!r} {self._error!r}"
        raise AssertionError("the racer was never blocked")

    def result(self) -> Any:
        """What the work returned, once it has ended."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the racer never ended"
        if self._error is not None:
            raise self._error
        return self._result


def all_at_once(works: Iterable[Callable[[], Any]]) -> list[Any]:
    """Run all works behind one barrier, each on its own connection; their results in order."""
    listed = list(works)
    barrier = threading.Barrier(len(listed), timeout=PATIENCE)

    def behind_barrier(work: Callable[[], Any]) -> Callable[[Racer], Any]:
        def run(racer: Racer) -> Any:
            barrier.wait()
            return work()

        return run

    racers = [Racer(behind_barrier(work)) for work in listed]
    return [racer.result() for racer in racers]
