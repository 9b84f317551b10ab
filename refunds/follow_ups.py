"""Some days after money went back: has it arrived? `notifications` reads this at the start."""

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
ROWS_AT_ONCE = 500
# The portal's own row goes once the store tells of the same refund; the transaction knows both.
OF_TRANSACTION, OF_STORE = "transaction", "refund"


def _candidates(since: datetime, until: datetime) -> Iterator[PlannedFollowUp]:
    for days, stores in stores_by_days(REFUND_ARRIVED, REFUND_ARRIVED_DAYS, "order__store"):
        after = timedelta(days=days)
        found = Refund.objects.filter(
            stores,
            refunded_at__gt=since - after,
            refunded_at__lte=until - after,
            amount__gt=0,
            order__is_test=False,
        )
        for refund in found.select_related("order__store", "transaction").iterator(chunk_size=ROWS_AT_ONCE):
            due_at = refund.refunded_at + after
            yield PlannedFollowUp(
                refund.order_id,
                refund.order.email,
                due_at,
                due_at + REFUND_ARRIVED_WINDOW,
                key=_key_of(refund),
                order_id=refund.order_id,
                language=order_language(refund.order),
            )


def _key_of(refund: Refund) -> str:
    transaction = getattr(refund, "transaction", None)
    return f"{OF_TRANSACTION}-{transaction.pk}" if transaction else f"{OF_STORE}-{refund.pk}"


def _refund_of(message: Message) -> Refund | None:
    kind, _dash, pk = message.key.partition("-")
    which = Q(transaction=pk) if kind == OF_TRANSACTION else Q(pk=pk)
    return Refund.objects.select_related("order__store").filter(which, order=message.object_id).first()


def _is_still_refunded(message: Message) -> bool:
    """It is still noted, goes to the same address, and no bank took the payment back besides."""
    refund = _refund_of(message)
    return (
        refund is not None
        and refund.order.status != Order.Status.CHARGED_BACK
        and address_subject(refund.order.email) == address_subject(message.recipient)
    )


def _context(message: Message) -> dict[str, Any]:
    refund = _refund_of(message)
    if refund is None:
        raise Refund.DoesNotExist
    order = refund.order
    facts = [
        (gettext("Order number"), order.number),
        (gettext("Amount"), format_money(refund.amount, order.currency)),
        (gettext("Sent on"), formats.local_day(refund.refunded_at, order.store.tzinfo)),
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
