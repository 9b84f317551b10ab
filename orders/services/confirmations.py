"""The order confirmation: sent automatically once, and again on request, always to the order's address."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

from django.conf import settings
from django.utils import timezone

from notifications.models import Message
from notifications.services import OutgoingEmail, send_again, send_many
from orders.localities import visitor_language
from orders.models import Order, OrderQuerySet

CONFIRMATION = "order_confirmation"
MAX_RESENDS_PER_HOUR = 3
# Orders in these states are not confirmed.
UNCONFIRMED_STATUSES = [Order.Status.CANCELLED, Order.Status.REFUNDED, Order.Status.CHARGED_BACK]


def queue_confirmations(order_ids: Sequence[int]) -> int:
    """Queue the confirmations of new orders, in the transaction of the import. Returns the number of emails queued.

    Orders that are older than CONFIRMATION_WINDOW_HOURS, without an address, or in UNCONFIRMED_STATUSES are skipped.
    Calling this again for the same orders changes nothing.
    """
    return send_many(
        OutgoingEmail(CONFIRMATION, order, order.email, "first", order_id=order.pk, language=order_language(order))
        for order in recent_orders(order_ids)
    )


def recent_orders(order_ids: Any) -> OrderQuerySet:
    """Return those of the orders that are confirmed automatically, with the columns needed to queue an email.

    `order_ids` are ids, or a queryset of them.
    """
    since = timezone.now() - timedelta(hours=settings.CONFIRMATION_WINDOW_HOURS)
    return (
        Order.objects.filter(pk__in=order_ids, placed_at__gte=since)
        .exclude(status__in=UNCONFIRMED_STATUSES)
        .select_related("store")
        .only("store_email", "contact_email", "chosen_language", "language", "store__language")
    )


def order_language(order: Order) -> str:
    """Return the language of emails about an order that its buyer did not trigger."""
    return order.chosen_language or order.language or order.store.language


def buyer_language(order: Order) -> str:
    """Return the language of emails that the buyer triggers: that of the current page, otherwise the order's.

    Only for actions of buyers. On staff pages, this would be the language of the staff.
    """
    return visitor_language.get() or order_language(order)


class ResendResult(Enum):
    """The result of a request to send the confirmation again."""

    QUEUED = "queued"
    NO_ADDRESS = "no_address"
    TOO_MANY = "too_many"


def resend_confirmation(order: Order, language: str = "") -> ResendResult:
    """Queue the confirmation again, to the order's address at the time of sending.

    In the language of the order, or in the given one.
    """
    if not order.email:
        return ResendResult.NO_ADDRESS
    recent = Message.objects.filter(
        kind=CONFIRMATION, object_id=order.pk, created_at__gt=timezone.now() - timedelta(hours=1)
    ).exclude(key="first")
    if recent.count() >= MAX_RESENDS_PER_HOUR:
        return ResendResult.TOO_MANY
    send_again(CONFIRMATION, order, order.email, order_id=order.pk, language=language or order_language(order))
    return ResendResult.QUEUED
