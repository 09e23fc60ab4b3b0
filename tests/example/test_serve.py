"""`make serve` as a user starts it: a page, an admin, a worker, until Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.example.processes import start, survivors

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_until(server: subprocess.Popen[str], words: str) -> str:
    """What the server says up to a line with these words."""
    assert server.stdout is not None
    said = ""
    for line in server.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def password_in(said: str) -> str:
    return next(line.split()[1] for line in said.splitlines() if line.split()[:1] == ["password"])


def stop(server: subprocess.Popen[str]) -> tuple[int, str]:
    server.send_signal(signal.SIGINT)
    said, _ = server.communicate(timeout=30)
    return server.returncode, said


def test_it_serves_keeps_its_password_and_stops(tmp_path: Path) -> None:
    port, passwords = free_port(), []
    for _ in range(2):
        server = start("serve", tmp_path, EXAMPLE_VAR=str(tmp_path / "var"), PORT=str(port), DATABASE_URL="")
        passwords.append(password_in(read_until(server, "Starting development server")))
        with urlopen(f"http://127.0.0.1:{port}/", timeout=20) as page:
            assert (page.url.split("?")[0], page.status) == (f"http://127.0.0.1:{port}/login/", 200)

        code, said = stop(server)

        assert (code, survivors(tmp_path)) == (0, []), said
        assert "Traceback" not in said
    assert passwords[0] == passwords[1]


def test_a_taken_port_ends_it_and_its_worker(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        server = start("serve", tmp_path, EXAMPLE_VAR=str(tmp_path / "var"), PORT=port, DATABASE_URL="")
        said, _ = server.communicate(timeout=60)

    assert server.returncode == 1
    assert "port is already in use" in said
    assert survivors(tmp_path) == []
