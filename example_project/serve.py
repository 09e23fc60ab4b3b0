"""`python -m example_project.serve`: the page, the admin and a worker on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import django
from django.core.management import call_command

from example_project.processes import exit_on_sigterm, running, worker

USER = "admin"


def main() -> int:
    """Set everything up, run it, and clean up behind it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "example_project.settings"  # whatever the shell says
    exit_on_sigterm()
    try:
        django.setup()
        return _serve(os.environ.get("PORT") or "8000")
    except KeyboardInterrupt:
        print("\nStopped. What was counted is kept for the next time.")
        return 0


def _serve(port: str) -> int:
    from django.conf import settings

    folder: Path = settings.VAR
    call_command("migrate", verbosity=0)
    password = _admin_password(folder / "admin-password")
    site = ("-m", "example_project.manage", "runserver", "--noreload", f"127.0.0.1:{port}")
    with worker(folder / "worker.log"), running(*site, DJANGO_RUNSERVER_HIDE_WARNING="true") as server:
        print(_where_to_look(f"http://127.0.0.1:{port}/", password, folder), flush=True)
        return server.wait()


def _admin_password(kept: Path) -> str:
    """The password of the admin user: from EXAMPLE_PASSWORD, else the one of last time, else a new one."""
    from django.contrib.auth import get_user_model

    password = os.environ.get("EXAMPLE_PASSWORD") or (kept.read_text() if kept.exists() else secrets.token_urlsafe(9))
    kept.touch(mode=0o600)
    kept.write_text(password)
    user, _ = get_user_model().objects.get_or_create(username=USER, defaults={"is_staff": True, "is_superuser": True})
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    return password


def _where_to_look(url: str, password: str, folder: Path) -> str:
    return f"""
  page      {url}
  admin     {url}admin/
  user      {USER}
  password  {password}
  worker    {folder / "worker.log"}

  Ctrl-C stops it all.
"""


if __name__ == "__main__":
    sys.exit(main())
