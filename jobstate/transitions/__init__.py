"""The guarded UPDATE: the only code that writes the status of a job.

Every condition of the guard stands in the UPDATE's own WHERE, on the one table that owns the
status. A condition inside a subquery is not looked at again by PostgreSQL after a wait for the
row's lock, so the rows handed in are a plain queryset on that table, filtered by primary key alone.
"""

from jobstate.transitions.announce import announce
from jobstate.transitions.claiming import next_in_line, next_row
from jobstate.transitions.guard import (
    GUARDED_COLUMNS,
    Change,
    Fence,
    Result,
    Row,
    check_columns,
    check_set_finished,
)
from jobstate.transitions.write import current_row, guarded_chain, guarded_update, renew, renew_claims, try_update

__all__ = [
    "GUARDED_COLUMNS",
    "Change",
    "Fence",
    "Result",
    "Row",
    "announce",
    "check_columns",
    "check_set_finished",
    "current_row",
    "guarded_chain",
    "guarded_update",
    "next_in_line",
    "next_row",
    "renew",
    "renew_claims",
    "try_update",
]
