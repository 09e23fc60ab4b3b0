"""The whole table of (from, to): outcome, number of statements, and every other row untouched."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from jobstate import IllegalTransition, JobState, Outcome
from tests.app.models import ChildJob

pytestmark = pytest.mark.django_db(databases=["default", "other"])

# By hand, on purpose: what the design says, not what the library computes.
# A applied, F final, N not in source, I illegal.
TARGETS = ["CREATED", "PENDING", "STARTED", "RETRY", "CANCELING", "SUCCESS", "FAILURE", "REVOKED", "UNKNOWN"]
TABLE = {
    "CREATED": "IAANAAAAI",
    "PENDING": "INANAAAAI",
    "STARTED": "IANAAAAAI",
    "RETRY": "INANAAAAI",
    "CANCELING": "INNNNNNAI",
    "SUCCESS": "IFFFFFFFI",
    "FAILURE": "IFFFFFFFI",
    "REVOKED": "IFFFFFFFI",
    "UNKNOWN": "INNNNNNNI",
}
OUTCOMES = {"A": Outcome.APPLIED, "F": Outcome.FINAL, "N": Outcome.NOT_IN_SOURCE}
CELLS = [(source, target, cell) for source, row in TABLE.items() for target, cell in zip(TARGETS, row, strict=True)]


def test_the_table_names_every_state():
    assert [s.value for s in JobState] == TARGETS == list(TABLE)


# Without history every database has one statement for a write and one more for a refusal's reason;
# with it PostgreSQL writes the line in the same statement, the others in the same transaction, and a
# refusal leaves a line of its own.
STATEMENTS = {"none": {"A": 1, "F": 2, "N": 2, "I": 0}, "all": {"A": 1, "F": 3, "N": 3, "I": 0}}
PORTABLE = {"none": STATEMENTS["none"], "all": {"A": 3, "F": 3, "N": 3, "I": 0}}


@pytest.mark.parametrize("history", ["none", "all"])
@pytest.mark.parametrize(("source", "target", "cell"), CELLS)
def test_cell(make, fresh, using, settings, source, target, cell, history):
    settings.JOBSTATE = {"HISTORY": history}
    job, bystander = make(status=source), make(status="STARTED")
    before, beside = _row(fresh(job)), _row(fresh(bystander))

    with CaptureQueriesContext(connections[using]) as sent:
        if cell == "I":
            with pytest.raises(IllegalTransition):
                job._guarded_status_update(target)
        else:
            assert job._guarded_status_update(target) is OUTCOMES[cell]

    work = [query["sql"] for query in sent if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    counts = STATEMENTS if connections[using].vendor == "postgresql" else PORTABLE
    assert len(work) == counts[history][cell]
    assert sum("UPDATE " in statement for statement in work) == (cell != "I")
    after = _row(fresh(job))
    if cell == "A":
        assert (after["status"], after["previous_status"], job.status) == (target, source, target)
        assert (after["finished_at"] is not None) is (target in ("SUCCESS", "FAILURE", "REVOKED"))
        assert (after["lease_expires_at"] is not None) is (target in ("PENDING", "STARTED", "RETRY", "CANCELING"))
        assert after["modified"] > before["modified"]
    else:
        assert after == before
        assert job.status == source
    assert _row(fresh(bystander)) == beside


@pytest.mark.parametrize("source", [s for s in TARGETS if s not in ("SUCCESS", "FAILURE", "REVOKED")])
def test_a_claimed_row_that_is_started_is_superseded_for_another_claimant(make, source):
    job = make(status=source, claim_token="somebody" if source == "STARTED" else "")

    outcome = job.claim()

    expected = {"STARTED": Outcome.SUPERSEDED, "CANCELING": Outcome.NOT_IN_SOURCE, "UNKNOWN": Outcome.NOT_IN_SOURCE}
    assert outcome is expected.get(source, Outcome.APPLIED)


def test_the_statement_is_on_the_table_that_owns_the_status(django_assert_num_queries):
    job = ChildJob.objects.create()

    with CaptureQueriesContext(connections["default"]) as sent:
        job.claim()

    (update,) = [query["sql"] for query in sent if "UPDATE " in query["sql"]]
    assert "app_childjob" not in update
    where = update[update.index("WHERE") :]
    assert "SELECT" not in where[: where.find("RETURNING")]


def _row(job):
    return {f.attname: getattr(job, f.attname) for f in job._meta.concrete_fields}
