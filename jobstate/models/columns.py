"""The columns of a job, and what can be read off them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from jobstate.models.fields import GuardedDateTimeField, InstantField
from jobstate.models.indexes import WaitingIndex
from jobstate.states import JobState, Reason

__all__ = ["JobColumns"]

_STATUS: dict[str, Any] = {"max_length": 20, "choices": JobState.choices, "editable": False}
_TOKEN: dict[str, Any] = {"max_length": 32, "blank": True, "default": "", "editable": False}
_NAME: dict[str, Any] = {"max_length": 255, "blank": True, "default": "", "editable": False}
_COUNT: dict[str, Any] = {"default": 0, "editable": False}
_TIME: dict[str, Any] = {"null": True, "blank": True, "editable": False}


class JobColumns(TimeStampedModel):
    """What a job's row holds."""

    status = models.CharField(_("status"), default=JobState.CREATED, db_index=True, **_STATUS)
    previous_status = models.CharField(_("status before"), blank=True, default="", **_STATUS)
    generation = models.PositiveIntegerField(_("run"), **_COUNT)
    attempt = models.PositiveIntegerField(_("attempt"), **_COUNT)
    lost = models.PositiveIntegerField(_("times lost"), **_COUNT)
    claim_token = models.CharField(_("claim"), **_TOKEN)
    worker = models.CharField(_("worker"), **_NAME)
    task = models.CharField(_("task"), **_NAME)
    payload = models.JSONField(_("arguments"), default=dict, blank=True, editable=False, encoder=DjangoJSONEncoder)
    task_id = models.CharField(_("task id"), **_NAME)
    scheduled_at = InstantField(_("due at"), **_TIME)
    last_write = models.CharField(_("last write"), **_TOKEN)
    lease_expires_at = InstantField(_("believed until"), **_TIME)
    started_at = GuardedDateTimeField(_("started"), **_TIME)
    finished_at = GuardedDateTimeField(_("finished"), **_TIME)
    reason = models.CharField(
        _("reason"), max_length=20, choices=Reason.choices, blank=True, default="", editable=False
    )
    error = models.TextField(_("error"), blank=True, default="", editable=False)
    key = models.CharField(_("key"), max_length=200, blank=True, default="")
    priority = models.SmallIntegerField(_("priority"), default=0)

    class Meta(TimeStampedModel.Meta):
        abstract = True
        indexes = (WaitingIndex(name="%(app_label)s_%(class)s_waiting"),)

    @property
    def state(self) -> JobState:
        """The status as a JobState; UNKNOWN for what this release does not know."""
        return JobState.from_celery(self.status)

    @property
    def model_label(self) -> str:
        """`app.Model`, as URLs and messages name the kind of job."""
        return self._meta.label

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.status in JobState.final_states()

    @property
    def is_running(self) -> bool:
        """Whether a worker is at it: STARTED or CANCELING."""
        return self.status in (JobState.STARTED, JobState.CANCELING)

    @property
    def is_stale(self) -> bool:
        """Whether whoever has the job gave no sign of life in time, by this host's clock.

        `objects.stale()` asks the database's clock.
        """
        expires: datetime | None = self.lease_expires_at
        return not self.is_final and expires is not None and expires < datetime.now(timezone.utc)

    @property
    def duration(self) -> timedelta | None:
        """From the run's first claim to its end, or to now; None before it began."""
        if self.started_at is None:
            return None
        lasted: timedelta = (self.finished_at or now()) - self.started_at
        return max(lasted, timedelta())
