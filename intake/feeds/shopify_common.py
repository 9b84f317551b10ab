"""Shared by Shopify's order export and its JSON: status words, costs, and the order's id."""

import re
from decimal import Decimal

from django.utils.translation import gettext_lazy

from orders.models import Order

Status = Order.Status
STATUSES = {
    "paid": Status.COMPLETED,
    "pending": Status.PENDING,
    "authorized": Status.PENDING,
    "partially-paid": Status.PENDING,
    "unpaid": Status.PENDING,
    "expired": Status.CANCELLED,
    "voided": Status.CANCELLED,
    "refunded": Status.REFUNDED,
    "partially-refunded": Status.PARTIALLY_REFUNDED,
}
COSTS = {"shipping": gettext_lazy("Shipping"), "duties": gettext_lazy("Duties")}

_ORDER_ID = re.compile(r"[0-9]{6,20}", re.ASCII)
_OPEN = (Status.COMPLETED, Status.PENDING, None)


def status_after(
    status: Order.Status | None, refunded: Decimal, total: Decimal | None, *, is_cancelled: bool
) -> Order.Status | None:
    """Return the status of an order from its financial status, its refunds and whether it was canceled."""
    if refunded > 0 and status in _OPEN:
        status = Status.REFUNDED if total is not None and refunded >= total else Status.PARTIALLY_REFUNDED
    return Status.CANCELLED if is_cancelled and status in _OPEN else status


def order_reference(order_id: object) -> str:
    """Return the reference by which a refund finds its order; empty if this isn't a Shopify id."""
    text = str(order_id).strip()
    return f"shopify-order-{text}" if _ORDER_ID.fullmatch(text) else ""
