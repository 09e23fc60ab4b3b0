"""How a job is shown: the words, icons and numbers that admin, views and pages share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobstate.states import JobState, Outcome

if TYPE_CHECKING:
    from jobstate.models import JobMixin

__all__ = ["badge", "cancel_report", "status_facts"]

_ICONS = {
    JobState.CREATED: "○",
    JobState.PENDING: "◔",
    JobState.STARTED: "▶",
    JobState.RETRY: "↻",
    JobState.CANCELING: "◌",
    JobState.SUCCESS: "✓",
    JobState.FAILURE: "✗",
    JobState.REVOKED: "⊘",
    JobState.UNKNOWN: "?",
}


def badge(job: JobMixin) -> SafeString:
    """The state as a word, an icon and a colour, so that it reads without any one of them."""
    state = job.state
    return format_html(
        '<span class="jobstate-badge jobstate-{}" title="{}"><span aria-hidden="true">{}</span> {}</span>',
        state.value.lower(),
        job.status,
        _ICONS[state],
        state.label,
    )


def status_facts(job: JobMixin) -> dict[str, Any]:
    """What the status view answers: plain values, and of errors only that there is a reason."""
    return {
        "id": str(job.pk),
        "model": job.model_label,
        "status": job.status,
        "label": str(job.state.label),
        "is_final": job.is_final,
        "reason": job.reason,
        "generation": job.generation,
        "attempt": job.attempt,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def cancel_report(outcomes: Mapping[Outcome, int] | Counter[Outcome]) -> str:
    """What became of a cancel of many, in one sentence: "12 cancelled, 3 already finished"."""
    words = {
        Outcome.APPLIED: lambda n: ngettext("%d cancelled", "%d cancelled", n),
        Outcome.ALREADY: lambda n: ngettext("%d cancelled", "%d cancelled", n),
        Outcome.NOT_IN_SOURCE: lambda n: ngettext(
            "%d was being cancelled already", "%d were being cancelled already", n
        ),
        Outcome.FINAL: lambda n: ngettext("%d already finished", "%d already finished", n),
        Outcome.SUPERSEDED: lambda n: ngettext("%d has a newer run", "%d have a newer run", n),
        Outcome.MISSING: lambda n: ngettext("%d no longer exists", "%d no longer exist", n),
        Outcome.KEY_TAKEN: lambda n: ngettext("%d has its key taken", "%d have their key taken", n),
    }
    parts = [words[outcome](outcomes[outcome]) % outcomes[outcome] for outcome in words if outcomes.get(outcome)]
    return (", ".join(parts) or _("No job was selected")) + "."
