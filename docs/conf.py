"""Sphinx builds these pages from here: `make docs`. It needs no network and no database."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()  # autodoc imports models

project = "jobstate"
project_copyright = "the jobstate developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "tables_from_code"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
default_role = "code"  # docstrings write `code` with single backticks
nitpicky = False  # Django's and Celery's names have no pages here

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature shows them as they are written
autodoc_preserve_defaults = True
add_module_names = False

html_theme = "furo"
html_title = "jobstate"
html_show_sphinx = False
html_copy_source = False
