"""Each format recognizes only its own files."""

import json
from typing import Any

import pytest

from intake.feeds import FEEDS
from intake.source_file import Head
from tests.intake import (
    test_digitalriver_orders,
    test_lemonsqueezy_orders,
    test_paddle_orders,
    test_stripe_payments,
)
from tests.intake.exports import ORDER, SHOPIFY

WOOCOMMERCE = {"id": 7, "order_key": "k", "billing": {"email": "a@example.com"}, "line_items": [], "refunds": []}
PADDLE, LEMON, RIVER = test_paddle_orders, test_lemonsqueezy_orders, test_digitalriver_orders
SAMPLES: list[tuple[str, Any]] = [
    ("portal", ORDER),
    ("stripe", test_stripe_payments.CHARGE),
    ("stripe", test_stripe_payments.event(test_stripe_payments.CHARGE)),
    ("woocommerce", WOOCOMMERCE),
    ("paddle", PADDLE.TRANSACTION),
    ("paddle", PADDLE.event(PADDLE.TRANSACTION)),
    ("paddle", PADDLE.page(PADDLE.ADJUSTMENT)),
    ("paddle", PADDLE.CUSTOMER),
    ("paddle", PADDLE.event({"id": "sub_1", "updated_at": ""}, "subscription.created")),
    ("paddle", PADDLE.event({"id": "inv_1", "updated_at": "", "line_items": [], "type": "billing"}, "invoice.paid")),
    ("lemonsqueezy", LEMON.ORDER),
    ("lemonsqueezy", LEMON.event(LEMON.ORDER)),
    ("lemonsqueezy", {"data": [LEMON.LICENSE_KEY]}),
    ("digitalriver", RIVER.ORDER),
    ("digitalriver", RIVER.event(RIVER.REFUND)),
    ("digitalriver", [RIVER.REFUND]),
]
STRANGE: list[Any] = [
    {"id": "txn_1", "object": "balance_transaction", "currency": "eur"},
    {"type": "orders", "id": 1, "attributes": {"total": 5}},
    {"event_type": "transaction.completed", "data": {}},
    {"liveMode": True, "total": 5},
    {"license_key": {"key": "K"}},
    {"orders": [{"id": 1}]},
]


def head(value: Any) -> Head:
    return Head(json.dumps(value), ",", ())


@pytest.mark.parametrize(("name", "value"), SAMPLES)
def test_a_file_is_recognized_by_its_own_format_only(name: str, value: Any) -> None:
    assert [feed.name for feed in FEEDS if feed.matches(head(value))] == [name]


@pytest.mark.parametrize("value", STRANGE)
def test_an_unknown_file_is_not_recognized_as_a_resellers(value: Any) -> None:
    resellers = {"paddle", "lemonsqueezy", "digitalriver"}
    assert not [feed.name for feed in FEEDS if feed.name in resellers and feed.matches(head(value))]


def test_a_table_is_not_recognized_as_a_resellers() -> None:
    columns = Head("Name,Email\n1,2\n", ",", tuple(SHOPIFY))
    assert [feed.name for feed in FEEDS if feed.matches(columns)] == ["shopify"]
