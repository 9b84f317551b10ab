"""The order confirmation: once by itself, again when asked, to the order's own address only."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum

from django.conf import settings
from django.utils import timezone

from notifications.models import Message
from notifications.services import Mail, send_again, send_many
from orders.models import Order

CONFIRMATION = "order_confirmation"
CONFIRMATIONS_AGAIN_PER_HOUR = 3
# Nobody is told that such an order is theirs now.
NOT_CONFIRMED = [Order.Status.CANCELLED, Order.Status.REFUNDED, Order.Status.CHARGED_BACK]


def announce_new_orders(order_ids: Sequence[int]) -> int:
    """Queue the confirmation of those of these orders that are recent; in the import's own transaction.

    Orders placed before CONFIRMATION_WINDOW_HOURS, without an address, or already undone write to
    nobody. Called again for the same orders it changes nothing. Returns how many mails were queued.
    """
    since = timezone.now() - timedelta(hours=settings.CONFIRMATION_WINDOW_HOURS)
    recent = (
        Order.objects.filter(pk__in=order_ids, placed_at__gte=since)
        .exclude(status__in=NOT_CONFIRMED)
        .select_related("store")
        .only("store_email", "contact_email", "language", "store__language")
    )
    return send_many(
        Mail(CONFIRMATION, order, order.email, "first", order_id=order.pk, language=language_of(order))
        for order in recent
    )


def language_of(order: Order) -> str:
    return order.language or order.store.language


class Again(Enum):
    """How asking for the confirmation once more ended."""

    QUEUED = "queued"
    NO_ADDRESS = "no_address"
    TOO_MANY = "too_many"


def send_confirmation_again(order: Order) -> Again:
    """Queue the confirmation once more, to the order's own address only."""
    if not order.email:
        return Again.NO_ADDRESS
    lately = Message.objects.filter(
        kind=CONFIRMATION, object_id=order.pk, created_at__gt=timezone.now() - timedelta(hours=1)
    ).exclude(key="first")
    if lately.count() >= CONFIRMATIONS_AGAIN_PER_HOUR:
        return Again.TOO_MANY
    send_again(CONFIRMATION, order, order.email, order_id=order.pk, language=language_of(order))
    return Again.QUEUED
