"""The model that an application's jobs inherit from, and the app's own tables."""

from jobstate.models.mixin import JobMixin
from jobstate.records import JobTransition

__all__ = ["JobMixin", "JobTransition"]
