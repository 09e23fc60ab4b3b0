"""What the live tests do with jobs and look at: rows, runs of the body, applied arrows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from io import StringIO
from typing import Any
from uuid import uuid4

from celery import Celery
from django.core.management import call_command

from jobstate.dispatch import run_headers
from jobstate.models import JobMixin
from jobstate.reaper import find_lost
from tests.app.models import Job
from tests.live.ledger import Ledger, wait_until

__all__ = ["LiveJobs"]

LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)


@dataclass
class LiveJobs:
    """The jobs of one test, the app that publishes them, and the ledger of the worker that runs them."""

    app: Celery
    ledger: Ledger

    def start(
        self, task: Any, *args: Any, model: type[JobMixin] = Job, using: str = "default", **options: Any
    ) -> JobMixin:
        """A new job, enqueued."""
        job = model()
        job.save(using=using)
        assert job.enqueue(task.s(*args).set(**options) if options else task.s(*args))
        return job

    def prepare(self, task: Any, task_id: str) -> JobMixin:
        """A job that waits for a message which the test publishes by hand."""
        call = {"args": [], "kwargs": {}, "options": {}}
        return Job.objects.create(status="PENDING", generation=1, task=task.name, payload=call, task_id=task_id)

    def orphan(self, task: Any, task_id: str, **columns: Any) -> JobMixin:
        """A job that a worker had started which has not been heard of for long."""
        job = self.prepare(task, task_id)
        assert job.claim(worker="a worker that is gone")
        return self.abandon(job, **columns)

    def abandon(self, job: JobMixin, **columns: Any) -> JobMixin:
        """Let the job's lease run out."""
        rows = type(job).objects.using(job._state.db).unguarded().filter(pk=job.pk)
        assert rows.update(lease_expires_at=LONG_AGO, **columns) == 1
        return job

    def is_lost(self, job: JobMixin) -> bool:
        """Whether the job was started and its lease is over, by the database's clock."""
        return find_lost(type(job), job.pk, job._state.db) is not None

    def settled(self, job: JobMixin, **facts: Any) -> JobMixin:
        """The row, once `jobstate_settle` has brought it there; at least one time it is asked to."""

        def row() -> JobMixin | None:
            call_command("jobstate_settle", stdout=StringIO())
            found = self.row(job)
            return found if all(getattr(found, name) == value for name, value in facts.items()) else None

        return wait_until(row, f"job {job.pk} is settled: {facts}")

    def row(self, job: JobMixin) -> JobMixin:
        """The row as somebody else reads it."""
        return type(job)._base_manager.using(job._state.db).get(pk=job.pk)

    def reaches(self, job: JobMixin, status: str) -> JobMixin:
        """The row, once it says so."""

        def row() -> JobMixin | None:
            found = self.row(job)
            return found if found.status == status else None

        try:
            return wait_until(row, f"job {job.pk} is {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.facts(self.row(job))}") from error

    def headers(self, job: JobMixin) -> dict[str, Any]:
        """What the messages of the job's run say."""
        return run_headers(job._meta.label, job.pk, job._state.db, job.generation)

    def publish(self, task: str, headers: Mapping[str, Any], task_id: str = "", *args: Any, **options: Any) -> str:
        """Put a message on the queue by hand, with these headers beside Celery's own; its task id."""
        task_id = task_id or str(uuid4())
        message = self.app.amqp.as_task_v2(task_id, task, args, {}, **options)
        message.headers.update(headers)
        with self.app.producer_pool.acquire(block=True) as producer:
            self.app.amqp.send_task_message(producer, task, message, queue=self.app.conf.task_default_queue)
        return task_id

    def publish_copy(self, job: JobMixin, without: str = "", **options: Any) -> None:
        """The message of the job's run once more, as a broker that delivers twice does it."""
        row = self.row(job)
        headers = {name: value for name, value in self.headers(row).items() if name != without}
        self.publish(row.task, headers, row.task_id, *row.payload["args"], **options)

    def revoke(self, job: JobMixin, **options: Any) -> None:
        """What an operator does by hand, until the worker has answered."""
        replies = self.app.control.revoke(job.task_id, reply=True, timeout=15, limit=1, **options)
        assert replies, "no worker answered the revoke"

    def started(self, job: JobMixin) -> list[int]:
        """Wait until the body runs; the processes that it runs in."""
        return [line["pid"] for line in self.ledger.wait("ran", task_id=job.task_id)]

    def dropped(self, job: JobMixin) -> None:
        """Wait until a message of the job was let go without running it, by a revoke or a refused claim."""

        def dropped() -> bool:
            ignored = self.ledger.lines("postrun", task_id=job.task_id, state="IGNORED")
            return bool(ignored or self.ledger.lines("revoked", task_id=job.task_id))

        wait_until(dropped, f"a message of job {job.pk} is dropped")

    def runs(self, job: JobMixin) -> int:
        """How often the body began for the job's present run."""
        return len(self.ledger.lines("ran", task_id=job.task_id))

    def arrows(self, job: JobMixin, times: int) -> list[str]:
        """What `job_transitioned` said in the worker's processes, in order, once it was sent as often.

        It is sent after the commit, so the row may be read before.
        """
        lines = self.ledger.wait("applied", times, job=f"{type(job).__name__} {job.pk}", using=job._state.db)
        return [f"{line['from_status']} {line['to_status']}" for line in lines]

    def refused(self, job: JobMixin, to: str, times: int = 1) -> list[str]:
        """The outcomes of the writes to `to` that were refused in the worker, once there are as many."""
        name = f"{type(job).__name__} {job.pk}"
        return [line["outcome"] for line in self.ledger.wait("refused", times, job=name, to_status=to)]

    def refusals(self, job: JobMixin) -> list[tuple[str, str, str]]:
        """Every write that was refused in the worker up to now: its target, its outcome, and where."""
        lines = self.ledger.lines("refused", job=f"{type(job).__name__} {job.pk}")
        return [(line["to_status"], line["outcome"], line["where"]) for line in lines]

    def facts(self, job: JobMixin) -> dict[str, Any]:
        """What a row says of its end."""
        return {
            "status": job.status,
            "reason": job.reason,
            "finished": job.finished_at is not None,
            "attempt": job.attempt,
            "claimed": bool(job.claim_token),
            "generation": job.generation,
        }
