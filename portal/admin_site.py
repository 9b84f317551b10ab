"""The admin site of django-unfold, with its own Content-Security-Policy and login."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from desk.admin_pages import extended
from desk.urls import admin_urls
from portal.login_limits import remember_browser

admin_policy = csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY)


@method_decorator(admin_policy, name="login")
class PortalAdminSite(UnfoldAdminSite):
    index_title = _("Home")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return admin_policy(super().admin_view(extended(view), cacheable))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*admin_urls(self), *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().login(request, extra_context)
        remember_browser(request, response)
        return response
