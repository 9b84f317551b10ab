"""The home page of the admin: what waits for support, and whether the portal works."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from desk import account_log
from desk.home import home as desk_home
from portal.data_checks import (
    Check,
    CheckFailed,
    CheckWarning,
    check_approvals,
    check_beat,
    check_gateways,
    check_hold,
    check_keys,
    check_outbox,
    check_roles,
    check_stores,
)
from portal.translation.languages import unsigned_languages


@dataclass(frozen=True)
class HomeCheck:
    """A check of `manage.py doctor` that is quick enough for a page, and the permission to see what it says."""

    title: str | Promise
    check: Check
    permission: str = ""


HOME_CHECKS = (
    HomeCheck(_("Background tasks"), Check("beat", check_beat)),
    HomeCheck(_("Restore from a backup"), Check("hold", check_hold)),
    HomeCheck(_("Email delivery"), Check("outbox", check_outbox), "notifications.view_message"),
    HomeCheck(_("Refund gateways"), Check("gateways", check_gateways), "refunds.view_storegateway"),
    HomeCheck(_("Approval limits"), Check("approvals", check_approvals), "refunds.change_approvallimit"),
    HomeCheck(_("Store settings"), Check("stores", check_stores), "orders.view_store"),
    HomeCheck(_("Encryption keys"), Check("keys", check_keys), "auth.view_group"),
    HomeCheck(_("Staff roles"), Check("roles", check_roles), "auth.view_group"),
)


@dataclass(frozen=True)
class Problem:
    """What a failed check says: what is wrong, and what to do. A warning needs attention, but everything works."""

    title: str | Promise
    problem: str
    remedy: str
    is_warning: bool


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the desk's home page, and the problems that the user may see. For `UNFOLD["DASHBOARD_CALLBACK"]`."""
    tell_about_unsigned_languages(request)
    return desk_home(request, context) | {"system_problems": find_problems(request.user)}


def tell_about_unsigned_languages(request: HttpRequest) -> None:
    """Tell each supervisor once which translations no native reader has signed. Again if there are more."""
    user: Any = request.user
    if not user.has_perm("refunds.change_approvallimit"):
        return
    unsigned = [code for code in unsigned_languages(settings.LOCALE_PATHS[-1]) if code in dict(settings.LANGUAGES)]
    record = f"Told about translations without a signature: {', '.join(unsigned)}."
    if unsigned and not LogEntry.objects.filter(user=user, change_message=record).exists():
        names = [str(get_language_info(code)["name_translated"]) for code in unsigned]
        messages.warning(
            request,
            _("No native reader has signed these translations yet: %(languages)s. See locale/README.md.")
            % {"languages": ", ".join(names)},
        )
        account_log.record(user, user, record)


def find_problems(user: Any) -> list[Problem]:
    """Return the problems that the user may see. Makes at most 12 queries, and none beyond the database."""
    found = []
    for each in HOME_CHECKS:
        if each.permission and not user.has_perm(each.permission):
            continue
        try:
            each.check.run()
        except CheckFailed as failure:
            found.append(Problem(each.title, failure.problem, failure.remedy, isinstance(failure, CheckWarning)))
    return found
