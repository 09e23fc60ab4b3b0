"""`path("jobs/", include("jobstate.urls"))` offers `jobstate:status` and `jobstate:cancel`."""

from __future__ import annotations

from django.urls import URLPattern, path

from jobstate.views import JobCancelView, JobStatusView

__all__ = ["app_name", "urlpatterns"]

app_name = "jobstate"
urlpatterns: list[URLPattern] = [
    path("<str:model>/<str:pk>/status/", JobStatusView.as_view(), name="status"),
    path("<str:model>/<str:pk>/cancel/", JobCancelView.as_view(), name="cancel"),
]
