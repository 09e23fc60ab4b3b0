"""The censuses in Django's admin: to look at, and to cancel."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string

from example_project.census.models import Census
from example_project.census.timeline import timeline
from jobstate.admin import JobAdmin


@admin.register(Census)
class CensusAdmin(JobAdmin):
    """Every user's censuses; new ones are started from the page."""

    exclude = ("key", "priority")  # a census uses neither

    class Media:
        css = {"all": ("census/timeline.css",)}

    list_display = ("title", "owner", "badge", "progress", "tokens", "duration")
    list_filter = (*JobAdmin.list_filter, "package")
    list_select_related = ("owner",)
    readonly_fields = ("owner", "package", "total_files", "files", "lines", "tokens", "unreadable", "timeline")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Census | None = None) -> bool:
        return False

    @admin.display(description="what happened")
    def timeline(self, census: Census) -> str:
        return render_to_string("census/timeline.html", {"lines": timeline(census)})

    @admin.display(description="files")
    def progress(self, census: Census) -> str:
        return f"{census.files} of {census.total_files}"
