"""Shopify, WooCommerce, FastSpring and Lemon Squeezy: HMAC-SHA256 over the body, in a header.

- https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
- https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks
- https://developer.fastspring.com/docs/message-security
- https://docs.lemonsqueezy.com/help/webhooks/signing-requests
"""

import json
import re

from intake.webhooks.providers.base import (
    Delivery,
    Provider,
    ReceivedEvent,
    digest_id,
    hmac_sha256,
    id_or_digest,
    is_same,
    kind_of_event,
    parse_json,
    random_secret,
    read_one_event,
    signed_in_base64,
    topic_in_header,
)

MAX_FASTSPRING_EVENTS = 500  # of one delivery

# WooCommerce sends this unsigned form when a webhook is saved, and refuses to save it without a 200.
_WOOCOMMERCE_PING = re.compile(rb"webhook_id=[0-9]{1,20}")


def is_woocommerce_ping(delivery: Delivery) -> bool:
    return len(delivery.body) < 50 and _WOOCOMMERCE_PING.fullmatch(delivery.body) is not None


def read_fastspring_events(delivery: Delivery) -> list[ReceivedEvent]:
    """Return the events of a body `{"events": […]}`. FastSpring repeats an event with its id, possibly among other
    events.
    """
    value = parse_json(delivery.body)
    events = value.get("events") if isinstance(value, dict) else None
    if not isinstance(events, list) or not events or len(events) > MAX_FASTSPRING_EVENTS:
        return read_one_event(delivery)
    received = {}
    for event in events:
        body = json.dumps({"events": [event]}, ensure_ascii=False).encode(errors="surrogatepass")
        names = event if isinstance(event, dict) else {}
        event_id = id_or_digest(names.get("id"), body)
        received[event_id] = ReceivedEvent(event_id, kind_of_event(names.get("type")), body)
    return list(received.values())


def verify_lemonsqueezy(delivery: Delivery, secret: str) -> bool:
    return is_same(hmac_sha256(secret, delivery.body).hex(), delivery.header("X-Signature").lower())


def read_lemonsqueezy_event(delivery: Delivery) -> list[ReceivedEvent]:
    value = parse_json(delivery.body)
    meta = value.get("meta") if isinstance(value, dict) else None
    kind = kind_of_event(meta.get("event_name") if isinstance(meta, dict) else None)
    return [ReceivedEvent(digest_id(delivery.body), kind, delivery.body)]


SHOPIFY = Provider(
    format="shopify",
    verify=signed_in_base64("X-Shopify-Hmac-SHA256"),
    read_events=topic_in_header("X-Shopify-Topic"),
)
WOOCOMMERCE = Provider(
    format="woocommerce",
    verify=signed_in_base64("X-WC-Webhook-Signature"),
    read_events=topic_in_header("X-WC-Webhook-Topic"),
    make_secret=random_secret,
    is_ping=is_woocommerce_ping,
)
FASTSPRING = Provider(
    format="fastspring",
    verify=signed_in_base64("X-FS-Signature"),
    read_events=read_fastspring_events,
    make_secret=random_secret,
)
LEMONSQUEEZY = Provider(
    format="lemonsqueezy",
    verify=verify_lemonsqueezy,
    read_events=read_lemonsqueezy_event,
    make_secret=random_secret,
)
