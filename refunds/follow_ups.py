"""The follow-up email that asks, some days after a refund, whether it has arrived. Discovered by `notifications`."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.kinds import (
    PRIORITY_LATER,
    Candidates,
    EmailKind,
    FollowUpPlan,
    PlannedFollowUp,
    plan_each,
    register,
)
from notifications.models import Message
from notifications.site import site_url
from orders import formats
from orders.models import Order, Refund
from orders.money import format_money
from orders.recipients import order_recipient
from orders.schedules import stores_by_days
from orders.services.confirmations import order_language

REFUND_ARRIVED = "refund_arrived"
REFUND_ARRIVED_DAYS, REFUND_ARRIVED_WINDOW = 7, timedelta(days=14)
CHUNK_SIZE = 500  # rows
# A message key contains the transaction if there is one, because the store's row replaces a `Refund` row of the portal.
TRANSACTION_KEY, REFUND_KEY = "transaction", "refund"


# A refund without a date that was imported with its order may have been made at any time before.
_TIME_IS_KNOWN = Q(refunded_at__isnull=False) | Q(recorded_at__gt=F("order__created_at"))


def _candidates(since: datetime, until: datetime) -> Candidates:
    for days, stores in stores_by_days(REFUND_ARRIVED, REFUND_ARRIVED_DAYS, "order__store"):
        delay = timedelta(days=days)
        refunds = Refund.objects.alias(known=Coalesce("refunded_at", "recorded_at")).filter(
            stores,
            _TIME_IS_KNOWN,
            known__gt=since - delay,
            known__lte=until - delay,
            amount__gt=0,
            missing_since=None,
            order__is_test=False,
        )
        rows = refunds.select_related("order__store", "transaction").iterator(chunk_size=CHUNK_SIZE)
        yield from plan_each(rows, partial(_plan, delay))


def _plan(delay: timedelta, refund: Refund) -> PlannedFollowUp:
    due_at = refund.known_at + delay
    return PlannedFollowUp(
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
    refunds = Refund.objects.select_related("order__store").filter(_TIME_IS_KNOWN, missing_since=None)
    return refunds.filter(lookup, order=message.object_id).first()


def _is_still_refunded(message: Message) -> bool:
    """Whether the refund still exists, and the order was not charged back."""
    refund = _get_refund(message)
    return refund is not None and refund.order.status != Order.Status.CHARGED_BACK


def _context(message: Message) -> dict[str, Any]:
    refund = _get_refund(message)
    if refund is None:
        raise Refund.DoesNotExist
    order = refund.order
    facts = [
        (gettext("Order number"), order.number),
        (gettext("Amount"), format_money(refund.amount, order.currency)),
        (
            gettext("Sent on") if refund.refunded_at else gettext("Sent"),
            formats.refund_day(refund, order.locality),
        ),
    ]
    if payment := formats.payment_line(order):
        facts.append((gettext("To"), payment))
    return {
        "order": order,
        "amount": format_money(refund.amount, order.currency),
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
        recipient=order_recipient,
        priority=PRIORITY_LATER,
        label=_("Has your refund arrived?"),
        follow_up=FollowUpPlan(REFUND_ARRIVED_DAYS, _candidates, REFUND_ARRIVED_WINDOW),
    )
)
