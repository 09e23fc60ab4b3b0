"""Two tables of the same jobs, one a hundred times as long as the other."""

from __future__ import annotations

from jobstate.models import JobMixin

__all__ = ["LargeJob", "SmallJob"]


class SmallJob(JobMixin):
    """Ten thousand rows."""

    class Meta(JobMixin.Meta):
        pass


class LargeJob(JobMixin):
    """A million rows."""

    class Meta(JobMixin.Meta):
        pass
