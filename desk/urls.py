"""The desk's pages. The admin site includes them, below its own URL and under its own policy."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from desk import account, password_reset, sign_in, views, writing
from desk.privacy.staff_pages import person_data
from desk.search.views import search_page


def admin_urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("desk/search/", wrap(search_page), name="desk_search"),
        path("desk/person/<str:key>/", wrap(views.person_page), name="desk_person"),
        path("desk/person/<str:key>/write/", wrap(writing.write_page), name="desk_person_write"),
        path("desk/person/<str:key>/data/", wrap(person_data), name="desk_person_data"),
        path("desk/person/<str:key>/<slug:tab>/", wrap(views.person_list), name="desk_person_list"),
        path("desk/email/<int:pk>/", wrap(views.email_page), name="desk_email"),
        path("desk/reports/", wrap(views.reports_page), name="desk_reports"),
        path("desk/export/<slug:app_label>/<slug:model_name>/", wrap(views.export_list), name="desk_export"),
        path("desk/account/", wrap(account.account), name="desk_account"),
        path("desk/account/sessions/", wrap(account.end_own_sessions), name="desk_account_end_sessions"),
        path("desk/account/authenticators/", wrap(account.add_authenticator), name="desk_account_add_authenticator"),
        path(
            "desk/account/authenticators/<int:pk>/remove/",
            wrap(account.remove_authenticator),
            name="desk_account_remove_authenticator",
        ),
        path("desk/account/recovery-codes/", wrap(account.new_recovery_codes), name="desk_account_recovery_codes"),
        path("desk/staff/<int:pk>/login/", wrap(account.staff_login), name="desk_staff_login"),
    ]


def sign_in_urls(policy: Callable[[Any], Any]) -> list[URLPattern]:
    """Pages of the admin for people who aren't signed in yet. `policy` sets the Content-Security-Policy."""

    def wrap(view: Any) -> Any:
        return policy(never_cache(csrf_protect(sensitive_post_parameters()(view))))

    return [
        path("login/code/", wrap(sign_in.enter_code), name="desk_sign_in_code"),
        path("login/set-up/", wrap(sign_in.set_up), name="desk_sign_in_set_up"),
        # unfold's login page links to a URL of this name.
        path("password-reset/", wrap(password_reset.ask_for_reset), name="admin_password_reset"),
        path(
            "password-reset/<slug:uidb64>/<token:token>/",
            wrap(password_reset.ResetPassword.as_view()),
            name="desk_password_reset",
        ),
    ]
