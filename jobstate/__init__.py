"""A job's status that cannot be wrong: the names that are free of models.

`JobMixin` stands in `jobstate.models`, since Django loads models after the settings.
"""

from jobstate.context import acting_as
from jobstate.exceptions import (
    AppendOnlyError,
    GuardedFieldError,
    GuardedFieldWarning,
    IllegalTransition,
    InvalidColumn,
    InvalidPayload,
    JobCanceled,
    JobStateError,
    JobStopped,
    JobSuperseded,
    MisuseError,
    NotInstalled,
    TaskNotRegistered,
    TransitionRefused,
    UnsavedJob,
)
from jobstate.signals import job_transition_refused, job_transitioned
from jobstate.states import JobState, Outcome, Reason

__all__ = [
    "AppendOnlyError",
    "GuardedFieldError",
    "GuardedFieldWarning",
    "IllegalTransition",
    "InvalidColumn",
    "InvalidPayload",
    "JobCanceled",
    "JobState",
    "JobStateError",
    "JobStopped",
    "JobSuperseded",
    "MisuseError",
    "NotInstalled",
    "Outcome",
    "Reason",
    "TaskNotRegistered",
    "TransitionRefused",
    "UnsavedJob",
    "acting_as",
    "job_transition_refused",
    "job_transitioned",
]
