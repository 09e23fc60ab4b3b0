"""System checks: what is set up wrongly is said at start, with the line that cures it."""

from __future__ import annotations

from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.checks import register as register_check
from django.utils.module_loading import import_string

from jobstate import conf

__all__ = ["check_renewal", "check_settings", "register"]


def register() -> None:
    """Let Django run the checks of jobstate."""
    register_check(check_settings, "jobstate")
    register_check(check_renewal, "jobstate")


def check_renewal(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E004 leases that would run out between two renewals."""
    every = conf.configured().get("RENEW_EVERY") if isinstance(conf.configured(), dict) else None
    if not isinstance(every, timedelta):
        return []
    models = [None, *(model for model in apps.get_models() if hasattr(model, "claim_token"))]
    return [_too_rare(every, model) for model in models if every > conf.lease(model or object) / 2]


def _too_rare(every: timedelta, model: type | None) -> CheckMessage:
    whose = f"the lease of {model._meta.label}" if model else "LEASE"  # type: ignore[attr-defined]
    return Error(
        f'JOBSTATE["RENEW_EVERY"] is {every}, more than half of {whose}: living workers would be taken for lost.',
        hint="Leave RENEW_EVERY out (it is then a third of the shortest lease), or make the lease longer.",
        obj=model,
        id="jobstate.E004",
    )


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E001 an unknown setting, E002 a value of the wrong kind, E003 a runner that cannot be made."""
    settings = conf.configured()
    if not isinstance(settings, dict):
        return [
            Error(
                "JOBSTATE is not a dict.", hint='Write JOBSTATE = {"LEASE": timedelta(seconds=60)}.', id="jobstate.E002"
            )
        ]
    problems = [_unknown(name) for name in settings if name not in conf.DEFAULTS]
    problems += [p for name, value in settings.items() if name in conf.DEFAULTS for p in _wrong_kind(name, value)]
    return problems


def _unknown(name: str) -> CheckMessage:
    near = get_close_matches(str(name).upper(), conf.DEFAULTS, n=1)
    hint = f'Write "{near[0]}".' if near else f"There are {', '.join(sorted(conf.DEFAULTS))}."
    return Error(f'JOBSTATE has a setting "{name}" that does not exist.', hint=hint, id="jobstate.E001")


def _wrong_kind(name: str, value: object) -> list[CheckMessage]:
    if name == "RUNNER":
        return _runner_problems(value)
    if name == "CLOSED_DOORS":
        good, hint = value in ("raise", "warn"), 'Write "raise" or "warn".'
    elif name == "HISTORY":
        good, hint = value in conf.HISTORY_CHOICES, 'Write "all", "applied" or "none".'
    elif name == "MAX_LOST":
        good, hint = isinstance(value, int) and value >= 0, "Write a whole number, 3 for instance."
    elif name == "RENEW_EVERY" and value is None:
        good, hint = True, ""
    else:
        good = isinstance(value, timedelta) and value > timedelta()
        hint = "Write a timedelta greater than zero, timedelta(seconds=60) for instance."
    return [] if good else [Error(f'JOBSTATE["{name}"] cannot be {value!r}.', hint=hint, id="jobstate.E002")]


def _runner_problems(value: object) -> list[CheckMessage]:
    try:
        import_string(str(value))()
    except Exception as error:
        hint = 'Name a class by its dotted path, "jobstate.celery.CeleryRunner" for instance.'
        return [Error(f'JOBSTATE["RUNNER"] cannot be imported and made: {error}', hint=hint, id="jobstate.E003")]
    return []
