"""Live workers: one per broker and pool for the whole session, and the real runner in place of the recording one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, current_app

from jobstate import dispatch
from jobstate.celery import CeleryRunner
from tests.live.brokers import chosen_brokers
from tests.live.fleet import Crew, Fleet
from tests.live.jobs import LiveJobs

End = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def fleet(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("live"))
    yield fleet
    fleet.disband()


@pytest.fixture(params=chosen_brokers(), ids=lambda name: f"{name}-prefork")
def crew(request: pytest.FixtureRequest, fleet: Fleet) -> Crew:
    """A running worker with a pool of processes, over each broker that was asked for."""
    return fleet.crew(request.param, "prefork")


@pytest.fixture
def app(crew: Crew) -> Celery:
    return crew.app


@pytest.fixture(autouse=True)
def runner(app: Celery) -> Iterator[CeleryRunner]:
    """Publishes through the crew's app."""
    real = CeleryRunner()
    app_before, runner_before = current_app._get_current_object(), dispatch.use_runner(real)
    app.set_current()
    yield real
    app_before.set_current()
    dispatch.use_runner(runner_before)


@pytest.fixture
def jobs(crew: Crew, runner: CeleryRunner) -> LiveJobs:
    return LiveJobs(crew.app, crew.ledger)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A body that was given the gate goes on once the file is there; at the latest when the test ends."""
    gate = tmp_path / "gate"
    yield gate
    gate.touch()


@pytest.fixture
def end() -> End:
    """The facts of a row that ended in its first run, under the claim of its first attempt."""

    def end(status: str, reason: str = "", **other: Any) -> dict[str, Any]:
        usual = {"finished": True, "attempt": 1, "claimed": True, "generation": 1}
        return {"status": status, "reason": reason, **usual, **other}

    return end


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show what the worker wrote beside a failure."""
    report = yield
    crew = getattr(item, "funcargs", {}).get("crew")
    if report.failed and crew is not None:
        report.sections.append(("worker log", crew.log.read_text()[-8000:]))
        report.sections.append(("ledger", crew.ledger.path.read_text()[-4000:]))
    return report
