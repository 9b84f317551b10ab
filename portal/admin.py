"""The admin site of django-unfold, with its own Content-Security-Policy."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite

admin_policy = csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY)


@method_decorator(admin_policy, name="login")
class PortalAdminSite(UnfoldAdminSite):
    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return admin_policy(super().admin_view(view, cacheable))
