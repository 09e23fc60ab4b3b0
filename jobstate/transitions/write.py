"""The conditional UPDATE, with its line of history; and why a row refused it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, transaction
from django.db.models import Expression, QuerySet, sql

from jobstate.retry import retrying
from jobstate.states import JobState, Outcome
from jobstate.transitions import history
from jobstate.transitions.guard import Change, Fence, Result, Row, Written

__all__ = ["current_row", "guarded_chain", "guarded_update", "renew", "renew_claims", "try_update"]


def guarded_update(rows: QuerySet[Any], change: Change) -> Result:
    """Issue the one conditional UPDATE and say what became of it.

    Errors that pass are tried again with the same write id, so that an UPDATE whose
    acknowledgement was lost is recognised as this call's own.
    """
    result: Result = retrying(rows.db)(_attempt, rows, change)
    if not result.took_effect:
        history.record_refusal(rows, change, result)
    return result


def guarded_chain(rows: QuerySet[Any], first: Change, second: Change) -> list[Result]:
    """Two changes of one row in one transaction: the first decides, the second follows it or neither is.

    Both bear one write id, so that a commit whose acknowledgement was lost is recognised.
    """
    results: list[Result] = retrying(rows.db)(_attempt_chain, rows, first, second)
    if not results[0].took_effect:
        history.record_refusal(rows, first, results[0])
    return results


def _attempt_chain(rows: QuerySet[Any], first: Change, second: Change) -> list[Result]:
    with transaction.atomic(using=rows.db):
        decided = _attempt(rows, first)
        if decided.outcome is not Outcome.APPLIED:
            return [decided, decided] if decided.took_effect else [decided]
        return [decided, Result(Outcome.APPLIED, written=_write(rows, second))]


def try_update(rows: QuerySet[Any], change: Change) -> Written | None:
    """Issue the one conditional UPDATE, and take no answer for an answer."""
    written: Written | None = retrying(rows.db)(_write, rows, change)
    return written


def renew(rows: QuerySet[Any], fence: Fence, statuses: frozenset[JobState], until: Expression) -> bool:
    """Prolong a lease where the guard allows it; no arrow is taken."""
    held = rows.filter(status__in=sorted(statuses), **fence.condition())
    return bool(retrying(rows.db)(held.update, lease_expires_at=until))


def renew_claims(rows: QuerySet[Any], tokens: Sequence[str], until: Expression) -> int:
    """Prolong the leases of those claims that still hold a started job; how many do."""
    held = rows.filter(status=JobState.STARTED, claim_token__in=sorted(tokens))
    renewed: int = retrying(rows.db)(held.update, lease_expires_at=until)
    return renewed


def _attempt(rows: QuerySet[Any], change: Change) -> Result:
    written = _write(rows, change)
    if written is not None:
        return Result(Outcome.APPLIED, written=written)
    row = _read_row(rows)
    return Result(_refusal(row, change), row)


def _write(rows: QuerySet[Any], change: Change) -> Written | None:
    recorded = history.keeps_applied(rows.model)
    if connections[rows.db].vendor == "postgresql":
        return _update_returning(rows, change, recorded=recorded)
    if not recorded:
        return _unrecorded(change) if _update(rows, change) else None
    with transaction.atomic(using=rows.db):
        return history.record_applied(rows, change) if _update(rows, change) else None


def _update(rows: QuerySet[Any], change: Change) -> bool:
    return bool(change.guard(rows).update(**change.assignments(rows.model)))


def _unrecorded(change: Change) -> Written:
    """All that is known of a write whose database tells nothing of the row before."""
    (only, *more) = change.sources
    generation = change.columns.get("generation", change.fence.generation or 0)
    return Written(change.pk, "" if more else only.value, generation, None)


def _update_returning(rows: QuerySet[Any], change: Change, *, recorded: bool) -> Written | None:
    """The UPDATE on PostgreSQL, which tells what it moved, and writes its line in the same statement."""
    query: Any = change.guard(rows).query.chain(sql.UpdateQuery)
    query.add_update_values(change.assignments(rows.model))
    update, params = query.get_compiler(rows.db).as_sql()
    key = connections[rows.db].ops.quote_name(rows.model._meta.pk.column)
    statement = f"{update} RETURNING {key} AS job_key, previous_status, generation, attempt"
    if recorded:
        statement, params = history.with_line(rows, change, statement, params)
    with transaction.mark_for_rollback_on_error(rows.db), connections[rows.db].cursor() as cursor:
        cursor.execute(statement, params)
        found = cursor.fetchone()
    return Written(*found) if found else None


def _refusal(row: Row | None, change: Change) -> Outcome:
    if row is None:
        return Outcome.MISSING
    if row.last_write == change.write_id:
        return Outcome.ALREADY
    if change.fence.shuts_out(row) or _held_by_another(row, change):
        return Outcome.SUPERSEDED
    if row.status in JobState.final_states():
        return Outcome.FINAL
    return Outcome.NOT_IN_SOURCE


def _held_by_another(row: Row, change: Change) -> bool:
    """Whether a claim was asked for that somebody has, or a lease found over that was renewed."""
    claimed = change.to is JobState.STARTED and row.status == JobState.STARTED and bool(row.claim_token)
    return claimed or (change.fence.lease_over and row.status in change.sources)


def current_row(rows: QuerySet[Any]) -> Row | None:
    """The row as it is committed now, on the write alias; None if it was deleted."""
    row: Row | None = retrying(rows.db)(_read_row, rows)
    return row


def _read_row(rows: QuerySet[Any]) -> Row | None:
    connection = connections[rows.db]
    if connection.vendor == "mysql" and connection.in_atomic_block:
        rows = rows.select_for_update()  # a plain SELECT would show the transaction's old snapshot
    found = list(rows.values_list(*Row.__slots__))
    return Row(*found[0]) if found else None
