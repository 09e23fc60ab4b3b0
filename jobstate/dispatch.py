"""The port to whatever runs the tasks; the models know only this."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol, cast

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.dateparse import parse_datetime
from django.utils.module_loading import import_string

from jobstate import conf
from jobstate.exceptions import InvalidPayload, NotInstalled, TaskNotRegistered

__all__ = ["RunMessage", "Runner", "TaskCall", "get_runner", "run_headers", "use_runner"]

MODEL_HEADER = "jobstate_model"
PK_HEADER = "jobstate_pk"
USING_HEADER = "jobstate_using"
GENERATION_HEADER = "jobstate_generation"


def run_headers(label: str, pk: object, using: str, generation: int) -> dict[str, Any]:
    """What a message says of the run that it is for."""
    return {MODEL_HEADER: label, PK_HEADER: str(pk), USING_HEADER: using, GENERATION_HEADER: generation}


@dataclass(frozen=True, slots=True)
class TaskCall:
    """A task by name, with its arguments and the options of its publication."""

    task: str = ""
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TaskCall:
        """Read a task object, its name, or a signature that brings options along; None is no task."""
        if task is None:
            return cls()
        if isinstance(task, str):
            return cls(task, args, kwargs)
        if hasattr(task, "options") and hasattr(task, "task"):
            return cls(task.task, (*args, *task.args), {**task.kwargs, **kwargs}, dict(task.options))
        if not isinstance(getattr(task, "name", None), str):
            raise TaskNotRegistered(
                f"{task!r} is no Celery task: decorate it with @shared_task(base=JobTask, bind=True)."
            )
        return cls(task.name, args, kwargs)

    @classmethod
    def of_payload(cls, task: str, payload: Mapping[str, Any]) -> TaskCall:
        """Read what `payload()` wrote."""
        return cls(task, payload.get("args", ()), payload.get("kwargs", {}), payload.get("options", {}))

    @property
    def wait(self) -> timedelta:
        """How long the publication is to wait, by the options `countdown` (seconds) or `eta` (a date)."""
        eta = self.options.get("eta")
        due: datetime | None = parse_datetime(eta) if isinstance(eta, str) else eta
        if due is None:
            return timedelta(seconds=self.options.get("countdown") or 0)
        aware = due if due.tzinfo else due.replace(tzinfo=timezone.utc)
        return max(aware - datetime.now(timezone.utc), timedelta())

    def payload(self) -> dict[str, Any]:
        """The call as plain JSON values; InvalidPayload where JSON cannot carry them."""
        if not self.task:
            return {}
        call = {"args": list(self.args), "kwargs": dict(self.kwargs), "options": dict(self.options)}
        try:
            plain: dict[str, Any] = json.loads(json.dumps(call, cls=DjangoJSONEncoder, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise InvalidPayload(
                f"The arguments of {self.task} cannot be kept with the job: {error}. "
                "Pass plain values (text, numbers, lists, dicts), and primary keys in place of objects."
            ) from error
        return plain


@dataclass(frozen=True, slots=True)
class RunMessage:
    """One publication of one run; `delay` is in seconds."""

    call: TaskCall
    task_id: str
    headers: Mapping[str, Any]
    delay: float | None = None


class Runner(Protocol):
    """Whatever takes the messages of runs to the workers."""

    def check(self, call: TaskCall) -> None:
        """Raise TaskNotRegistered where nobody could run the call."""

    def publish(self, message: RunMessage) -> None:
        """Hand the message to the broker."""

    def revoke(self, task_id: str, *, terminate: bool) -> None:
        """Ask the workers to drop the task, and with `terminate` to stop it."""


_runner: Runner | None = None


def use_runner(runner: Runner | None = None) -> Runner | None:
    """Set the runner, by default the one that the settings name; returns the one before."""
    global _runner
    before, _runner = _runner, runner if runner is not None else import_string(conf.runner_path())()
    return before


def get_runner() -> Runner:
    """The runner that the app set up when Django started."""
    if _runner is None and not apps.is_installed("jobstate"):
        raise NotInstalled('jobstate is not set up: add "jobstate" to INSTALLED_APPS.')
    if _runner is None:
        use_runner()
    return cast("Runner", _runner)
