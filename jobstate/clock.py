"""The database's clock as expressions, so that leases do not depend on the clocks of many hosts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from django.conf import settings
from django.db.models import DateTimeField, Expression, ExpressionWrapper, Func, Value
from django.db.models.functions import Now as DjangoNow
from django.utils.timezone import get_default_timezone

__all__ = ["Instant", "Now", "later", "to_instant"]


class Instant(DjangoNow):
    """This moment by the database: an instant on PostgreSQL, UTC elsewhere, whatever USE_TZ says."""

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # six digits, as Django stores them: SQLite compares times as text
        template = "STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f000', 'NOW')"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # CURRENT_TIMESTAMP is in the session's zone, which Django does not set on MariaDB
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra)


class Now(Func):
    """This moment by the database, as Django stores a DateTimeField: local time without USE_TZ."""

    output_field = DateTimeField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        expression: Expression = Instant()
        if not settings.USE_TZ and connection.vendor != "postgresql":
            expression = later(datetime.now(get_default_timezone()).utcoffset() or timedelta())
        sql, params = compiler.compile(expression.resolve_expression(compiler.query))
        return sql, params


def later(delay: timedelta) -> Expression:
    """The instant that lies `delay` ahead."""
    return ExpressionWrapper(Instant() + Value(delay), output_field=DateTimeField())


def to_instant(value: datetime, vendor: str) -> datetime:
    """Read what a database returned for a stored instant as an aware time in UTC."""
    if value.tzinfo is None:  # without USE_TZ: PostgreSQL answers in the project's zone, the others hold UTC
        value = value.replace(tzinfo=get_default_timezone() if vendor == "postgresql" else timezone.utc)
    return value.astimezone(timezone.utc)
