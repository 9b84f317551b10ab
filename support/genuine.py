"""Is this really from you? A mail by its short code, a call by its number.

Only what matches whole is confirmed: a number that merely ends alike may be a stranger's in another country.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from notifications import kinds
from notifications.models import CODE_LENGTH, Message
from orders import formats
from orders.models import Order
from support.models import PhoneNumber
from support.models.places import digits_of

LEFT_THE_HOUSE = [Message.Status.SENT, Message.Status.BOUNCED]
SHOWN_OF_NUMBER = 2  # last characters of an order number
LEAST_DIGITS = 5  # of a phone number


@dataclass(frozen=True)
class OurMail:
    """What may be told of a mail to whoever holds its code."""

    label: Any
    day: str
    address: str  # masked
    order_ending: str  # the order number's last characters; empty: it is about no order


def mail_with_code(typed: str) -> OurMail | None:
    """The mail of ours that carries this code and was sent; None for every other code. Two queries at most."""
    text = unicodedata.normalize("NFKC", typed).upper()
    code = "".join(character for character in text if character.isalnum())
    if len(code) != CODE_LENGTH or not code.isascii():
        return None
    message = Message.objects.filter(code=code, status__in=LEFT_THE_HOUSE).first()
    if message is None:
        return None
    order = Order.objects.select_related("store").filter(pk=message.order_id).first() if message.order_id else None
    zone = order.store.tzinfo if order else timezone.get_default_timezone()
    return OurMail(
        label=kinds.label(message.kind),
        day=formats.local_day(_sent(message), zone),
        address=message.masked_recipient,
        order_ending=order.number[-SHOWN_OF_NUMBER:] if order else "",
    )


def _sent(message: Message) -> datetime:
    return message.sent_at or message.created_at


def phone_with_number(typed: str) -> PhoneNumber | None:
    """The phone of ours with exactly these digits, after 00 or + for a call from abroad. One query."""
    digits = digits_of(unicodedata.normalize("NFKC", typed))
    candidates = {digits, digits.removeprefix("00")}
    if len(digits) < LEAST_DIGITS:
        return None
    return PhoneNumber.objects.filter(digits__overlap=sorted(candidates)).first()
