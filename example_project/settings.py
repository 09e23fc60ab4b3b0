"""Settings of the example: SQLite and a queue of files, so that it runs where there is only Python.

Everything that it writes goes to the folder EXAMPLE_VAR, by default `var/`. DATABASE_URL names
another database, and wants dj-database-url.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("EXAMPLE_VAR") or ROOT / "var")
QUEUE, CONTROL = VAR / "queue", VAR / "control"
for folder in (QUEUE, CONTROL):
    folder.mkdir(parents=True, exist_ok=True)  # Celery's file transport does not make them

SECRET_KEY = os.environ.get("EXAMPLE_SECRET_KEY", "good enough for an example on 127.0.0.1")
DEBUG = os.environ.get("EXAMPLE_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "jobstate",
    "example_project.census",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "jobstate.middleware.acting_user_middleware",  # the history of a job says who did it
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # no page without a user
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "example_project.urls"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "census:index"
LOGOUT_REDIRECT_URL = "login"
STATIC_URL = "static/"
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR / "example.sqlite3",
    "OPTIONS": {
        "timeout": 20,
        # a transaction that reads before it writes would meet "database is locked" at once
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}
if url := os.environ.get("DATABASE_URL"):
    import dj_database_url

    DATABASES = {"default": dj_database_url.parse(url)}
else:
    DATABASES = {"default": SQLITE}

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "filesystem://"
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_TRANSPORT = "example_project.filequeue:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE),
        "data_folder_out": str(QUEUE),
        "control_folder": str(CONTROL),
        "store_processed": False,
        "polling_interval": 0.1,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True  # the job's row says how it went
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

JOBSTATE = {"LEASE": timedelta(seconds=float(os.environ.get("EXAMPLE_LEASE") or 60))}  # renewed every third of it
