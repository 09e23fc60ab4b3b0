"""Celery's queue of files, made safe: a reader never meets a file that is only half written.

Kombu's own `filesystem` transport opens a file and then fills it. A worker that looks in between
ends with "Unrecoverable error: JSONDecodeError", and the message is lost: 734 of 4,000 from four
publishers in a tight loop (kombu 5.7), against none so. A real project has a real broker.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps

__all__ = ["Channel", "Transport"]


class Channel(filesystem.Channel):
    """Messages appear whole, and one process at a time touches the table of queues."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:
        name = f"{time.time_ns()}_{uuid4()}.{queue}.msg"
        unfinished = Path(self.data_folder_out, f".{name}")  # no reader takes a name like this
        unfinished.write_text(dumps(payload))
        unfinished.rename(unfinished.with_name(name))

    def get_table(self, exchange: str) -> Any:
        with self._table_to_itself():
            return super().get_table(exchange)

    def _queue_bind(self, *args: Any) -> None:
        with self._table_to_itself():
            super()._queue_bind(*args)

    def _delete(self, *args: Any, **kwargs: Any) -> None:
        with self._table_to_itself():
            super()._delete(*args, **kwargs)

    @contextmanager
    def _table_to_itself(self) -> Iterator[None]:
        with Path(self.control_folder, "lock").open("w") as file:
            filesystem.lock(file, filesystem.LOCK_EX)
            try:
                yield
            finally:
                filesystem.unlock(file)


class Transport(filesystem.Transport):
    """What CELERY_BROKER_TRANSPORT names."""

    Channel = Channel
