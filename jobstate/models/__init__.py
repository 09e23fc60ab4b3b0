"""The model that an application's jobs inherit from."""

from jobstate.models.mixin import JobMixin

__all__ = ["JobMixin"]
