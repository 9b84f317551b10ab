"""The admin site of django-unfold, with its own Content-Security-Policy and login."""

from collections.abc import Callable
from typing import Any, cast

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from desk.admin_pages import extended
from desk.sign_in import PasswordStep
from desk.urls import admin_urls, sign_in_urls
from portal.login_limits import accept_attempt, remember_browser

admin_policy = csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY)


@method_decorator(admin_policy, name="login")
class PortalAdminSite(UnfoldAdminSite):
    index_title = _("Home")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return admin_policy(super().admin_view(extended(view), cacheable))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*sign_in_urls(admin_policy), *admin_urls(self), *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the first step of the login. Django's own method signs in without a second one."""
        home = reverse("admin:index", current_app=self.name)
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(home)
        context = self.each_context(request) | {
            "title": gettext("Sign in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
        }
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context[REDIRECT_FIELD_NAME] = home
        view = PortalLoginView.as_view(
            extra_context=context | (extra_context or {}),
            authentication_form=self.login_form,
            template_name="admin/login.html",
        )
        request.current_app = self.name
        response = cast(HttpResponse, view(request))
        remember_browser(request, response)
        return response


class PortalLoginView(PasswordStep):
    def password_accepted(self, user: User) -> None:
        accept_attempt(self.request, user)
