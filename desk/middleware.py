"""Middleware of the staff login."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from desk.staff_sessions import is_verified


class SecondFactorMiddleware:
    """Treats a session without the second factor as signed out, on all pages. Only staff sign in.

    The login creates no such session. This covers sessions from before the second factor, and any other way to sign in
    that may be added. Must come after Django's AuthenticationMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user

        def load() -> Any:
            return AnonymousUser() if user.is_authenticated and not is_verified(request) else user

        request.user = SimpleLazyObject(load)  # type: ignore[assignment]
        return self.get_response(request)
