"""JobAdmin: looks at the status, and changes it through the verbs alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _

from jobstate import display
from jobstate.context import acting_as
from jobstate.models import JobMixin
from jobstate.states import Outcome
from jobstate.transitions import GUARDED_COLUMNS

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

__all__ = ["JobAdmin"]

_INTERNAL = {"claim_token", "last_write", "status"}


class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of any job model: a badge for the state, and cancel as an action.

    The guarded columns are shown and cannot be edited.
    """

    actions: tuple[Any, ...] = ("cancel_jobs",)
    date_hierarchy = "created"
    list_display: tuple[Any, ...] = ("__str__", "badge", "generation", "attempt", "worker", "started_at", "duration")
    list_filter: ClassVar[tuple[Any, ...]] = ("status", "reason")
    search_fields: ClassVar[tuple[str, ...]] = ("=task_id", "key")
    show_full_result_count = False

    class Media:
        css = {"all": ("jobstate/jobstate.css",)}  # noqa: RUF012  Django's own form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        shown = [name for name in GUARDED_COLUMNS if name not in _INTERNAL]
        return ["badge", *super().get_readonly_fields(request, obj), *shown]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        names: list[Any] = list(super().get_fields(request, obj))
        return ["badge", *(name for name in names if name != "badge")]  # the state comes first

    @admin.display(description=_("state"), ordering="status")
    def badge(self, job: JobMixin) -> SafeString:
        """The state, readable without colour."""
        return display.badge(job)

    @admin.display(description=_("duration"))
    def duration(self, job: JobMixin) -> str:
        """Hours, minutes and seconds since the run's first claim."""
        return "" if job.duration is None else str(job.duration).split(".")[0]

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether the user may use the cancel action."""
        return request.user.has_perm(f"{self.opts.app_label}.cancel_job")

    @admin.action(description=_("Cancel the selected jobs"), permissions=["cancel"])
    def cancel_jobs(self, request: HttpRequest, queryset: QuerySet[JobMixin]) -> None:
        """Cancel each of them, and say what became of each."""
        with acting_as(request.user, "admin"):
            outcomes = Counter(job.cancel() for job in queryset.iterator())
        level = messages.SUCCESS if set(outcomes) <= {Outcome.APPLIED} else messages.WARNING
        self.message_user(request, display.cancel_report(outcomes), level)
