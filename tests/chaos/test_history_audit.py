"""The audit of the chaos finds each kind of violation in a history written by hand, and none in a good one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from tests.chaos.audit import Line, Note, Present, Story, audit
from tests.chaos.effects import Effects, audit_effects

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def line(generation, arrow, *, attempt=1, actor="celery:w1", source="signal", outcome="applied", second=0):
    before, after = arrow.split(">")
    return Line(before, after, outcome, generation, attempt, actor, source, NOON + timedelta(seconds=second))


ENQUEUED = line(1, "CREATED>PENDING", attempt=0, actor="", source="shell")
CLAIMED = line(1, "PENDING>STARTED", source="task", second=1)
DONE = line(1, "STARTED>SUCCESS", second=2)
CANCELED = line(1, "STARTED>CANCELING", actor="", source="shell", second=2)
REVOKED = line(1, "CANCELING>REVOKED", second=3)
RESTARTED = line(2, "SUCCESS>PENDING", attempt=0, actor="", source="shell", second=4)


def note_of(each):
    return Note(
        each.from_status, each.to_status, each.generation, each.generation, "", "",
        finished=each.to_status in ("SUCCESS", "FAILURE", "REVOKED"),
    )  # fmt: skip


def story(*lines, present=None, replaced=(), **changes):
    """The story of these lines, noted by the database as they say."""
    applied = [each for each in lines if each.outcome == "applied"]
    final = applied[-1].to_status in ("SUCCESS", "FAILURE", "REVOKED")
    present = present or Present(applied[-1].to_status, applied[-1].generation, applied[-1].at if final else None)
    whole = Story("7", lines, [note_of(each) for each in applied], present, frozenset(replaced))
    return replace(whole, **changes)


def kinds(*lines, **changes):
    return {violation.kind for violation in audit(story(*lines, **changes))}


GOOD = {
    "success": story(ENQUEUED, CLAIMED, DONE),
    "cancel": story(ENQUEUED, CLAIMED, CANCELED, REVOKED),
    "a late success is refused": story(
        ENQUEUED, CLAIMED, CANCELED, REVOKED, line(1, "REVOKED>SUCCESS", outcome="final", second=4)
    ),
    "lost and taken by another": story(
        ENQUEUED,
        CLAIMED,
        line(1, "STARTED>PENDING", actor="jobstate_settle", source="reaper"),
        line(1, "PENDING>STARTED", attempt=2, actor="celery:w2", source="task"),
        line(1, "STARTED>SUCCESS", attempt=2, actor="celery:w2"),
    ),
    "tried again": story(
        ENQUEUED, CLAIMED, line(1, "STARTED>RETRY", source="task"), line(1, "RETRY>STARTED", attempt=2),
        line(1, "STARTED>SUCCESS", attempt=2),
    ),
    "replaced": story(
        ENQUEUED,
        CLAIMED,
        line(2, "STARTED>PENDING", attempt=0, actor="", source="shell"),
        line(2, "PENDING>STARTED"),
        line(2, "STARTED>SUCCESS"),
        replaced=[1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD.keys())
def test_a_good_history_has_no_violation(good):
    assert audit(good) == []


def test_a_final_status_that_changes():
    assert "final status changed" in kinds(ENQUEUED, CLAIMED, DONE, line(1, "SUCCESS>FAILURE"))


def test_a_run_with_two_ends():
    assert "two ends" in kinds(ENQUEUED, CLAIMED, DONE, line(1, "SUCCESS>FAILURE"))


def test_an_arrow_that_does_not_exist():
    wrong = line(1, "PENDING>RETRY", actor="", source="shell")
    assert kinds(ENQUEUED, wrong, line(1, "RETRY>STARTED"), line(1, "STARTED>SUCCESS")) == {"no such arrow"}


def test_a_run_that_does_not_begin_as_pending():
    assert "no such arrow" in kinds(ENQUEUED, CLAIMED, DONE, line(2, "SUCCESS>STARTED"), line(2, "STARTED>SUCCESS"))


def test_a_gap():
    assert kinds(ENQUEUED, DONE) >= {"gap"}


def test_a_history_that_does_not_begin_at_created():
    assert "gap" in kinds(CLAIMED, DONE)


def test_a_generation_that_decreases():
    lines = ENQUEUED, CLAIMED, DONE, RESTARTED, line(1, "PENDING>STARTED"), line(1, "STARTED>SUCCESS")
    assert "generation" in kinds(*lines)


def test_a_generation_that_is_left_out():
    lines = ENQUEUED, CLAIMED, DONE, line(3, "SUCCESS>PENDING"), line(3, "PENDING>STARTED"), line(3, "STARTED>SUCCESS")
    assert kinds(*lines) == {"generation"}


def test_a_run_without_an_end_that_nobody_replaced():
    began = line(2, "STARTED>PENDING", attempt=0, actor="", source="shell")
    lines = ENQUEUED, CLAIMED, began, line(2, "PENDING>STARTED"), line(2, "STARTED>SUCCESS")
    assert kinds(*lines) == {"no end", "interrupted"}


def test_a_job_that_has_not_ended():
    assert kinds(ENQUEUED, CLAIMED) == {"not final", "no end"}


@pytest.mark.parametrize("present", [Present("FAILURE", 1, DONE.at), Present("SUCCESS", 2, DONE.at)])
def test_a_history_that_does_not_replay_to_the_row(present):
    assert "replay" in kinds(ENQUEUED, CLAIMED, DONE, present=present)


@pytest.mark.parametrize("finished_at", [None, NOON, DONE.at + timedelta(microseconds=2)])
def test_a_finished_at_that_is_not_the_last_line(finished_at):
    assert kinds(ENQUEUED, CLAIMED, DONE, present=Present("SUCCESS", 1, finished_at)) == {"finished_at"}


def test_a_finished_at_without_an_end():
    assert "finished_at" in kinds(ENQUEUED, CLAIMED, present=Present("STARTED", 1, NOON))


def test_a_finished_at_that_was_set_too_early():
    notes = [note_of(ENQUEUED), replace(note_of(CLAIMED), finished=True), note_of(DONE)]
    assert kinds(ENQUEUED, CLAIMED, DONE, notes=notes) == {"finished_at"}


def test_an_end_by_a_worker_that_had_not_claimed():
    assert kinds(ENQUEUED, CLAIMED, replace(DONE, actor="celery:w2")) == {"not its claim"}


def test_an_end_by_a_worker_whose_claim_was_given_back():
    settled = line(1, "STARTED>PENDING", actor="jobstate_settle", source="reaper")
    assert kinds(ENQUEUED, CLAIMED, settled, line(1, "PENDING>SUCCESS")) == {"not its claim"}


def test_a_write_without_the_fence():
    notes = [note_of(ENQUEUED), note_of(CLAIMED), replace(note_of(DONE), held="new", writer="old")]
    assert kinds(ENQUEUED, CLAIMED, DONE, notes=notes) == {"without the fence"}


def test_a_refused_write_that_changed_the_row():
    notes = [note_of(each) for each in (ENQUEUED, CLAIMED, DONE, DONE)]
    assert kinds(ENQUEUED, CLAIMED, DONE, notes=notes) == {"unrecorded write"}


def test_a_line_that_the_database_never_saw():
    assert kinds(ENQUEUED, CLAIMED, DONE, notes=[note_of(ENQUEUED), note_of(CLAIMED)]) == {"unrecorded write"}


@pytest.mark.parametrize("source", ["reaper", "shell"])
def test_an_end_over_a_live_claim(source):
    ended = replace(REVOKED, source=source, actor="somebody")
    lines = ENQUEUED, CLAIMED, CANCELED, ended
    notes = [*map(note_of, lines[:3]), replace(note_of(ended), held="token", alive=True)]
    assert kinds(*lines, notes=notes) == {"over a live claim"}


def test_a_new_run_that_interrupts_an_old_one():
    began = line(2, "STARTED>PENDING", attempt=0)
    assert "interrupted" in kinds(ENQUEUED, CLAIMED, began, line(2, "PENDING>STARTED"), line(2, "STARTED>SUCCESS"))


def signal(each, **changes):
    facts = {name: getattr(each, name) for name in ("generation", "attempt", "from_status", "to_status", "outcome")}
    return facts | changes


def effect_kinds(*lines, applied=(), refused=(), released=(), replaced=()):
    effects = Effects(applied, refused, released)
    return {violation.kind for violation in audit_effects(story(*lines, replaced=replaced), effects)}


def test_good_effects_have_no_violation():
    lines = ENQUEUED, CLAIMED, CANCELED, REVOKED
    assert effect_kinds(*lines, applied=[signal(each) for each in lines], released=[1, 1]) == set()


def test_a_signal_may_be_lost_and_may_not_know_the_state_before():
    unknown = signal(DONE, from_status="", attempt=None)
    assert effect_kinds(ENQUEUED, CLAIMED, DONE, applied=[unknown]) == set()


def test_a_signal_that_came_twice():
    assert effect_kinds(ENQUEUED, CLAIMED, DONE, applied=[signal(DONE)] * 2) == {"told too often"}


def test_a_signal_that_came_twice_once_without_the_state_before():
    told = [signal(DONE), signal(DONE, from_status="", attempt=None)]
    assert effect_kinds(ENQUEUED, CLAIMED, DONE, applied=told) == {"told too often"}


def test_a_signal_of_what_was_never_applied():
    assert effect_kinds(ENQUEUED, CLAIMED, DONE, applied=[signal(REVOKED)]) == {"told too often"}


def test_a_release_of_a_newer_run():
    newer = RESTARTED, line(2, "PENDING>STARTED"), line(2, "STARTED>SUCCESS")
    assert effect_kinds(ENQUEUED, CLAIMED, DONE, *newer, released=[2]) == {"released without a reason"}


def test_a_release_by_a_cancel_that_came_too_late_has_a_reason():
    late = signal(line(1, "SUCCESS>CANCELING", outcome="final"))
    assert effect_kinds(ENQUEUED, CLAIMED, DONE, refused=[late], released=[1]) == set()


def test_a_release_of_a_run_that_was_replaced_has_a_reason():
    began = line(2, "STARTED>PENDING", attempt=0)
    assert effect_kinds(ENQUEUED, CLAIMED, began, released=[1], replaced=[1]) == set()


def test_a_cancelled_run_that_was_never_released():
    assert effect_kinds(ENQUEUED, CLAIMED, CANCELED, REVOKED) == {"never released"}
