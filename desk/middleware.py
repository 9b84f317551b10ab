"""Middleware of the admin: the second factor, and the time zone."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

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


class StaffTimeZoneMiddleware:
    """Shows times in the admin in the time zone of the stores, not in UTC. Pages about one order use its store's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(reverse("admin:index")):
            return self.get_response(request)
        with timezone.override(staff_time_zone()):
            return self.get_response(request)


def staff_time_zone() -> tzinfo:
    """Return `STAFF_TIME_ZONE`, else the time zone that all stores share, else UTC."""
    if settings.STAFF_TIME_ZONE:
        return ZoneInfo(settings.STAFF_TIME_ZONE)
    zones = set(Store.objects.order_by().values_list("time_zone", flat=True).distinct()[:2])
    return ZoneInfo(zones.pop()) if len(zones) == 1 else UTC
