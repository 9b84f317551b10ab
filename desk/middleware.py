"""Middleware of the admin: the second factor, the language and the time zone."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation.trans_real import parse_accept_lang_header

from desk.staff_sessions import is_verified
from orders.models import Store


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


class StaffLanguageMiddleware:
    """Shows the admin in a language that it is translated into. Buyers have more languages than staff.

    Must come after Django's LocaleMiddleware, whose choice is kept if possible.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_for_staff(request):
            return self.get_response(request)
        language = staff_language(request)
        with translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def staff_language(request: HttpRequest) -> str:
    """Return the language of the page, else the first of the browser's languages that the admin speaks."""
    accepted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    for wish in (translation.get_language() or "", *(code for code, _priority in accepted)):
        base = wish.partition("-")[0]
        if base in settings.STAFF_LANGUAGES:
            return base
    return str(settings.STAFF_LANGUAGES[0])


def _is_for_staff(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))


class StaffTimeZoneMiddleware:
    """Shows times in the admin in the time zone of the stores, not in UTC. Pages about one order use its store's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_for_staff(request):
            return self.get_response(request)
        with timezone.override(staff_time_zone()):
            return self.get_response(request)


def staff_time_zone() -> tzinfo:
    """Return `STAFF_TIME_ZONE`, else the time zone that all stores share, else UTC."""
    if settings.STAFF_TIME_ZONE:
        return ZoneInfo(settings.STAFF_TIME_ZONE)
    zones = set(Store.objects.order_by().values_list("time_zone", flat=True).distinct()[:2])
    return ZoneInfo(zones.pop()) if len(zones) == 1 else UTC
