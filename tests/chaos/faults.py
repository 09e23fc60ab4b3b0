"""The faults: one at a time, chosen by seeded dice, and counted."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from threading import Event
from time import monotonic
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from jobstate.dispatch import RunMessage, TaskCall, get_runner, run_headers
from tests.chaos.processes import Office, Part, Worker
from tests.chaos.servers import Files, Postgres, Redis

__all__ = ["Faults"]

WEIGHTS = {
    "pool child killed": 6,
    "worker killed": 3,
    "worker frozen": 5,
    "office killed": 2,
    "PostgreSQL crashed": 2,
    "PostgreSQL restarted": 1,
    "Redis killed": 1,
    "Redis restarted": 1,
    "connections dropped": 4,
    "message delivered twice": 6,
    "old message delivered": 4,
}
AWAY = {0: 5, 0.5: 4, 2: 3, 11: 1}  # seconds that a server is away; the longest is longer than a write is retried
FROZEN = (2.5, 6)  # seconds; a lease lasts 3, so that others have the job when the worker wakes up
_OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Faults:
    """Whatever may go wrong, done to these processes and servers."""

    def __init__(
        self, dice: random.Random, postgres: Postgres, broker: Redis | Files, workers: Sequence[Worker], office: Office
    ) -> None:
        self.dice, self.postgres, self.broker, self.workers, self.office = dice, postgres, broker, workers, office
        self.injected: Counter[str] = Counter()
        self.by_themselves: Counter[str] = Counter()
        self._messages: list[RunMessage] = []
        self._thaw_at: dict[Part, float] = {}
        self._kinds = {k: w for k, w in WEIGHTS.items() if isinstance(broker, Redis) or not k.startswith("Redis")}

    def inject_until(self, deadline: float, pace: float) -> None:
        """One fault after the other, until the time is over."""
        while monotonic() < deadline:
            Event().wait(min(self.dice.uniform(0, 2 * pace), max(0, deadline - monotonic())))
            self.mend()
            self.inject()

    def inject(self) -> None:
        """One fault. One that finds nothing to harm does not count."""
        (kind,) = self.dice.choices(list(self._kinds), list(self._kinds.values()))
        try:
            if getattr(self, "_" + kind.replace(" ", "_").lower())():
                self.injected[kind] += 1
        except (DatabaseError, InterfaceError):
            connection.close()

    def mend(self, *, all_frozen: bool = False) -> None:
        """Let the frozen go on when it is time, and start anew whoever ended unasked."""
        for part, when in list(self._thaw_at.items()):
            if all_frozen or monotonic() > when:
                part.thaw()
                del self._thaw_at[part]
        for part in (*self.workers, self.office):
            if part.ended():
                self.by_themselves[part.name] += 1
                part.start()

    def _replace(self, part: Part) -> bool:
        self._thaw_at.pop(part, None)
        part.kill()
        part.start()
        return True

    def _pool_child_killed(self) -> bool:
        children = self.dice.choice(self.workers).children()
        if children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.dice.choice(children), signal.SIGKILL)
        return bool(children)

    def _worker_killed(self) -> bool:
        return self._replace(self.dice.choice(self.workers))

    def _worker_frozen(self) -> bool:
        part = self.dice.choice(self.workers)
        if part.frozen or not part.children():
            return False
        part.freeze()
        self._thaw_at[part] = monotonic() + self.dice.uniform(*FROZEN)
        return True

    def _office_killed(self) -> bool:
        return self._replace(self.office)

    def _postgresql_crashed(self) -> bool:
        self.postgres.restart("immediate", away=self._away())
        return True

    def _postgresql_restarted(self) -> bool:
        self.postgres.restart("fast", away=self._away())
        return True

    def _redis_killed(self) -> bool:
        self.broker.restart(hard=True, away=self._away())  # type: ignore[union-attr]
        return True

    def _redis_restarted(self) -> bool:
        self.broker.restart(hard=False, away=self._away())  # type: ignore[union-attr]
        return True

    def _away(self) -> float:
        (seconds,) = self.dice.choices(list(AWAY), list(AWAY.values()))
        return float(seconds)

    def _connections_dropped(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(_OTHERS)
            others = [pid for (pid,) in cursor.fetchall()]
            for pid in self.dice.sample(others, (len(others) + 1) // 2):
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        return bool(others)

    def _message_delivered_twice(self) -> bool:
        from tests.chaos.models import CountJob

        rows: list[Any] = list(CountJob.objects.exclude(task="").order_by("-modified")[:10])
        if not rows:
            return False
        row = self.dice.choice(rows)
        call = TaskCall.of_payload(row.task, row.payload)
        headers = run_headers(row.model_label, row.pk, "default", row.generation)
        return self._publish(RunMessage(call, row.task_id, headers))

    def _old_message_delivered(self) -> bool:
        return bool(self._messages) and self._publish(self.dice.choice(self._messages))

    def _publish(self, message: RunMessage) -> bool:
        self._messages.append(message)
        get_runner().publish(message)
        return True
