"""The request that carries the claim. Celery loads this module by name, in workers only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from celery.worker.request import Request

from jobstate.celery.delivery import CLAIM_KEY
from jobstate.celery.handlers import on_terminate

__all__ = ["JobRequest"]


class JobRequest(Request):
    """A delivery with a claim of its own, known to the worker's main process and to its pool child."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request_dict[CLAIM_KEY] = uuid4().hex

    def terminate(self, pool: Any, signal: Any = None) -> None:
        if self.time_start:  # else Celery asks again once the task has been accepted
            on_terminate(request=self._context)  # type: ignore[attr-defined]
        super().terminate(pool, signal)

    def on_timeout(self, soft: bool, timeout: float) -> Any:
        with self._current():
            return super().on_timeout(soft, timeout)

    def on_failure(self, *args: Any, **kwargs: Any) -> Any:
        with self._current():
            return super().on_failure(*args, **kwargs)

    @contextmanager
    def _current(self) -> Iterator[None]:
        # Celery sends some of its failure signals here without the request that they are about
        self.task.push_request(**vars(self._context))  # type: ignore[attr-defined]
        try:
            yield
        finally:
            self.task.pop_request()
