"""Stripe, Paddle Billing and Standard Webhooks: the time is signed together with the body.

- https://docs.stripe.com/webhooks#verify-manually
- https://developer.paddle.com/webhooks/signature-verification
- https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import secrets
from collections.abc import Iterable

from intake.webhooks.providers.base import (
    Delivery,
    Provider,
    ReceivedEvent,
    hmac_sha256,
    id_or_digest,
    is_fresh,
    is_same,
    kind_of_event,
    parse_json,
)
from intake.webhooks.signatures import CLOCK_TOLERANCE

TOLERANCE = int(CLOCK_TOLERANCE.total_seconds())
MAX_SIGNATURES = 10  # in one header; the sender signs with each of its secrets
STANDARD_PREFIX = "whsec_"
MIN_KEY = 24  # bytes, according to the specification of Standard Webhooks


def _pairs(header: str, separator: str) -> dict[str, list[str]]:
    """Return the values in a header such as `t=1,v1=abc,v1=def` by name."""
    values: dict[str, list[str]] = {}
    for part in header.split(separator):
        name, _sign, value = part.strip().partition("=")
        values.setdefault(name, []).append(value)
    return values


def _is_any(expected: str, given: Iterable[str]) -> bool:
    """Whether one of the signatures is the expected one. All are compared."""
    return any([is_same(expected, signature) for signature in given])  # noqa: C419 (a generator would stop early)


def _verify_pairs(delivery: Delivery, secret: str, header: str, separator: str, names: tuple[str, str]) -> bool:
    values = _pairs(delivery.header(header), separator)
    timestamps, signatures = values.get(names[0], []), values.get(names[1], [])
    if len(timestamps) != 1 or len(signatures) > MAX_SIGNATURES:
        return False
    joint = b"." if separator == "," else b":"
    expected = hmac_sha256(secret, timestamps[0].encode() + joint + delivery.body).hex()
    return _is_any(expected, signatures) and is_fresh(timestamps[0], delivery.now, TOLERANCE)


def verify_stripe(delivery: Delivery, secret: str) -> bool:
    """`Stripe-Signature: t=1700000000,v1=…`: HMAC-SHA256, in hexadecimal, of the time, a period and the body."""
    return _verify_pairs(delivery, secret, "Stripe-Signature", ",", ("t", "v1"))


def verify_paddle(delivery: Delivery, secret: str) -> bool:
    """`Paddle-Signature: ts=1700000000;h1=…`: HMAC-SHA256, in hexadecimal, of the time, a colon and the body."""
    return _verify_pairs(delivery, secret, "Paddle-Signature", ";", ("ts", "h1"))


def read_stripe_event(delivery: Delivery) -> list[ReceivedEvent]:
    value = parse_json(delivery.body)
    event = value if isinstance(value, dict) else {}
    event_id = id_or_digest(event.get("id"), delivery.body)
    return [
        ReceivedEvent(event_id, kind_of_event(event.get("type")), delivery.body, event.get("livemode") is False),
    ]


def read_paddle_event(delivery: Delivery) -> list[ReceivedEvent]:
    value = parse_json(delivery.body)
    event = value if isinstance(value, dict) else {}
    event_id = id_or_digest(event.get("event_id"), delivery.body)
    return [ReceivedEvent(event_id, kind_of_event(event.get("event_type")), delivery.body)]


# --- Standard Webhooks, for the portal's own format ------------------------------------------------------


def standard_key(secret: str) -> bytes | None:
    """Return the key in a secret `whsec_…`; None if it is invalid."""
    try:
        key = base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= MIN_KEY else None


def make_standard_secret() -> str:
    return STANDARD_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def verify_standard(delivery: Delivery, secret: str) -> bool:
    """`webhook-signature: v1,…`: HMAC-SHA256, in base64, of the id, the time and the body, joined by periods."""
    event_id, timestamp = delivery.header("webhook-id"), delivery.header("webhook-timestamp")
    given = delivery.header("webhook-signature").split()
    key = standard_key(secret)
    if not event_id or key is None or len(given) > MAX_SIGNATURES:
        return False
    message = f"{event_id}.{timestamp}.".encode() + delivery.body
    expected = f"v1,{base64.b64encode(hmac_sha256(key, message)).decode()}"
    return _is_any(expected, given) and is_fresh(timestamp, delivery.now, TOLERANCE)


def read_standard_event(delivery: Delivery) -> list[ReceivedEvent]:
    """Return one order, or one per line. A single order may be indented, because JSON strings
    contain no line breaks.
    """
    body = delivery.body
    if isinstance(parse_json(body), dict):
        body = b" ".join(body.splitlines())
    return [ReceivedEvent(id_or_digest(delivery.header("webhook-id"), delivery.body), "", body)]


STRIPE = Provider(format="stripe", verify=verify_stripe, read_events=read_stripe_event)
PADDLE = Provider(format="paddle", verify=verify_paddle, read_events=read_paddle_event)
PORTAL = Provider(
    format="portal",
    verify=verify_standard,
    read_events=read_standard_event,
    make_secret=make_standard_secret,
    is_usable_secret=lambda secret: standard_key(secret) is not None,
)
