"""Fields for columns that only the guard writes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

from jobstate import clock

__all__ = ["GuardedDateTimeField", "InstantField"]


if TYPE_CHECKING:
    DateTimeField = models.DateTimeField[Any, Any]
else:
    DateTimeField = models.DateTimeField


class GuardedDateTimeField(DateTimeField):
    """A date that `update_or_create()` does not write unasked.

    Django adds every field with a `pre_save` of its own to the update, which is meant for
    `auto_now` and would name the guarded dates too.
    """

    pre_save = models.Field.pre_save


class InstantField(GuardedDateTimeField):
    """An instant, read as an aware time in UTC, whatever USE_TZ says."""

    def from_db_value(self, value: datetime | None, expression: Any, connection: Any) -> datetime | None:
        return None if value is None else clock.to_instant(value, connection.vendor)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if isinstance(value, datetime) and value.tzinfo and not settings.USE_TZ and connection.vendor != "postgresql":
            value = value.astimezone(timezone.utc).replace(tzinfo=None)
        return super().get_db_prep_value(value, connection, prepared)
