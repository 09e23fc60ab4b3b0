"""Django's command line for the example: `python example_project/manage.py migrate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # run by its path, this folder would stand first, and its celery.py would hide Celery
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
