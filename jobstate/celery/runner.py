"""CeleryRunner: publishes runs through the project's Celery app, and revokes them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from celery import current_app
from django.utils.dateparse import parse_datetime

from jobstate.celery.task import JobTask
from jobstate.dispatch import RunMessage, TaskCall
from jobstate.exceptions import InvalidPayload, TaskNotRegistered

__all__ = ["CeleryRunner"]


logger = logging.getLogger("jobstate")


class CeleryRunner:
    """The runner that `JOBSTATE["RUNNER"]` names by default."""

    def check(self, call: TaskCall) -> None:
        """Raise TaskNotRegistered or InvalidPayload for what no worker could run."""
        task = self._task(call.task)
        try:
            task.__header__(*call.args, **call.kwargs)
        except TypeError as error:
            raise InvalidPayload(f"{call.task} cannot be called like this: {error}.") from error

    def publish(self, message: RunMessage) -> None:
        """Publish through the task's own `apply_async`, with the headers of the run."""
        if current_app.conf.task_always_eager and _is_early(message):
            logger.info("job_not_due: eager mode does not wait, so %s is not run", message.call.task)
            return
        options = _with_dates(message.call.options)
        headers = {**(options.pop("headers", None) or {}), **message.headers}
        if message.delay is not None:
            options.pop("eta", None)
            options["countdown"] = message.delay
        self._task(message.call.task).apply_async(
            message.call.args, message.call.kwargs, task_id=message.task_id, headers=headers, **options
        )

    def revoke(self, task_id: str, *, terminate: bool) -> None:
        """Tell every worker; one that is not up never hears of it."""
        current_app.control.revoke(task_id, terminate=terminate)

    def _task(self, name: str) -> Any:
        tasks = current_app.tasks
        if name not in tasks:
            current_app.loader.import_default_modules()  # a web process has not imported them all
        if name not in tasks:
            near = get_close_matches(name, tasks, n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise TaskNotRegistered(f"No Celery task is registered as {name!r}.{hint} Is its module imported?")
        if not isinstance(tasks[name], JobTask):
            raise TaskNotRegistered(
                f"{name} is no JobTask, so it could not claim the job: use @shared_task(base=JobTask)."
            )
        return tasks[name]


def _is_early(message: RunMessage) -> bool:
    wait = message.call.wait if message.delay is None else timedelta(seconds=message.delay)
    return wait > timedelta()


def _with_dates(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they were before JSON: `eta` and `expires` may be dates."""
    dates = {k: parse_datetime(options[k]) for k in ("eta", "expires") if isinstance(options.get(k), str)}
    return {**options, **dates}
