"""The tables of states and arrows, as the design writes them."""

from __future__ import annotations

import pytest

from jobstate import IllegalTransition, JobState, Outcome
from jobstate.states import RUN_STARTS, TRANSITIONS, arrow_sources, sources_of

S = JobState


@pytest.mark.parametrize(
    ("group", "members"),
    [
        ("finalizable_states", {S.CREATED, S.PENDING, S.STARTED, S.RETRY}),
        ("running_states", {S.PENDING, S.STARTED, S.RETRY, S.CANCELING, S.UNKNOWN}),
        ("active_states", {S.STARTED, S.RETRY}),
        ("claimable_states", {S.PENDING, S.RETRY}),
        ("final_states", {S.SUCCESS, S.FAILURE, S.REVOKED}),
        ("failed_states", {S.FAILURE, S.REVOKED, S.UNKNOWN}),
    ],
)
def test_groups(group, members):
    assert getattr(JobState, group)() == members


@pytest.mark.parametrize(
    ("value", "state"),
    [("SUCCESS", S.SUCCESS), ("RECEIVED", S.PENDING), ("PAUSED", S.UNKNOWN), (None, S.UNKNOWN), (3, S.UNKNOWN)],
)
def test_from_celery_reads_anything(value, state):
    assert JobState.from_celery(value) is state


def test_from_celery_reads_even_what_cannot_be_hashed():
    assert JobState.from_celery([]) is S.UNKNOWN


def test_final_states_lead_nowhere_and_unknown_is_never_written():
    assert all(not TRANSITIONS[state] for state in JobState.final_states())
    assert all(S.UNKNOWN not in targets for targets in TRANSITIONS.values())
    assert TRANSITIONS[S.CANCELING] == {S.REVOKED}


def test_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        TRANSITIONS[S.SUCCESS] = frozenset()  # type: ignore[index]


def test_every_run_starts_as_pending():
    assert set(RUN_STARTS) == set(S) - {S.UNKNOWN}
    assert set(RUN_STARTS.values()) == {frozenset({S.PENDING})}


def test_sources_of():
    assert sources_of("REVOKED") == {S.CREATED, S.PENDING, S.STARTED, S.RETRY, S.CANCELING}
    assert sources_of(S.RETRY) == {S.STARTED}
    with pytest.raises(IllegalTransition, match="CREATED, PENDING"):
        sources_of("DONE")


def test_one_source_may_be_named_without_a_list():
    assert arrow_sources("SUCCESS", "STARTED") == {S.STARTED}


def test_only_applied_is_true():
    assert [outcome for outcome in Outcome if outcome] == [Outcome.APPLIED]
    assert all(outcome.explanation for outcome in Outcome)
