"""What a live worker writes to the ledger by itself: jobstate's signals, and Celery's ends of a task."""

from __future__ import annotations

from typing import Any

from celery import signals

from jobstate.signals import job_transition_refused, job_transitioned
from tests.app.models import ReleasingJob
from tests.live.ledger import Ledger

ledger = Ledger.of_environment()


def on_transition(signal: Any, sender: Any, pk: Any, outcome: Any, **facts: Any) -> None:
    event = "applied" if signal is job_transitioned else "refused"
    ledger.write(event, job=f"{sender.__name__} {pk}", outcome=outcome.name, **facts)


def on_postrun(task_id: str, state: str | None, **_: Any) -> None:
    ledger.write("postrun", task_id=task_id, state=state)


def on_failure(task_id: str, exception: BaseException, **_: Any) -> None:
    ledger.write("failure", task_id=task_id, exception=type(exception).__name__)


def on_retry(request: Any, reason: Any = None, **_: Any) -> None:
    ledger.write("retry", task_id=request.id, reason=reason)


def on_revoked(request: Any, expired: bool, terminated: bool, **_: Any) -> None:
    ledger.write("revoked", task_id=request.id, expired=expired, terminated=terminated)


def release_resources(self: ReleasingJob, generation: int) -> None:
    status = ReleasingJob.objects.values_list("status", flat=True).get(pk=self.pk)
    ledger.write("released", pk=str(self.pk), generation=generation, status=status)


def on_ready(**_: Any) -> None:
    ledger.write("ready")


ReleasingJob.release_resources = release_resources  # type: ignore[method-assign]
job_transitioned.connect(on_transition)
job_transition_refused.connect(on_transition)
signals.task_postrun.connect(on_postrun)
signals.task_failure.connect(on_failure)
signals.task_retry.connect(on_retry)
signals.task_revoked.connect(on_revoked)
signals.worker_ready.connect(on_ready)
