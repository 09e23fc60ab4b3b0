"""Settings of the suite. The database is DATABASE_URL, or the embedded PostgreSQL of conftest.py."""

from __future__ import annotations

import os

import dj_database_url

EMBEDDED = "postgresql://embedded@/postgres"
_DEFAULT = dj_database_url.parse(os.environ.get("DATABASE_URL") or EMBEDDED)

SECRET_KEY = "not a secret"
USE_TZ = os.environ.get("USE_TZ", "1") == "1"
TIME_ZONE = "UTC" if USE_TZ else "Asia/Kolkata"
DATABASES = {"default": _DEFAULT, "other": {**_DEFAULT, "NAME": f"{_DEFAULT['NAME']}_other"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "jobstate",
    "tests.app",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
