"""The tasks of the live tests. A body says in the ledger that it runs, and may wait for its test."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Event
from typing import Any

from celery import shared_task
from celery.exceptions import Ignore, Reject
from django.db import transaction

from jobstate.celery import JobTask
from tests.live.ledger import Ledger, wait_until

__all__: list[str] = []


class LiveTask(JobTask):
    """A JobTask that counts its runs."""

    def began(self, **facts: Any) -> None:
        Ledger.of_environment().write("ran", task_id=self.request.id, retries=self.request.retries, **facts)


class HookRaisesTask(LiveTask):
    """Its hook fails after its body has returned."""

    def on_success(self, *args: Any) -> None:
        raise RuntimeError("the hook is broken")


class LingeringRetryTask(LiveTask):
    """Stays in the try that gave the job back until the next try has run."""

    def on_retry(self, exc: Any, task_id: str, *args: Any) -> None:
        Ledger.of_environment().wait("ran", times=2, task_id=task_id)


def opened(gate: str) -> bool:
    """Wait until the test opens the gate; a body that no test lets go on ends by an error."""
    return wait_until(Path(gate).exists, f"gate {gate}", seconds=30)


@shared_task(base=LiveTask, bind=True)
def returns(self: Any, gate: str = "") -> str:
    self.began()
    if gate:
        opened(gate)
    return "done"


@shared_task(base=LiveTask, bind=True, acks_late=True)
def returns_unacknowledged(self: Any, gate: str = "") -> str:
    self.began()
    if gate:
        opened(gate)
    return "done"


@shared_task(base=LiveTask, bind=True)
def waits(self: Any) -> None:
    self.began()
    Event().wait(30)


@shared_task(base=LiveTask, bind=True)
def raises(self: Any) -> None:
    self.began()
    raise ValueError("the body is broken")


@shared_task(base=LingeringRetryTask, bind=True)
def retries_once(self: Any) -> None:
    self.began(status=self.job.status)
    if self.request.retries == 0:
        raise self.retry(countdown=0)


@shared_task(base=LingeringRetryTask, bind=True, autoretry_for=(ConnectionError,), retry_kwargs={"countdown": 0})
def retries_by_itself(self: Any) -> None:
    self.began()
    if self.request.retries == 0:
        raise ConnectionError("not there yet")


@shared_task(base=LiveTask, bind=True)
def retries_eagerly(self: Any) -> None:
    self.began()
    if self.request.retries == 0:
        raise self.retry(countdown=0)


@shared_task(base=LiveTask, bind=True)
def retries_later(self: Any) -> None:
    self.began()
    raise self.retry(countdown=3600)


@shared_task(base=LiveTask, bind=True)
def retries_in_a_transaction(self: Any) -> None:
    self.began()
    if self.request.retries == 0:
        with transaction.atomic():
            raise self.retry(countdown=2)


@shared_task(base=LiveTask, bind=True, max_retries=1)
def gives_up(self: Any) -> None:
    self.began()
    raise self.retry(countdown=0, exc=ValueError("never works"))


@shared_task(base=LiveTask, bind=True, max_retries=1)
def retries_until_stopped(self: Any, gate: str) -> None:
    self.began()
    opened(gate)
    raise self.retry(countdown=0)


@shared_task(base=LiveTask, bind=True)
def stops_at_checkpoint(self: Any) -> None:
    self.began()
    wait_until(self.job.checkpoint, "a reason to stop", seconds=30)


@shared_task(base=LiveTask, bind=True)
def kills_its_process(self: Any, gate: str = "") -> None:
    self.began()
    if gate:
        opened(gate)
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(base=LiveTask, bind=True, acks_late=True, reject_on_worker_lost=True)
def kills_its_process_unacknowledged(self: Any) -> None:
    self.began()
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(base=LiveTask, bind=True)
def exits(self: Any) -> None:
    self.began()
    raise SystemExit(3)


@shared_task(base=LiveTask, bind=True, acks_late=True)
def rejects(self: Any) -> None:
    self.began()
    raise Reject("not for me", requeue=False)


@shared_task(base=LiveTask, bind=True, acks_late=True)
def rejects_once(self: Any) -> None:
    self.began()
    if self.job.attempt == 1:
        raise Reject("not now", requeue=True)


@shared_task(base=LiveTask, bind=True)
def ignores(self: Any, gate: str = "") -> None:
    self.began()
    if gate:
        opened(gate)
    raise Ignore("nothing to do")


@shared_task(base=LiveTask, bind=True)
def returns_an_object(self: Any) -> object:
    self.began()
    return object()


@shared_task(base=HookRaisesTask, bind=True)
def returns_into_a_broken_hook(self: Any) -> str:
    self.began()
    return "done"


@shared_task(base=LiveTask, bind=True)
def adds(self: Any, a: int, b: int) -> int:
    return a + b


@shared_task(base=LiveTask, bind=True)
def calls_another(self: Any) -> int:
    self.began()
    return adds(1, 2) + adds.apply((3, 4)).result
