"""The Django app."""

from __future__ import annotations

from contextlib import suppress

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from jobstate import checks, dispatch

__all__ = ["JobstateConfig"]


class JobstateConfig(AppConfig):
    """Connects the runner, Celery's signals and the system checks."""

    name = "jobstate"
    verbose_name = _("Jobs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register()
        with suppress(Exception):  # the checks say it better, by name and with a hint: E002, E003
            dispatch.use_runner()
        from jobstate.celery import handlers, starting  # models are loaded only now

        handlers.connect()
        starting.connect()
