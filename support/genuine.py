"""Confirms that an email is genuine by its code, or a phone call by its number.

Only complete matches are confirmed: a number with the same ending may belong to someone in another country.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from notifications import kinds
from notifications.codes import CODE_LENGTH, read_code
from notifications.models import Message
from orders import formats
from orders.models import Order
from support.models import PhoneNumber
from support.models.regions import digits_only

SENT_STATUSES = [Message.Status.SENT, Message.Status.BOUNCED]
ORDER_NUMBER_ENDING_LENGTH = 2  # characters shown of an order number
MIN_DIGITS = 5  # of a phone number


@dataclass(frozen=True)
class ConfirmedEmail:
    """What anyone who enters the code of an email may learn about it."""

    label: Any
    day: str
    address: str  # masked
    order_ending: str  # last characters of the order number; empty if the email is not about an order


def find_email_by_code(typed: str) -> ConfirmedEmail | None:
    """Return the sent email with this code, or None. Makes at most two queries."""
    code = read_code(typed)
    if len(code) != CODE_LENGTH or not code.isascii():
        return None
    message = Message.objects.filter(code=code, status__in=SENT_STATUSES).first()
    if message is None:
        return None
    order = Order.objects.select_related("store").filter(pk=message.order_id).first() if message.order_id else None
    zone = order.locality if order else timezone.get_default_timezone()
    return ConfirmedEmail(
        label=kinds.label(message.kind),
        day=formats.local_day(message.sent_at or message.created_at, zone),
        address=message.masked_recipient,
        order_ending=order.number[-ORDER_NUMBER_ENDING_LENGTH:] if order else "",
    )


def find_phone_by_number(typed: str) -> PhoneNumber | None:
    """Return the vendor's phone number with exactly these digits, or with 00 or + before them.
    Makes at most one query.
    """
    digits = digits_only(unicodedata.normalize("NFKC", typed))
    candidates = {digits, digits.removeprefix("00")}
    if len(digits) < MIN_DIGITS:
        return None
    return PhoneNumber.objects.filter(digits__overlap=sorted(candidates)).first()
