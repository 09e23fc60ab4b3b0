"""Ctrl-C, put off while something is half done."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupts_put_off"]


@contextmanager
def interrupts_put_off() -> Iterator[None]:
    """Let an interrupt inside the block wait for its end.

    A process that is started inside keeps it waiting for ever: Ctrl-C is then its parent's alone.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
