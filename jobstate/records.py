"""The app's own tables. They know no job model: a job is named by its model's label and its key as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from jobstate.exceptions import AppendOnlyError, NotInstalled

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["JobTransition", "TransitionQuerySet"]

if not apps.is_installed("jobstate"):
    raise NotInstalled('Job models need the tables of jobstate, but "jobstate" is not in INSTALLED_APPS: add it there.')


class TransitionQuerySet(models.QuerySet["JobTransition"]):
    """The history, which is read and pruned, and never rewritten."""

    _pruning = False

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone._pruning = self._pruning
        return clone

    def of(self, label: str, pk: object) -> Self:
        """The history of one job, oldest first."""
        return self.filter(model=label, job_pk=str(pk)).order_by("pk")

    def applied(self) -> Self:
        """What changed a row, without what was refused."""
        return self.filter(outcome="applied")

    def pruning(self) -> Self:
        """The same rows, for deletion once their jobs are no longer of interest."""
        clone = self._clone()
        clone._pruning = True
        return clone

    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("The history of jobs is not rewritten; it can only be read, and pruned as a whole.")

    def delete(self) -> tuple[int, dict[str, int]]:
        if not self._pruning:
            raise AppendOnlyError(
                "The history of jobs is deleted by pruning alone: objects.pruning().filter(…).delete()."
            )
        return super().delete()


class JobTransition(models.Model):
    """One applied transition, or one refused write. Append-only.

    An applied one is written in the transaction of the status itself. Of a refusal that one writer
    repeats, only the 1st, 2nd, 4th, 8th… is kept; `repeats` says how often it had happened.
    """

    model = models.CharField(_("kind of job"), max_length=100)
    job_pk = models.CharField(_("job"), max_length=100)
    from_status = models.CharField(_("from"), max_length=20, blank=True)
    to_status = models.CharField(_("to"), max_length=20)
    outcome = models.CharField(_("outcome"), max_length=20)
    generation = models.PositiveIntegerField(_("run"), null=True)
    attempt = models.PositiveIntegerField(_("attempt"), null=True)
    actor = models.CharField(_("actor"), max_length=255, blank=True)
    source = models.CharField(_("through"), max_length=20, blank=True)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    repeats = models.PositiveIntegerField(_("times"), default=1)
    at = models.DateTimeField(_("at"), default=now)

    objects = models.Manager.from_queryset(TransitionQuerySet)()

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        indexes = (models.Index(fields=["model", "job_pk"], name="jobstate_transition_of_job"),)

    def __str__(self) -> str:
        return f"{self.model} {self.job_pk}: {self.from_status} → {self.to_status} ({self.outcome})"

    def save(self, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("A row of the history is never changed.")
        super().save(**kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("A row of the history is deleted by pruning alone.")
