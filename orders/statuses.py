"""Descriptions of the order statuses for buyers."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.models import Order


@dataclass(frozen=True)
class StatusDescription:
    name: Any
    meaning: Any
    tone: str  # of its color: "good", "warn", "bad" or empty


_DESCRIPTIONS = {
    Order.Status.PENDING: StatusDescription(
        _("Payment pending"),
        _("Your payment isn’t confirmed yet. Your serial number arrives once it is. You don’t need to do anything."),
        "warn",
    ),
    Order.Status.COMPLETED: StatusDescription(_("Completed"), _("Your order is paid and complete."), "good"),
    Order.Status.CANCELLED: StatusDescription(
        pgettext_lazy("status of an order", "Canceled"),
        _("This order was canceled. If your bank still shows a charge, it’s usually pending and disappears."),
        "bad",
    ),
    Order.Status.PARTIALLY_REFUNDED: StatusDescription(
        _("Partly refunded"), _("We refunded part of this order. The rest is still valid."), "warn"
    ),
    Order.Status.REFUNDED: StatusDescription(
        pgettext_lazy("status of an order", "Refunded"),
        _("We refunded this order the way you paid. Banks can take a few days to show it."),
        "warn",
    ),
    Order.Status.CHARGED_BACK: StatusDescription(
        _("Charged back"), _("Your bank reversed the payment, so this order is no longer valid."), "bad"
    ),
}


def describe_status(status: str) -> StatusDescription:
    return _DESCRIPTIONS[Order.Status(status)]
