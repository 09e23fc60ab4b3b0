"""Every error that jobstate raises of its own accord, as one tree.

::

    JobStateError
    ├── MisuseError               the call can never work; nothing was written
    │   ├── IllegalTransition     no such state, or no such arrow
    │   ├── GuardedFieldError     a guarded column was to be written past the guard
    │   ├── InvalidColumn         a column that cannot ride in the status UPDATE
    │   ├── InvalidPayload        task arguments that JSON cannot carry
    │   ├── UnsavedJob            the job has no row yet
    │   ├── AppendOnlyError       the history was to be rewritten
    │   └── TaskNotRegistered     nobody here knows the task
    ├── NotInstalled              "jobstate" is missing from INSTALLED_APPS
    ├── TransitionRefused         strict=True, and the row said no
    └── JobStopped                a worker should stop
        ├── JobCanceled           somebody cancelled the job
        └── JobSuperseded         the job belongs to somebody else now, or has ended
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.db.models import Model

    from jobstate.states import Outcome

__all__ = [
    "AppendOnlyError",
    "GuardedFieldError",
    "GuardedFieldWarning",
    "IllegalTransition",
    "InvalidColumn",
    "InvalidPayload",
    "JobCanceled",
    "JobStateError",
    "JobStopped",
    "JobSuperseded",
    "MisuseError",
    "NotInstalled",
    "TaskNotRegistered",
    "TransitionRefused",
    "UnsavedJob",
]


class JobStateError(Exception):
    """The base of every error of jobstate."""


class MisuseError(JobStateError, ValueError):
    """The call can never work as written; nothing was written."""


class IllegalTransition(MisuseError):
    """The state does not exist, or no arrow leads from here to there."""


class GuardedFieldError(MisuseError):
    """A column that belongs to the guard was to be written in another way."""


class InvalidColumn(MisuseError):
    """A column that cannot ride in the statement that writes the status."""


class InvalidPayload(MisuseError):
    """Arguments of a task that JSON cannot carry."""


class UnsavedJob(MisuseError):
    """The job was never saved, so there is no row whose status could change."""


class AppendOnlyError(MisuseError):
    """The history of jobs was to be rewritten, or deleted outside pruning."""


class TaskNotRegistered(MisuseError):
    """No task of that name is registered here."""


class NotInstalled(JobStateError, ImproperlyConfigured):
    """`"jobstate"` is missing from INSTALLED_APPS."""


class TransitionRefused(JobStateError):
    """The row refused the transition; raised only when a verb was called with `strict=True`.

    `from_status` is what the row said after the refusal, or None where there is no row.
    """

    def __init__(self, job: Model, from_status: str | None, to_status: str, outcome: Outcome) -> None:
        self.job = job
        self.from_status = from_status
        self.to_status = to_status
        self.outcome = outcome
        super().__init__(job, from_status, to_status, outcome)

    def __str__(self) -> str:
        found = f"it was found {self.from_status}" if self.from_status else "its row is gone"
        instead = _INSTEAD.get((self.to_status, self.outcome.name), "")
        return (
            f"{self.job._meta.label} {self.job.pk} did not become {self.to_status}: "
            f"{self.outcome.explanation} ({self.outcome.name}); {found}.{instead}"
        )


_INSTEAD = {
    ("PENDING", "FINAL"): " Call restart() to run it again.",
    ("PENDING", "NOT_IN_SOURCE"): " Call restart(replace=True) to give up that run and begin another.",
    ("CANCELING", "NOT_IN_SOURCE"): " It is being cancelled already; its worker or settling ends it.",
    ("STARTED", "FINAL"): " Call restart() to run it again.",
}


class JobStopped(JobStateError):
    """The job is no longer this worker's to run: stop, and write nothing more."""


class JobCanceled(JobStopped):
    """Somebody cancelled the job: stop, and write nothing more."""


class JobSuperseded(JobStopped):
    """A newer run or another worker owns the job, or it has ended: stop, and write nothing more."""


class GuardedFieldWarning(UserWarning):
    """What GuardedFieldError would have said, where `JOBSTATE["CLOSED_DOORS"]` is "warn"."""
