"""A cancel while no worker is up: the revoke reaches nobody, and the refused claim makes it last."""

from __future__ import annotations

import pytest

from tests.live import tasks
from tests.live.brokers import chosen_brokers

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]


@pytest.fixture(params=chosen_brokers())
def crew(request, fleet):
    """A crew that the test starts."""
    crew = fleet.idle_crew(request.param, "prefork")
    yield crew
    fleet.dismiss(crew)


def test_a_worker_that_starts_after_the_cancel_does_not_run_the_job(crew, jobs, end):
    job = jobs.start(tasks.returns)

    assert job.cancel()
    crew.start()

    jobs.dropped(job)
    assert jobs.runs(job) == 0
    assert jobs.facts(jobs.row(job)) == end("REVOKED", "CANCELED", attempt=0, claimed=False)
