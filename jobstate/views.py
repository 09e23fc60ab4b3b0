"""The status of a job as JSON, and its cancel by POST. Nobody sees or stops a job unasked."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from jobstate import display
from jobstate.context import acting_as
from jobstate.models import JobMixin

__all__ = ["JobCancelView", "JobStatusView"]


class JobView(View):
    """One job, for a user who may; an unknown job and a foreign one get the same 404."""

    def get_job(self, model: str, pk: str) -> JobMixin:
        """The job, or Http404 where there is none that the user may see."""
        job = _find(model, pk)
        if job is None or not self.may(job):
            raise Http404(_("There is no such job."))
        return job

    def may(self, job: JobMixin) -> bool:
        """Whether the user of this request may do this with the job."""
        return job.can_be_seen_by(self.request.user)


@method_decorator(never_cache, name="dispatch")
class JobStatusView(JobView):
    """GET answers with the job's status as JSON."""

    def get(self, request: HttpRequest, model: str, pk: str) -> HttpResponse:
        return JsonResponse(display.status_facts(self.get_job(model, pk)))


@method_decorator(csrf_protect, name="dispatch")
class JobCancelView(JobView):
    """POST cancels the job: a redirect to `next` for pages, JSON with the outcome for scripts."""

    def may(self, job: JobMixin) -> bool:
        return job.can_be_cancelled_by(self.request.user)

    def post(self, request: HttpRequest, model: str, pk: str) -> HttpResponse:
        job = self.get_job(model, pk)
        with acting_as(request.user, "view"):
            outcome = job.cancel()
        target = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
            return HttpResponseRedirect(target)
        with suppress(ObjectDoesNotExist):  # deleted meanwhile
            job.refresh_from_db()
        return JsonResponse({"outcome": outcome.name, **display.status_facts(job)}, status=200 if outcome else 409)


def _find(label: str, pk: str) -> JobMixin | None:
    try:
        model: Any = apps.get_model(label)
        return model._default_manager.get(pk=pk) if issubclass(model, JobMixin) else None
    except (LookupError, ValueError, ValidationError, ObjectDoesNotExist):  # no such model, key or row
        return None
