"""One round of renewal over real requests: what is written, and how often."""

from __future__ import annotations

import json

import pytest
from celery.worker import state
from django.db import connection
from django.test.utils import CaptureQueriesContext
from kombu import Message

from jobstate.celery.delivery import CLAIM_KEY
from jobstate.celery.leases import LeaseRenewer
from jobstate.celery.request import JobRequest
from tests.app.models import Job, UuidJob
from tests.live import tasks
from tests.live.brokers import Broker
from tests.live.jobs import LONG_AGO, LiveJobs
from tests.live.ledger import Ledger

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def app(tmp_path):
    """An app without a worker."""
    return Broker("filesystem", "renewal", str(tmp_path)).app("renewal")


@pytest.fixture
def jobs(app, runner, tmp_path):
    return LiveJobs(app, Ledger(tmp_path / "ledger"))


@pytest.fixture
def request_for(app, jobs):
    """The request of a job's message, as a worker's main process makes it."""

    def request_for(job):
        sent = app.amqp.as_task_v2(job.task_id, tasks.returns.name, (), {})
        message = Message(
            body=json.dumps(sent.body),
            headers={**sent.headers, **jobs.headers(job)},
            properties=sent.properties,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_info={},
        )
        return JobRequest(message, app=app, task=tasks.returns, hostname="renewing")

    return request_for


@pytest.fixture
def activate(jobs, request_for):
    """A job whose lease is over, claimed by a request that is active."""
    active = []

    def activate(model=Job):
        job = model.objects.create(status="PENDING", generation=1, task=tasks.returns.name, task_id=f"{len(active)}")
        request = request_for(job)
        assert job.claim(token=request.request_dict[CLAIM_KEY])
        active.append(request)
        state.active_requests.add(request)
        return jobs.abandon(job)

    yield activate
    for request in active:
        state.active_requests.discard(request)


def updates(renewer):
    with CaptureQueriesContext(connection) as queries:
        renewer.renew()
    return [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]


def test_however_many_tasks_run_each_kind_of_job_takes_one_statement(jobs, activate):
    several = [activate(model) for model in (Job, Job, Job, Job, UuidJob, UuidJob)]

    written = updates(LeaseRenewer())

    assert len(written) == 2
    assert all(jobs.row(job).lease_expires_at > LONG_AGO for job in several)


def test_only_the_claims_of_requests_are_renewed(jobs, activate, request_for):
    """Neither what another delivery claimed meanwhile, nor what was cancelled, nor what nobody runs."""
    kept, taken, cancelled = activate(), activate(), activate()
    orphan = jobs.orphan(tasks.returns, "of-no-request")
    jobs.abandon(taken, claim_token="of another delivery")
    assert jobs.row(cancelled)._guarded_status_update("CANCELING")
    jobs.abandon(cancelled)

    updates(LeaseRenewer())

    assert jobs.row(kept).lease_expires_at > LONG_AGO
    assert [jobs.row(job).lease_expires_at for job in (taken, cancelled, orphan)] == [LONG_AGO] * 3


def test_where_nothing_runs_nothing_is_asked():
    with CaptureQueriesContext(connection) as queries:
        LeaseRenewer().renew()

    assert len(queries) == 0
