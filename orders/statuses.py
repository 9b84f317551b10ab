"""Descriptions of the order statuses for buyers."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from orders.models import Order


@dataclass(frozen=True)
class StatusDescription:
    name: Any
    meaning: Any
    tone: str  # of its color: "good", "warn", "bad" or empty


_DESCRIPTIONS = {
    Order.Status.PENDING: StatusDescription(
        _("Payment pending"),
        _("The payment is not confirmed yet. Your serial number comes when it is; you need not do anything."),
        "warn",
    ),
    Order.Status.COMPLETED: StatusDescription(_("Completed"), _("The order is paid and complete."), "good"),
    Order.Status.CANCELLED: StatusDescription(
        _("Canceled"),
        _("The order was canceled. A charge that your bank still shows is usually only reserved, and goes away."),
        "bad",
    ),
    Order.Status.PARTIALLY_REFUNDED: StatusDescription(
        _("Partly refunded"), _("A part of the money went back to you; the rest of the order stands."), "warn"
    ),
    Order.Status.REFUNDED: StatusDescription(
        _("Refunded"),
        _("The money went back the way it came. Banks often need some days to show it."),
        "warn",
    ),
    Order.Status.CHARGED_BACK: StatusDescription(
        _("Charged back"), _("Your bank took the payment back, so the order is no longer valid."), "bad"
    ),
}


def describe_status(status: str) -> StatusDescription:
    return _DESCRIPTIONS[Order.Status(status)]
