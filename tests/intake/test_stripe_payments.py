"""Stripe's payments are added to the orders of a store, and clear nothing."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from orders.models import Order, Store
from tests.factories import make_order, make_store
from tests.intake.exports import Importer, Result, shopify_row, table, the_order

pytestmark = pytest.mark.django_db

PAID_AT = datetime(2026, 11, 1, 9, tzinfo=UTC)
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount": 7995,
    "currency": "eur",
    "created": int(PAID_AT.timestamp()),
    "paid": True,
    "status": "succeeded",
    "payment_intent": "pi_1",
    "billing_details": {"email": "ann@example.com"},
    "metadata": {},
    "payment_method_details": {
        "type": "card",
        "card": {"brand": "amex", "last4": "4242", "wallet": {"type": "apple_pay", "dynamic_last4": "1881"}},
    },
}


def charge(**changes: Any) -> dict[str, Any]:
    return deepcopy(CHARGE) | changes


def event(value: dict[str, Any], kind: str = "charge.succeeded") -> dict[str, Any]:
    return {"id": "evt_1", "object": "event", "created": value["created"] + 9, "type": kind, "data": {"object": value}}


def load(importer: Importer, *values: object) -> Result:
    return importer("".join(f"{json.dumps(value, indent=1)}\n" for value in values), name="stripe.json", store="shop")


def bare_order(**fields: Any) -> Order:
    store = Store.objects.filter(slug="shop").first() or make_store(slug="shop")
    fields = {"number": "#1001", "number_key": "1001", "placed_at": PAID_AT, "store_email": "ann@example.com"} | fields
    return make_order(store=store, card_brand="", card_last4="", **fields)


@pytest.mark.parametrize("wrap", [charge, lambda **changes: event(charge(**changes))])
def test_an_order_named_in_the_metadata_is_completed(importer: Importer, wrap: Any) -> None:
    order = bare_order()
    assert load(importer, wrap(metadata={"order_id": "1001"}, billing_details={})).tally == (0, 1, 0, 0)
    order.refresh_from_db()
    assert (order.card_brand, order.card_last4, order.wallet, order.device_last4) == (
        "amex",
        "4242",
        "apple_pay",
        "1881",
    )
    assert (order.billing_name, order.payment_method, order.status) == ("Bea Buyer", "card", "completed")
    assert load(importer, wrap(metadata={"order_id": "1001"}, billing_details={})).tally == (0, 0, 1, 0)


def test_an_order_is_found_by_its_payment_reference(importer: Importer) -> None:
    importer.shopify(shopify_row(Payment_Reference="ch_1 + x"), shopify_row(Name="#2"))
    assert load(importer, charge(billing_details={})).tally == (0, 1, 0, 0)
    assert (the_order("#1001").card_last4, the_order("#2").card_last4) == ("4242", "")
    assert importer.shopify(shopify_row(Payment_Reference="ch_1 + x", Notes="new")).counts["rejected"] == 0
    assert the_order("#1001").card_last4 == "4242"  # Shopify's next export clears nothing


def test_an_order_is_found_by_payer_amount_and_day(importer: Importer) -> None:
    order = bare_order()
    assert load(importer, charge(billing_details={"email": "Ann@Example.com"})).tally == (0, 1, 0, 0)
    order.refresh_from_db()
    assert order.card_last4 == "4242"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 7996},
        {"currency": "usd"},
        {"created": CHARGE["created"] + 3 * 86400},
        {"billing_details": {"email": "bob@example.com"}},
    ],
)
def test_another_payer_amount_or_day_finds_nothing(importer: Importer, changes: dict[str, Any]) -> None:
    bare_order()
    result = load(importer, charge(**changes))
    assert result.tally == (0, 0, 0, 1)
    assert "No matching order of this store was found." in result.said


def test_a_payment_that_matches_two_orders_is_rejected(importer: Importer) -> None:
    order = bare_order()
    make_order(store=order.store, placed_at=PAID_AT, store_email="ann@example.com")
    result = load(importer, charge())
    assert result.tally == (0, 0, 0, 1)
    assert "2 orders of this store match" in result.said


@pytest.mark.parametrize(
    ("currency", "units", "total"), [("jpy", 7995, "7995"), ("kwd", 7995, "7.995"), ("eur", 7995, "79.95")]
)
def test_the_smallest_unit_is_the_currencys(importer: Importer, currency: str, units: int, total: str) -> None:
    bare_order(currency=currency.upper(), total=Decimal(total))
    assert load(importer, charge(currency=currency, amount=units)).counts["updated"] == 1


def test_a_session_links_a_later_charge_to_its_order(importer: Importer) -> None:
    order = bare_order()
    session = {
        "id": "cs_test_1",
        "object": "checkout.session",
        "mode": "payment",
        "payment_status": "paid",
        "client_reference_id": "1001",
        "payment_intent": "pi_1",
        "amount_total": 7995,
        "currency": "eur",
    }
    load(importer, session | {"created": CHARGE["created"]})
    assert load(importer, charge(billing_details={})).tally == (0, 1, 0, 0)
    order.refresh_from_db()
    assert order.card_last4 == "4242"


def test_older_shapes_of_a_charge_hold_the_card_elsewhere(importer: Importer) -> None:
    order = bare_order()
    source = {"object": "card", "brand": "American Express", "last4": "0005", "tokenization_method": "android_pay"}
    old = {key: value for key, value in charge(source=source).items() if key != "payment_method_details"}
    load(importer, old)
    order.refresh_from_db()
    assert (order.card_brand, order.card_last4) == ("amex", "0005")


@pytest.mark.parametrize(
    "value",
    [
        charge(status="failed", paid=False),
        {"id": "cus_1", "object": "customer"},
        {"id": "cs_1", "object": "checkout.session", "mode": "setup"},
        {"id": "evt_1", "object": "event", "data": None},
        {"id": "pi_1", "object": "payment_intent", "latest_charge": "ch_1"},
        charge(created="yesterday", amount="much"),
    ],
)
def test_objects_that_pay_no_order_are_rejected_with_a_reason(importer: Importer, value: dict[str, Any]) -> None:
    result = load(importer, value)
    assert result.tally == (0, 0, 0, 1)
    assert ": " in result.said


OLD_COLUMNS = {
    "id": "ch_1",
    "Description": "Payment",
    "Created (UTC)": "2026-11-01 09:00",
    "Amount": "79.95",
    "Amount Refunded": "0.00",
    "Currency": "eur",
    "Status": "Paid",
    "Customer Email": "ann@example.com",
    "Card Last4": "4242",
    "Card Brand": "MasterCard",
    "order_id (metadata)": "",
}
NEW_COLUMNS = {
    "id": "ch_1",
    "Created date (UTC)": "2026-11-01 09:00:00",
    "Amount": "79,95",
    "Currency": "eur",
    "PaymentIntent ID": "pi_1",
    "Status": "Paid",
    "Card Brand": "MasterCard",
    "Card Last4": "4242",
    "Card Tokenization Method": "google_pay",
    "Customer Email": "ann@example.com",
    "Client Reference ID": "",
}


@pytest.mark.parametrize("row", [OLD_COLUMNS, NEW_COLUMNS])
def test_both_column_sets_of_the_dashboard(importer: Importer, row: dict[str, str]) -> None:
    order = bare_order()
    failed = row | {"Status": "Failed"}
    assert importer(table(row, failed), store="shop").tally == (0, 1, 0, 1)
    order.refresh_from_db()
    assert (order.card_brand, order.card_last4) == ("mastercard", "4242")


def test_a_payment_owns_the_card_and_nothing_else(importer: Importer) -> None:
    order = bare_order()
    before = Order.objects.filter(pk=order.pk).values().get()
    load(importer, charge())
    after = Order.objects.filter(pk=order.pk).values().get()
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"card_brand", "card_last4", "wallet", "device_last4", "sources"}
