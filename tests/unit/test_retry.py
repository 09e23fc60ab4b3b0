"""Which errors pass."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from jobstate.retry import is_transient


def raised(error, cause=None):
    error.__cause__ = cause
    return error


TRANSIENT = [
    raised(OperationalError("deadlock detected"), psycopg.errors.DeadlockDetected()),
    raised(OperationalError("could not serialize"), psycopg.errors.SerializationFailure()),
    raised(OperationalError("lock timeout"), psycopg.errors.LockNotAvailable()),
    raised(OperationalError("terminating connection"), psycopg.errors.AdminShutdown()),
    raised(OperationalError("the connection is lost"), psycopg.OperationalError()),
    raised(InterfaceError("connection already closed")),
    raised(OperationalError(1213, "Deadlock found"), Exception()),
    raised(OperationalError(1020, "Record has changed since last read"), Exception()),
    raised(OperationalError(2013, "Lost connection"), Exception()),
    raised(OperationalError("database is locked"), sqlite3.OperationalError()),
]
PERMANENT = [
    raised(ProgrammingError("no such column"), psycopg.errors.UndefinedColumn()),
    raised(IntegrityError("duplicate key"), psycopg.errors.UniqueViolation()),
    raised(DataError("value too long"), psycopg.errors.StringDataRightTruncation()),
    raised(OperationalError("disk full"), psycopg.errors.DiskFull()),
    raised(OperationalError(1054, "Unknown column"), Exception()),
    raised(OperationalError("no such table"), sqlite3.OperationalError()),
    ValueError("not of the database"),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_errors_that_pass(error):
    assert is_transient(error)


@pytest.mark.parametrize("error", PERMANENT, ids=str)
def test_errors_that_stay(error):
    assert not is_transient(error)
