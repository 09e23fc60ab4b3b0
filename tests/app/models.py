"""The job models of the tests: one for each way to declare one."""

from __future__ import annotations

import uuid

from django.db import models

from jobstate.models import JobMixin


class Owner(models.Model):
    """Somebody whom jobs belong to, for joined filters."""

    name = models.CharField(max_length=50)


class Job(JobMixin):
    """The ordinary job, with fields of its own, one called like an internal."""

    title = models.CharField(max_length=50, blank=True, default="")
    progress = models.CharField(max_length=50, blank=True, default="")
    summary = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey(Owner, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs")

    class Meta(JobMixin.Meta):
        pass


class UuidJob(JobMixin):
    """A job whose key is no number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta(JobMixin.Meta):
        pass


class ChildJob(Job):
    """A job whose status stands in another table than its own fields."""

    note = models.CharField(max_length=50, blank=True, default="")


class SummedJob(JobMixin):
    """A job with a summary that rides with the status."""

    summary = models.JSONField(default=dict, blank=True)

    class Meta(JobMixin.Meta):
        pass

    def status_update_columns(self, to_status: str) -> dict[str, object]:
        return {"summary": {"status": str(to_status)}}


class ReleasingJob(JobMixin):
    """A job that keeps a list of what was released, by generation."""

    released: list[tuple[str, int]] = []

    class Meta(JobMixin.Meta):
        pass

    def release_resources(self, generation: int) -> None:
        self.released.append((str(self.pk), generation))


class NaiveJob(models.Model):
    """The same story told with plain save(): the red twin of every race."""

    status = models.CharField(max_length=20, default="CREATED")
    title = models.CharField(max_length=50, blank=True, default="")
    generation = models.PositiveIntegerField(default=0)
    claim_token = models.CharField(max_length=32, blank=True, default="")
    finished_at = models.DateTimeField(null=True)
