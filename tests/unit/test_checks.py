"""Each check by its id, red and green."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobstate import conf
from jobstate.checks import check_settings
from tests.app.models import Job


def found(settings, value):
    settings.JOBSTATE = value
    return [(problem.id, problem.hint) for problem in check_settings(None)]


def test_the_defaults_are_green(settings):
    assert found(settings, {}) == []
    assert found(settings, dict(conf.DEFAULTS)) == []


def test_e001_an_unknown_setting_is_named_with_its_likely_meaning(settings):
    assert found(settings, {"lease": 1}) == [("jobstate.E001", 'Write "LEASE".')]
    ((check, hint),) = found(settings, {"COLOUR": 1})
    assert check == "jobstate.E001"
    assert "CANCEL_LEASE" in hint


@pytest.mark.parametrize(
    "wrong", [[], {"LEASE": 60}, {"LEASE": timedelta(0)}, {"CLOSED_DOORS": "ajar"}, {"CLOSED_DOORS": []}]
)
def test_e002_a_value_of_the_wrong_kind(settings, wrong):
    ((check, hint),) = found(settings, wrong)
    assert check == "jobstate.E002"
    assert "Write" in hint


def test_e003_a_runner_that_cannot_be_imported(settings):
    assert found(settings, {"RUNNER": "no.such.Runner"})[0][0] == "jobstate.E003"
    assert found(settings, {"RUNNER": "jobstate.dispatch.RunMessage"})[0][0] == "jobstate.E003"
    assert found(settings, {"RUNNER": "tests.recording.RecordingRunner"}) == []


def test_a_model_overrides_a_duration(settings, monkeypatch):
    settings.JOBSTATE = {"LEASE": timedelta(seconds=7)}
    assert conf.lease(Job) == timedelta(seconds=7)

    monkeypatch.setattr(Job, "lease", timedelta(seconds=9), raising=False)
    assert conf.lease(Job) == timedelta(seconds=9)
