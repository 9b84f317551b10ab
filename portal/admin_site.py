"""The admin site of django-unfold, with its own Content-Security-Policy and login."""

import time
from collections.abc import Callable
from typing import Any, cast

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

from desk.admin_pages import extended
from desk.lists import make_bounded
from desk.sign_in import PasswordStep
from desk.urls import admin_urls, sign_in_urls
from portal.login_limits import accept_attempt, remember_browser

admin_policy = csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY)


@method_decorator(admin_policy, name="login")
class PortalAdminSite(UnfoldAdminSite):
    index_title = _("Home")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return admin_policy(super().admin_view(extended(view), cacheable))

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        super().register(model_or_iterable, admin_class, **options)
        for model in [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else model_or_iterable:
            if self.is_registered(model):
                make_bounded(self.get_model_admin(model))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*sign_in_urls(admin_policy), *admin_urls(self), *super().get_urls()]

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the search field of the sidebar, and with `extended` the command palette.

        Unlike unfold's own, this caches nothing, because results are personal data and depend on permissions.
        """
        typed = request.GET.get("s", "")
        if not typed.strip():
            return HttpResponse()
        started, is_palette = time.monotonic(), "extended" in request.GET
        found = self._find_lists(request, typed)
        if is_palette:
            found += import_string(settings.UNFOLD["COMMAND"]["search_callback"])(request, typed)
        paginator = Paginator(found, max(len(found), 1))
        context = {
            "page_obj": paginator,
            "results": paginator.page(1),
            "page_counter": 0,
            "execution_time": time.monotonic() - started,
            "command_show_history": False,
        }
        name = "command_results" if is_palette else "search_results"
        return TemplateResponse(request, f"unfold/helpers/{name}.html", context, headers={"HX-Trigger": "search"})

    def _find_lists(self, request: HttpRequest, typed: str) -> list[SearchResult]:
        """Return the pages of the sidebar whose title contains the text."""
        wanted = typed.strip().casefold()
        return [
            SearchResult(str(item["title"]), str(group.get("title", "")), item["link"], item.get("icon", "list"))
            for group in self.get_sidebar_list(request)
            for item in group["items"]
            if wanted in str(item["title"]).casefold()
        ]

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
