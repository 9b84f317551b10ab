"""The sidebar of the admin: every list, grouped by task, with the number of cases that wait for support."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from desk.reports import may_see_reports
from desk.work_queues import load_work_queues

# Titles with the models of their lists. Only the first group is unfolded.
GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (
        _("Work"),
        (
            "support.Thread",
            "support.ChargeClaim",
            "refunds.Return",
            "refunds.Withdrawal",
            "refunds.Swap",
            "refunds.CashbackClaim",
            "refunds.RefundTransaction",
            "licenses.LineWithoutSerial",
        ),
    ),
    (
        _("Orders and licenses"),
        ("orders.Order", "orders.AddressCorrection", "licenses.License", "licenses.DownloadWindow", "orders.Attempt"),
    ),
    (_("Emails"), ("notifications.Message", "notifications.FollowUp", "notifications.OptOut")),
    (
        _("Help and answers"),
        (
            "support.Article",
            "support.ArticleVersion",
            "support.AnswerTemplate",
            "support.FailedSearch",
            "support.SearchSynonyms",
            "support.PhoneNumber",
            "support.CardRegion",
            "support.StoreRegion",
        ),
    ),
    (_("Products"), ("licenses.Product", "licenses.Release", "licenses.InstallGuide", "licenses.Sku")),
    (
        _("Rules for refunds"),
        (
            "refunds.ReturnPolicy",
            "refunds.ReturnReason",
            "refunds.ApprovalLimit",
            "refunds.WithdrawalPeriod",
            "refunds.SwapOffer",
            "refunds.CashbackPromotion",
        ),
    ),
    (
        _("Stores and imports"),
        (
            "orders.Store",
            "refunds.StoreGateway",
            "intake.ImportUpload",
            "intake.ImportRun",
            "intake.TableMapping",
            "intake.SkuMapping",
            "intake.StatusMeaning",
            "intake.StoreEvent",
            "intake.WebhookSecret",
        ),
    ),
    (
        _("Staff and records"),
        (
            "auth.User",
            "auth.Group",
            "axes.AccessLog",
            "axes.AccessAttempt",
            "desk.PersonRequest",
            "desk.Erasure",
            "desk.LookRecord",
            "admin.LogEntry",
            "files.Upload",
            "files.DownloadRecord",
            "licenses.Download",
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the navigation for `UNFOLD["SIDEBAR"]`: the lists that the staff user may see."""
    waiting = {queue.case_type._meta.label: queue.waiting for queue in load_work_queues(request)}
    home = {"title": _("Home"), "icon": "home", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [home]}]
    if may_see_reports(request.user):
        reports = {"title": _("Reports"), "icon": "bar_chart", "link": reverse("admin:desk_reports")}
        groups[0]["items"].append(reports)
    for position, (title, labels) in enumerate(GROUPS):
        items = [_item(label, waiting.get(label, 0)) for label in labels if _is_visible(label, request)]
        if items:
            groups.append({"title": title, "items": items, "collapsible": position > 0, "separator": True})
    return groups


def _is_visible(label: str, request: HttpRequest) -> bool:
    return admin.site.get_model_admin(apps.get_model(label)).has_view_or_change_permission(request)


def _item(label: str, waiting: int) -> dict[str, Any]:
    opts = apps.get_model(label)._meta
    item: dict[str, Any] = {
        "title": capfirst(opts.verbose_name_plural),
        "link": reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"),
    }
    if waiting:
        item |= {"badge": waiting, "badge_variant": "primary"}
    return item
