"""Stores send events over HTTP to a real web server, and a real worker imports them within seconds."""

import json
import time
from typing import Any

import pytest

from intake.models import StoreEvent
from orders.models import Order
from tests.intake.pushing_stores import PushingStore, signed_headers
from tests.intake.test_shopify_orders_as_json import ORDER as SHOPIFY_ORDER
from tests.intake.test_stripe_payments import CHARGE
from tests.production.stack import Stack
from tests.production.visitors import Page, Visitor
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("production")

SECONDS = 20.0  # generous: the machine is shared, and the task runs every 2 seconds
STRIPE_EVENT: dict[str, Any] = {
    "id": "evt_pushed",
    "object": "event",
    "type": "charge.succeeded",
    "created": CHARGE["created"] + 9,
    "livemode": True,
    "data": {"object": CHARGE | {"metadata": {"order_id": "#1001"}}},
}


def push(stack: Stack, store: PushingStore, body: bytes, **headers: str) -> Page:
    signed = signed_headers(store.format, store.secret, body) | {"Content-Type": "application/json"} | headers
    return Visitor(stack).request("POST", store.path, body=body, headers=list(signed.items()))


def test_a_stripe_webhook_completes_a_shopify_order_within_seconds(stack: Stack) -> None:
    with stack.orm():
        shopify, stripe = PushingStore("shopify", "pushing"), PushingStore("stripe", "pushing")
    started = time.monotonic()
    assert push(stack, stripe, json.dumps(STRIPE_EVENT).encode()).status == 200
    assert push(stack, shopify, json.dumps(SHOPIFY_ORDER).encode()).status == 200
    with stack.orm():
        wait_until(
            lambda: Order.objects.filter(number="#1001", card_last4="4242").exists(), "the completed order", SECONDS
        )
        assert time.monotonic() - started < SECONDS
        wait_until(
            lambda: set(StoreEvent.objects.values_list("verdict", flat=True)) == {"taken"}, "both verdicts", SECONDS
        )


def test_a_large_body_is_refused_with_a_sentence_before_it_is_read(stack: Stack) -> None:
    with stack.orm():
        store = PushingStore("woocommerce", "large")
    page = push(stack, store, b"x" * (3 * 1024 * 1024))
    assert (page.status, json.loads(page.text)["error"]) == (413, "too_large")


def test_a_large_form_is_refused_with_a_sentence_too(stack: Stack) -> None:
    with stack.orm():
        store = PushingStore("2checkout", "large-form")
    page = push(stack, store, b"x" * (3 * 1024 * 1024), **{"Content-Type": "application/x-www-form-urlencoded"})
    assert page.status == 413


def test_strangers_learn_nothing_about_stores(stack: Stack) -> None:
    with stack.orm():
        PushingStore("stripe", "unsigned")
    headers = [("Content-Type", "application/json"), ("Stripe-Signature", "t=1,v1=0")]
    paths = ["/api/stores/nobody/stripe/", "/api/stores/unsigned/stripe/", "/api/stores/unsigned/x/"]
    pages = [Visitor(stack).request("POST", path, body=b"{}", headers=headers) for path in paths]
    assert {(page.status, page.content) for page in pages} == {(404, pages[0].content)}
    assert json.loads(pages[0].text)["error"] == "unknown"
