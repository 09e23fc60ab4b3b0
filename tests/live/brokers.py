"""The brokers that the live tests run over, and the Celery app that talks to one of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

__all__ = ["URLS", "Broker", "chosen_brokers"]

URLS = {
    "filesystem": "filesystem://",
    "redis": "redis://127.0.0.1:6379/15",
    "amqp": "amqp://guest:guest@127.0.0.1:5672//",
}
TRANSPORTS = {"filesystem": "example_project.filequeue:Transport"}
"""Kombu's own transport ends its worker where it meets a message that is only half written."""


def chosen_brokers() -> list[str]:
    """The names in LIVE_BROKERS; without it the one broker that needs no server."""
    names = [name.strip() for name in os.environ.get("LIVE_BROKERS", "filesystem").split(",")]
    unknown = set(names) - set(URLS)
    if unknown:
        raise ValueError(f"LIVE_BROKERS names {', '.join(sorted(unknown))}; there is {', '.join(URLS)}.")
    return names


@dataclass(frozen=True)
class Broker:
    """One broker, with names of its own for everything that it keeps, and a folder for files."""

    name: str
    unique: str
    folder: str
    visibility: float = 0
    """After how many seconds Redis delivers anew what nobody acknowledged; 0 for its usual hour."""

    @classmethod
    def of_environment(cls) -> Broker:
        """The broker as `environment()` told the worker process."""
        return cls(*json.loads(os.environ["LIVE_BROKER"]))

    def environment(self) -> dict[str, str]:
        return {"LIVE_BROKER": json.dumps([self.name, self.unique, self.folder, self.visibility])}

    @property
    def queue(self) -> Queue:
        return Queue(self.unique, Exchange(self.unique), routing_key=self.unique)

    def app(self, main: str) -> Celery:
        """An app that publishes to this broker and to no other."""
        app = Celery(main, set_as_current=False)
        app.conf.update(
            broker_url=URLS[self.name],
            broker_transport=TRANSPORTS.get(self.name),
            broker_transport_options=self._transport_options(),
            broker_connection_retry_on_startup=False,
            control_exchange=f"{self.unique}.control",
            event_queue_prefix=f"{self.unique}.event",
            result_backend=f"file://{self._made('results')}",
            result_serializer="json",
            task_default_queue=self.unique,
            task_queues=[self.queue],
            task_serializer="json",
            timezone="UTC",
            worker_hijack_root_logger=True,
            worker_lost_wait=1.0,
            worker_prefetch_multiplier=1,
        )
        return app

    def answer(self, app: Celery) -> None:
        """Raise where nobody listens at the broker's address."""
        with app.connection_for_write(connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1)

    def forget(self, app: Celery) -> None:
        """Remove what the broker keeps of us."""
        mailbox = app.control.mailbox
        with app.connection_for_write() as connection, connection.channel() as channel:
            self.queue(channel).delete()
            for exchange in (self.queue.exchange, mailbox.exchange, mailbox.reply_exchange):
                exchange(channel).delete()
            if self.name == "redis":  # its transport keeps a name for every queue that ever was
                channel.client.delete(*channel.client.keys(f"*{self.unique}*"), self.unique)

    def kept(self, app: Celery) -> int:
        """How many messages wait to be delivered, for the first time or once more; asked while no worker is up."""
        with app.connection_for_write() as connection, connection.channel() as channel:
            if self.name == "redis":  # a list that is empty does not exist there
                return channel.client.llen(self.unique) + channel.client.hlen(f"{self.unique}.unacked")
            return self.queue(channel).queue_declare(passive=True).message_count

    def _transport_options(self) -> dict[str, Any]:
        if self.name == "redis":
            return self._redis_options()
        if self.name != "filesystem":
            return {}
        messages = self._made("messages")
        return {
            "data_folder_in": messages,
            "data_folder_out": messages,
            "control_folder": self._made("control"),
            "processed_folder": self._made("processed"),
            "store_processed": False,
            "polling_interval": 0.1,
        }

    def _redis_options(self) -> dict[str, Any]:
        own_keys = {f"{name}_key": f"{self.unique}.{name}" for name in ("unacked", "unacked_index", "unacked_mutex")}
        often = {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}  # else every 100 s
        visibility = {"visibility_timeout": self.visibility, **often} if self.visibility else {}
        return {"polling_interval": 0.1, **own_keys, **visibility}

    def _made(self, name: str) -> str:
        path = Path(self.folder) / name
        path.mkdir(parents=True, exist_ok=True)
        return str(path)
