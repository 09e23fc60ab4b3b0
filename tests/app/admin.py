"""The ordinary job in the admin."""

from __future__ import annotations

from django.contrib import admin

from jobstate.admin import JobAdmin
from tests.app.models import Job

admin.site.register(Job, JobAdmin)
