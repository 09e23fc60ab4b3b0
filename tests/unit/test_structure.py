"""What the design promises of the code itself."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import jobstate

ROOT = Path(jobstate.__file__).parent
MODULES = sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)


def test_the_public_names_are_listed_sorted_and_there():
    assert jobstate.__all__ == sorted(jobstate.__all__)
    assert all(hasattr(jobstate, name) for name in jobstate.__all__)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small_and_say_what_they_are(path):
    text = path.read_text()

    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text))


def test_every_folder_of_code_is_a_package_that_the_layers_see():
    assert [p for p in MODULES if not (p.parent / "__init__.py").exists()] == []


def test_the_package_itself_imports_only_what_is_free_of_models():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert imported <= {"jobstate.context", "jobstate.exceptions", "jobstate.signals", "jobstate.states"}


def _update_calls(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            yield path.relative_to(ROOT).as_posix(), node


def test_only_transitions_writes_a_status():
    """A queryset's update() stands in transitions, and in querysets.py behind the closed door."""
    updates = {where for path in MODULES for where, node in _update_calls(path)}
    raw_sql = [p.name for p in MODULES if ".execute(f" in p.read_text() or '.execute("UPDATE' in p.read_text()]

    assert updates == {"querysets.py", "transitions/write.py"}
    assert raw_sql == []


def _outside(code, **env):
    """Run code in a fresh interpreter with settings of its own."""
    setup = "from django.conf import settings; import django\n"
    return subprocess.run(
        [sys.executable, "-c", setup + code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **env},
        check=False,
    )


def test_a_job_without_the_app_is_told_at_once_what_is_missing():
    code = """
settings.configure(INSTALLED_APPS=["django.contrib.contenttypes"])
django.setup()
from jobstate.models import JobMixin
class Orphan(JobMixin):
    class Meta(JobMixin.Meta):
        app_label = "contenttypes"
"""
    done = _outside(code)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "jobstate.exceptions.NotInstalled: Job models need the tables of jobstate, "
        'but "jobstate" is not in INSTALLED_APPS: add it there.'
    )


def test_a_misspelt_setting_stops_the_project_with_its_name():
    code = """
settings.configure(INSTALLED_APPS=["jobstate"], JOBSTATE={"LAESE": 3})
django.setup()
from django.core.management import call_command
call_command("check")
"""
    done = _outside(code)

    assert done.returncode == 1
    assert '(jobstate.E001) JOBSTATE has a setting "LAESE" that does not exist.' in done.stderr
    assert 'HINT: Write "LEASE".' in done.stderr


def test_a_runner_that_cannot_be_imported_is_told_by_the_check():
    code = """
settings.configure(INSTALLED_APPS=["jobstate"], JOBSTATE={"RUNNER": "no.such.Runner"})
django.setup()
from django.core.management import call_command
call_command("check")
"""
    done = _outside(code)

    assert done.returncode == 1
    assert '(jobstate.E003) JOBSTATE["RUNNER"] cannot be imported and made' in done.stderr


def test_the_names_of_jobstate_do_not_import_celery():
    code = """
import sys
settings.configure(INSTALLED_APPS=[])
django.setup()
import jobstate, jobstate.states, jobstate.dispatch
sys.exit(any(name.split(".")[0] in ("celery", "kombu") for name in sys.modules))
"""
    done = _outside(code)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_wheel_has_templates_static_files_and_migrations_and_no_tests(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT.parent, check=True, capture_output=True, timeout=60)

    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for path in ("py.typed", "static/jobstate/jobstate.css", "migrations/__init__.py"):
        assert f"jobstate/{path}" in names
    assert any(name.startswith("jobstate/templates/") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"jobstate", "django_jobstate"}
