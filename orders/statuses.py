"""What an order's status means, as a buyer wants to know it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from orders.models import Order


@dataclass(frozen=True)
class StatusWords:
    name: Any
    meaning: Any
    tone: str  # "good", "warn", "bad" or empty: the color it is shown in


_WORDS = {
    Order.Status.PENDING: StatusWords(
        _("Payment pending"),
        _("The payment is not confirmed yet. Your serial number comes when it is; you need not do anything."),
        "warn",
    ),
    Order.Status.COMPLETED: StatusWords(_("Completed"), _("The order is paid and complete."), "good"),
    Order.Status.CANCELLED: StatusWords(
        _("Canceled"),
        _("The order was canceled. A charge that your bank still shows is usually only reserved, and goes away."),
        "bad",
    ),
    Order.Status.PARTIALLY_REFUNDED: StatusWords(
        _("Partly refunded"), _("A part of the money went back to you; the rest of the order stands."), "warn"
    ),
    Order.Status.REFUNDED: StatusWords(
        _("Refunded"),
        _("The money went back the way it came. Banks often need some days to show it."),
        "warn",
    ),
    Order.Status.CHARGED_BACK: StatusWords(
        _("Charged back"), _("Your bank took the payment back, so the order is no longer valid."), "bad"
    ),
}


def words(status: str) -> StatusWords:
    return _WORDS[Order.Status(status)]
