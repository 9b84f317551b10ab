"""Stores that send events, signed like those of their provider, with independent code."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from intake.models import StoreEvent
from intake.services.event_processing import process_due
from intake.services.store_events import add_secret
from intake.webhooks.providers import PROVIDERS
from orders.models import Store
from tests.factories import make_store

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
SECRET = "a-secret-of-a-provider-4711"  # of providers that generate the secret
STANDARD_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def _sha256(secret: str | bytes, message: bytes) -> "hmac.HMAC":
    return hmac.new(secret if isinstance(secret, bytes) else secret.encode(), message, hashlib.sha256)


def signed_headers(
    format_name: str, secret: str, body: bytes, *, now: int | None = None, event_id: str = "msg_1"
) -> dict[str, str]:
    """Return the headers that a provider sends with this body."""
    at = str(int(time.time()) if now is None else now)
    in_base64 = base64.b64encode(_sha256(secret, body).digest()).decode()
    if format_name == "portal":
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signature = base64.b64encode(_sha256(key, f"{event_id}.{at}.".encode() + body).digest()).decode()
        return {"webhook-id": event_id, "webhook-timestamp": at, "webhook-signature": f"v1,{signature}"}
    if format_name == "stripe":
        return {"Stripe-Signature": f"t={at},v1={_sha256(secret, at.encode() + b'.' + body).hexdigest()},v0=ab"}
    if format_name == "paddle":
        return {"Paddle-Signature": f"ts={at};h1={_sha256(secret, at.encode() + b':' + body).hexdigest()}"}
    if format_name == "lemonsqueezy":
        return {"X-Signature": _sha256(secret, body).hexdigest(), "X-Event-Name": "order_created"}
    if format_name == "shopify":
        return {"X-Shopify-Hmac-SHA256": in_base64, "X-Shopify-Topic": "orders/create"}
    if format_name == "woocommerce":
        return {"X-WC-Webhook-Signature": in_base64, "X-WC-Webhook-Topic": "order.updated"}
    if format_name == "fastspring":
        return {"X-FS-Signature": in_base64}
    assert format_name == "2checkout"
    return {}


def signed_form(body: str, secret: str, field_name: str = "SIGNATURE_SHA2_256") -> bytes:
    """Return a signed notification of 2Checkout."""
    algorithm = {"SIGNATURE_SHA2_256": "sha256", "SIGNATURE_SHA3_256": "sha3_256", "HASH": "md5"}[field_name]
    values = [value.encode() for _name, value in parse_qsl(body, keep_blank_values=True)]
    message = b"".join(str(len(value)).encode() + value for value in values)
    return f"{body}&{field_name}={hmac.new(secret.encode(), message, algorithm).hexdigest()}".encode()


@dataclass
class PushingStore:
    """A store with a secret for one format."""

    format: str
    slug: str = "shop"
    secret: str = ""
    client: Client = field(default_factory=Client)
    count: int = 0

    def __post_init__(self) -> None:
        self.store = Store.objects.filter(slug=self.slug).first() or make_store(slug=self.slug)
        given = self.secret or (STANDARD_SECRET if self.format == "portal" else SECRET)
        _row, self.secret = add_secret(self.store, PROVIDERS[self.format], given)

    @property
    def path(self) -> str:
        return f"/api/stores/{self.slug}/{self.format}/"

    def push(self, content: Any, *, headers: dict[str, str] | None = None, **changes: Any) -> HttpResponse:
        """Post a body (bytes, or data for JSON), signed unless other headers are given."""
        self.count += 1
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        if headers is None:
            headers = signed_headers(self.format, self.secret, body, event_id=f"msg_{self.count}")
        options = {"path": self.path, "content_type": FORM if self.format == "2checkout" else JSON} | changes
        return self.client.post(data=body, headers=headers, **options)


def process() -> dict[str, int]:
    """Import due events, like a worker."""
    return dict(process_due(timezone.now() + timedelta(seconds=60)))


def only_event() -> StoreEvent:
    return StoreEvent.objects.get()
