"""The demo as a user starts it: a process with a real worker, real files and a real SQLite."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.example.processes import start, survivors

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]


def test_it_does_what_it_says(tmp_path: Path) -> None:
    demo = start("demo", tmp_path)

    said, _ = demo.communicate(timeout=90)

    assert demo.returncode == 0, said
    assert "half-way: APPLIED" in said
    assert "kill -9" in said
    assert "✓ 11 finished as SUCCESS" in said
    assert "✓ the reaper gave it back exactly once: attempt 2, lost 1" in said
    assert "✓ the settling hit no job of a living worker" in said
    assert "✓ the cancelled one is REVOKED, with reason CANCELED" in said
    assert "not so" not in said
    assert "All of this was checked" in said
    assert (list(tmp_path.iterdir()), survivors(tmp_path)) == ([], [])


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_leaves_nothing_behind_when_it_is_stopped(tmp_path: Path, signum: int, code: int) -> None:
    demo = start("demo", tmp_path)
    assert demo.stdout is not None
    began = any("Running" in line for line in demo.stdout)

    demo.send_signal(signum)
    said, _ = demo.communicate(timeout=30)

    assert (began, demo.returncode) == (True, code), said
    assert "Traceback" not in said
    assert (list(tmp_path.iterdir()), survivors(tmp_path)) == ([], [])
