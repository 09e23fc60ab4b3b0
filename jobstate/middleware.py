"""Names the user of a request as the actor of what the request writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from jobstate.context import acting_as

__all__ = ["acting_user_middleware"]

GetResponse = Callable[[HttpRequest], Any]


@sync_and_async_middleware
def acting_user_middleware(get_response: GetResponse) -> Callable[[HttpRequest], Any]:
    """Put `"jobstate.middleware.acting_user_middleware"` after Django's AuthenticationMiddleware.

    The user is looked up only if something is written.
    """
    if iscoroutinefunction(get_response):

        async def acting_async(request: HttpRequest) -> HttpResponseBase:
            with acting_as(getattr(request, "user", ""), "view"):
                answer: Awaitable[HttpResponseBase] = get_response(request)
                return await answer

        return acting_async

    def acting(request: HttpRequest) -> HttpResponseBase:
        with acting_as(getattr(request, "user", ""), "view"):
            response: HttpResponseBase = get_response(request)
            return response

    return acting
