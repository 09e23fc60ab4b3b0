"""The Celery task that settles jobs, for beat: `{"task": "jobstate.settle", "schedule": 60}`."""

from __future__ import annotations

from celery import shared_task

from jobstate import reaper

__all__ = ["settle"]


@shared_task(name="jobstate.settle", ignore_result=True)
def settle() -> dict[str, dict[str, int]]:
    """Settle what is unfinished and past its lease; safe when several run at once."""
    settled = reaper.settle()
    return {label: {outcome.value: n for outcome, n in outcomes.items()} for label, outcomes in settled.items()}
