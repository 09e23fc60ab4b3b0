"""The Django app of the census."""

from __future__ import annotations

from django.apps import AppConfig


class CensusConfig(AppConfig):
    """Counts Python code, one job for each package."""

    name = "example_project.census"
    verbose_name = "Code census"
