"""Census: a job that counts the Python code of one package."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.urls import reverse

from example_project.census.counting import Count
from example_project.census.packages import known_packages, title_of, validate_package
from jobstate import JobState
from jobstate.models import JobMixin

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = ["Census"]


class Census(JobMixin):
    """Files, lines and tokens of a package, counted while you watch."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="censuses")
    package = models.CharField(max_length=50, validators=[validate_package])
    total_files = models.PositiveIntegerField(default=0, editable=False)
    files = models.PositiveIntegerField(default=0, editable=False)
    lines = models.PositiveIntegerField(default=0, editable=False)
    tokens = models.PositiveIntegerField(default=0, editable=False)
    unreadable = models.PositiveIntegerField(default=0, editable=False)

    class Meta(JobMixin.Meta):
        verbose_name_plural = "censuses"

    def __str__(self) -> str:
        return f"census of {self.title}"

    def get_absolute_url(self) -> str:
        """The page that tells what happened to it."""
        return reverse("census:detail", args=[self.pk])

    @property
    def title(self) -> str:
        """The package as people read it."""
        return title_of(self.package)

    @property
    def directory(self) -> Path:
        """Where the package stands on this machine."""
        return known_packages()[self.package]

    @property
    def counted(self) -> Count:
        """What the row says was counted so far."""
        return Count(self.files, self.lines, self.tokens, self.unreadable)

    def status_update_columns(self, to_status: JobState) -> dict[str, int]:
        """A new attempt counts from the beginning: its claim empties what another one counted."""
        return {"total_files": 0, **asdict(Count())} if to_status == JobState.STARTED else {}

    def record(self, count: Count, **also: int) -> None:
        """Save what was counted so far, as long as this worker's claim is the one that counts."""
        mine = Census.objects.filter(pk=self.pk, status=JobState.STARTED, claim_token=self.claim_token)
        mine.update(**asdict(count), **also)

    def can_be_seen_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whoever started it may see it, and staff as usual."""
        return user.pk == self.owner_id or super().can_be_seen_by(user)

    def can_be_cancelled_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whoever started it may cancel it, and staff as usual."""
        return user.pk == self.owner_id or super().can_be_cancelled_by(user)
