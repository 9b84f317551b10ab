"""The follow-up email that asks some days after a refund whether it has arrived. Discovered by `notifications`."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.addresses import address_subject
from notifications.kinds import PRIORITY_LATER, EmailKind, FollowUpPlan, PlannedFollowUp, register
from notifications.models import Message
from notifications.site import site_url
from orders import formats
from orders.models import Order, Refund
from orders.money import format_money
from orders.schedules import stores_by_days
from orders.services.confirmations import order_language

REFUND_ARRIVED = "refund_arrived"
REFUND_ARRIVED_DAYS, REFUND_ARRIVED_WINDOW = 7, timedelta(days=14)
CHUNK_SIZE = 500  # rows
# A message key names the transaction if there is one: a `Refund` row of the portal is replaced by the store's row.
TRANSACTION_KEY, REFUND_KEY = "transaction", "refund"


def _candidates(since: datetime, until: datetime) -> Iterator[PlannedFollowUp]:
    for days, stores in stores_by_days(REFUND_ARRIVED, REFUND_ARRIVED_DAYS, "order__store"):
        delay = timedelta(days=days)
        refunds = Refund.objects.filter(
            stores,
            refunded_at__gt=since - delay,
            refunded_at__lte=until - delay,
            amount__gt=0,
            order__is_test=False,
        )
        for refund in refunds.select_related("order__store", "transaction").iterator(chunk_size=CHUNK_SIZE):
            due_at = refund.known_at + delay
            yield PlannedFollowUp(
                refund.order_id,
                refund.order.email,
                due_at,
                due_at + REFUND_ARRIVED_WINDOW,
                key=_message_key(refund),
                order_id=refund.order_id,
                language=order_language(refund.order),
            )


def _message_key(refund: Refund) -> str:
    transaction = getattr(refund, "transaction", None)
    return f"{TRANSACTION_KEY}-{transaction.pk}" if transaction else f"{REFUND_KEY}-{refund.pk}"


def _get_refund(message: Message) -> Refund | None:
    key_type, _dash, pk = message.key.partition("-")
    lookup = Q(transaction=pk) if key_type == TRANSACTION_KEY else Q(pk=pk)
    return Refund.objects.select_related("order__store").filter(lookup, order=message.object_id).first()


def _is_still_refunded(message: Message) -> bool:
    """Whether the refund still exists, the order has the same address, and was not charged back."""
    refund = _get_refund(message)
    return (
        refund is not None
        and refund.order.status != Order.Status.CHARGED_BACK
        and address_subject(refund.order.email) == address_subject(message.recipient)
    )


def _context(message: Message) -> dict[str, Any]:
    refund = _get_refund(message)
    if refund is None:
        raise Refund.DoesNotExist
    order = refund.order
    facts = [
        (gettext("Order number"), order.number),
        (gettext("Amount"), format_money(refund.amount, order.currency)),
        (gettext("Sent on"), formats.local_day(refund.known_at, order.store.tzinfo)),
    ]
    if payment := formats.payment_line(order):
        facts.append((gettext("To"), payment))
    return {
        "order": order,
        "facts": facts,
        "url": site_url(reverse("orders:order", args=[order.public_id])),
        "reply_to": order.store.support_email,
    }


register(
    EmailKind(
        REFUND_ARRIVED,
        f"refunds/emails/{REFUND_ARRIVED}.html",
        _context,
        _is_still_refunded,
        priority=PRIORITY_LATER,
        label=_("Has your refund arrived?"),
        follow_up=FollowUpPlan(REFUND_ARRIVED_DAYS, _candidates, REFUND_ARRIVED_WINDOW),
    )
)
