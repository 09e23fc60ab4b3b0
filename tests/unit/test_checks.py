"""Each check by its id, red and green."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobstate import conf
from jobstate.checks import check_renewal, check_settings
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


def test_e004_leases_that_would_run_out_between_two_renewals(settings, monkeypatch):
    settings.JOBSTATE = {"RENEW_EVERY": timedelta(minutes=5)}
    problems = check_renewal(None)
    assert {problem.id for problem in problems} == {"jobstate.E004"}
    assert "more than half of LEASE" in problems[0].msg

    settings.JOBSTATE = {"RENEW_EVERY": timedelta(seconds=20)}
    assert check_renewal(None) == []

    monkeypatch.setattr(Job, "lease", timedelta(seconds=30), raising=False)
    assert [problem.obj for problem in check_renewal(None)][:1] == [Job]


def test_a_duration_of_the_wrong_kind_is_refused_where_no_check_ran(settings):
    settings.JOBSTATE = {"LEASE": 5}

    with pytest.raises(ImproperlyConfigured, match='JOBSTATE\\["LEASE"\\] is 5'):
        conf.lease(Job)


def test_a_model_overrides_a_duration(settings, monkeypatch):
    settings.JOBSTATE = {"LEASE": timedelta(seconds=7)}
    assert conf.lease(Job) == timedelta(seconds=7)

    monkeypatch.setattr(Job, "lease", timedelta(seconds=9), raising=False)
    assert conf.lease(Job) == timedelta(seconds=9)
