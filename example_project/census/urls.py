"""The pages of the census."""

from __future__ import annotations

from django.urls import URLPattern, path

from example_project.census import views

app_name = "census"
urlpatterns: list[URLPattern] = [
    path("", views.index, name="index"),
    path("start/", views.start, name="start"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
]
