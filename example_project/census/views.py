"""The page: start a census, watch it, cancel it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from example_project.census.models import Census
from example_project.census.packages import known_packages, title_of
from example_project.census.tasks import take_census
from example_project.census.timeline import timeline
from jobstate import Outcome
from jobstate.display import badge

_SHOWN = 50
_TOLD = {
    Outcome.APPLIED: "The {} is cancelled.",
    Outcome.NOT_IN_SOURCE: "The {} was being cancelled already.",
    Outcome.FINAL: "The {} had already ended, so there was nothing to cancel.",
    Outcome.SUPERSEDED: "The {} has been started anew; the new run goes on.",
    Outcome.MISSING: "The {} no longer exists.",
}


@never_cache
def index(request: HttpRequest) -> HttpResponse:
    """The user's censuses, the newest first."""
    censuses = list(Census.objects.filter(owner=request.user.pk).order_by("-pk")[:_SHOWN])
    context = {
        "packages": [(name, title_of(name)) for name in known_packages()],
        "rows": [(census, badge(census)) for census in censuses],
        "unfinished": not all(census.is_final for census in censuses),
    }
    return render(request, "census/index.html", context)


@never_cache
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One census, and what happened to it."""
    census = get_object_or_404(Census, pk=pk)
    if not census.can_be_seen_by(request.user):
        raise Http404
    context = {"census": census, "badge": badge(census), "lines": timeline(census), "unfinished": not census.is_final}
    return render(request, "census/detail.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Enqueue a census of one of the known packages, and of nothing else."""
    census = Census(owner_id=request.user.pk, package=request.POST.get("package", ""))
    try:
        census.full_clean()
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("census:index")
    census.save()
    census.enqueue(take_census)
    return redirect("census:index")


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a census of the user's own, and say what became of it."""
    census = get_object_or_404(Census, pk=pk)
    if not census.can_be_cancelled_by(request.user):
        raise Http404
    outcome = census.cancel()
    level = messages.SUCCESS if outcome else messages.WARNING
    messages.add_message(request, level, _TOLD[outcome].format(census))
    return redirect("census:index")
