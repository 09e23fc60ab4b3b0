"""Settings of every process of the chaos, which tells them the database in the environment."""

from __future__ import annotations

import json
import os
from datetime import timedelta

SECRET_KEY = "not a secret"
USE_TZ = True
TIME_ZONE = "UTC"
# Connections are kept open: that they died has to be noticed by jobstate, not by their age.
DATABASES = {"default": {**json.loads(os.environ["CHAOS_DATABASE"]), "CONN_MAX_AGE": None}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["jobstate", "tests.chaos.apps.ChaosConfig"]
JOBSTATE = {
    "LEASE": timedelta(seconds=3),
    "RENEW_EVERY": timedelta(seconds=1),
    "PENDING_LEASE": timedelta(seconds=3),
    "CANCEL_LEASE": timedelta(seconds=2),
    "RETRY_BUDGET": timedelta(seconds=10),
}
LOGGING_CONFIG = None  # each process logs to a file of its own
