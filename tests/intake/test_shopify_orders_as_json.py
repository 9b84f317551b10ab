"""Shopify's orders and refunds as JSON from its webhooks, alone and together with its export."""

import json
from collections.abc import Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from orders.models import Order, PaymentReference
from tests.intake.exports import Importer, Result, shopify_more, shopify_row, the_order
from tests.intake.import_runs import content

pytestmark = pytest.mark.django_db

ITEM: dict[str, Any] = {
    "id": 14000000000001,
    "name": "Maximum Security",
    "title": "Maximum",
    "sku": "MAX-3D-1Y",
    "quantity": 1,
    "price": "79.95",
    "taxable": True,
    "tax_lines": [{"price": "12.76", "rate": 0.19}],
    "discount_allocations": [],
}
ORDER: dict[str, Any] = {
    "id": 5123456789012,
    "admin_graphql_api_id": "gid://shopify/Order/5123456789012",
    "name": "#1001",
    "order_number": 1001,
    "email": "ann@example.com",
    "created_at": "2026-11-01T10:00:00+01:00",
    "processed_at": "2026-11-01T10:00:00+01:00",
    "updated_at": "2026-11-01T10:00:09+01:00",
    "cancelled_at": None,
    "currency": "EUR",
    "presentment_currency": "EUR",
    "customer_locale": "de-DE",
    "financial_status": "paid",
    "test": False,
    "taxes_included": True,
    "total_price": "79.95",
    "total_tax": "12.76",
    "total_discounts": "0.00",
    "line_items": [ITEM],
    "shipping_lines": [],
    "payment_gateway_names": ["shopify_payments"],
    "billing_address": {
        "name": "Ann Beispiel",
        "company": None,
        "address1": "Beispielweg 1",
        "address2": "",
        "city": "Köln",
        "province_code": None,
        "zip": "50667",
        "country_code": "DE",
    },
    "refunds": [],
}
EDS_NAME = "Extended Download Service"
EDS = ITEM | {"id": 14000000000002, "name": EDS_NAME, "sku": "EDS-2Y", "price": "9.99", "tax_lines": []}
IN_DOLLARS = [{"kind": "refund", "status": "success", "amount": "9.99", "currency": "USD"}]


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def refund(amount: str = "9.99", lines: Sequence[tuple[int, int]] = (), **changes: Any) -> dict[str, Any]:
    return {
        "id": 900000000001,
        "order_id": ORDER["id"],
        "created_at": "2026-11-05T09:00:00+01:00",
        "processed_at": "2026-11-05T09:00:00+01:00",
        "refund_line_items": [{"line_item_id": line, "quantity": quantity} for line, quantity in lines],
        "transactions": [{"kind": "refund", "status": "success", "amount": amount, "currency": "EUR"}],
    } | changes


def load(importer: Importer, *values: Any, **options: Any) -> Result:
    text = "".join(f"{json.dumps(value)}\n" for value in values)
    return importer(text, name="shopify.json", **{"store": "shop"} | options)


def lines_of(order: Order) -> list[tuple[str, str, int, Decimal]]:
    return list(order.lines.order_by("position").values_list("store_line_id", "name", "quantity", "total"))


def test_an_order_as_json_equals_its_export(importer: Importer) -> None:
    assert load(importer, ORDER).tally == (1, 0, 0, 0)
    found = the_order("#1001")
    assert (found.status, found.currency, found.total, found.tax) == (
        "completed",
        "EUR",
        Decimal("79.95"),
        Decimal("12.76"),
    )
    assert (found.store_email, found.language, found.is_test) == ("ann@example.com", "de", False)
    assert (found.billing_name, found.billing_city, found.billing_country) == ("Ann Beispiel", "Köln", "DE")
    assert found.payment_method == "shopify payments"
    line = found.lines.get()
    assert (line.store_line_id, line.sku, line.tax, line.total) == (
        "14000000000001",
        "MAX-3D-1Y",
        Decimal("12.76"),
        Decimal("79.95"),
    )
    assert PaymentReference.objects.get().reference == "shopify-order-5123456789012"
    assert load(importer, ORDER).tally == (0, 0, 1, 0)


@pytest.mark.parametrize("wrapped", [{"order": ORDER}, {"orders": [ORDER]}, [ORDER]])
def test_answers_of_the_api_are_unwrapped(importer: Importer, wrapped: Any) -> None:
    assert load(importer, wrapped).tally == (1, 0, 0, 0)


def test_discounts_taxes_and_shipping_add_up(importer: Importer) -> None:
    item = ITEM | {
        "quantity": 2,
        "price": "50.00",
        "tax_lines": [{"price": "17.10"}],
        "discount_allocations": [{"amount": "10.00"}],
    }
    shipping = {"title": "Express", "price": "5.00", "tax_lines": [{"price": "0.95"}], "discount_allocations": []}
    value = order(
        line_items=[item],
        shipping_lines=[shipping],
        taxes_included=False,
        total_tax="18.05",
        total_discounts="10.00",
        total_price="113.05",
    )
    assert load(importer, value).tally == (1, 0, 0, 0)
    found = the_order("#1001")
    assert lines_of(found) == [
        ("14000000000001", "Maximum Security", 2, Decimal("107.10")),
        ("shipping", "Express", 1, Decimal("5.95")),
    ]
    assert (found.subtotal, found.discount) == (Decimal("105.00"), Decimal("10.00"))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"financial_status": "pending"}, "pending"),
        ({"financial_status": "authorized"}, "pending"),
        ({"financial_status": "voided"}, "cancelled"),
        ({"cancelled_at": "2026-11-02T10:00:00+01:00"}, "cancelled"),
        ({"financial_status": "refunded"}, "refunded"),
        ({"financial_status": "partially_refunded", "refunds": [refund()]}, "partially_refunded"),
        ({"refunds": [refund("79.95")]}, "refunded"),
    ],
)
def test_the_status_is_that_of_the_payment(importer: Importer, changes: dict[str, Any], status: str) -> None:
    load(importer, order(**changes))
    assert the_order("#1001").status == status


def test_an_unknown_status_is_asked(importer: Importer) -> None:
    result = load(importer, order(financial_status="half-paid"))
    assert result.counts["rejects"][0]["code"] == "unknown_status"


def test_refunds_have_their_amount_time_and_units(importer: Importer) -> None:
    value = order(
        line_items=[ITEM, EDS],
        total_price="89.94",
        financial_status="partially_refunded",
        refunds=[
            refund(lines=[(14000000000002, 1)]),
            refund(id=2, transactions=[{"kind": "refund", "status": "pending", "amount": "1.00"}]),
            refund(id=3, transactions=[{"kind": "refund", "status": "failure", "amount": "1.00"}]),
            refund(id=4, transactions=[{"kind": "void", "status": "success", "amount": "1.00"}]),
            refund(id=5, transactions=[]),
        ],
    )
    assert load(importer, value).tally == (1, 0, 0, 0)
    found = the_order("#1001").refunds.get()
    assert (found.store_refund_id, found.amount) == ("900000000001", Decimal("9.99"))
    assert found.refunded_at is not None
    assert found.refunded_at.isoformat() == "2026-11-05T08:00:00+00:00"
    assert the_order("#1001").lines.get(sku="EDS-2Y").quantity_returned == 1


def test_a_refund_without_its_order_finds_it_by_its_id(importer: Importer) -> None:
    load(importer, order(line_items=[ITEM, EDS], total_price="89.94"))
    assert load(importer, refund(lines=[(14000000000002, 1)])).tally == (0, 1, 0, 0)
    found = the_order("#1001")
    assert (found.status, found.refunds.get().amount) == ("partially_refunded", Decimal("9.99"))
    assert found.lines.get(sku="EDS-2Y").quantity_returned == 1
    later = order(
        line_items=[ITEM, EDS],
        total_price="89.94",
        financial_status="partially_refunded",
        refunds=[refund(lines=[(14000000000002, 1)])],
        updated_at="2026-11-05T09:00:01+01:00",
    )
    load(importer, later)
    assert the_order("#1001").refunds.get().amount == Decimal("9.99")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (refund(order_id=None), "invalid"),
        (refund(order_id=5123456789013), "order_not_found"),
        (
            refund(transactions=IN_DOLLARS),
            "payment_differs",
        ),
        (refund(transactions=[]), "not_an_order"),
        ({"id": 5123456789012}, "not_an_order"),
        ({"id": 1, "first_name": "Ann", "email": "ann@example.com"}, "not_an_order"),
        (order(name=""), "invalid"),
        (order(total_price="79,95 $"), "invalid"),
        (order(currency="euro"), "unknown_currency"),
        (order(created_at="2026-11-01 10:00"), "invalid"),
        (order(line_items=[ITEM | {"quantity": 1.5}]), "invalid"),
        (order(line_items=[ITEM | {"id": None}]), "invalid"),
        (
            order(
                refunds=[
                    refund(transactions=[{"kind": "refund", "status": "success", "amount": "9", "currency": "USD"}])
                ]
            ),
            "unclear_amount",
        ),
    ],
)
def test_unknown_values_are_refused(importer: Importer, value: Any, code: str) -> None:
    load(importer, ORDER | {"name": "#1002", "id": ORDER["id"]})
    before = content()
    result = load(importer, value, format="shopify")
    assert (result.counts["rejected"], result.counts["rejects"][0]["code"]) == (1, code)
    assert content() == before


def test_the_card_is_stored_if_shopify_includes_it(importer: Importer) -> None:
    details = {"credit_card_number": "•••• •••• •••• 4242", "credit_card_company": "Visa"}
    load(importer, order(payment_details=details))
    assert (the_order("#1001").card_brand, the_order("#1001").card_last4) == ("visa", "4242")


def test_a_test_order_is_one(importer: Importer) -> None:
    load(importer, order(test=True))
    assert the_order("#1001").is_test


def test_an_event_with_some_fields_keeps_the_others(importer: Importer) -> None:
    load(importer, ORDER)
    before = lines_of(the_order("#1001"))
    part = {name: ORDER[name] for name in ("id", "name")} | {
        "financial_status": "refunded",
        "updated_at": "2026-11-09T10:00:00+01:00",
    }
    assert load(importer, part).tally == (0, 1, 0, 0)
    found = the_order("#1001")
    assert (found.status, found.total, found.store_email) == ("refunded", Decimal("79.95"), "ann@example.com")
    assert (lines_of(found), found.billing_name) == (before, "Ann Beispiel")


def test_versions_end_in_the_same_state_in_any_order(importer: Importer) -> None:
    newer = order(financial_status="voided", updated_at="2026-11-02T10:00:00+01:00")
    load(importer, newer)
    load(importer, ORDER)
    assert the_order("#1001").status == "cancelled"


# --- Together with the export ----------------------------------------------------------------------------


def more_row(name: str, price: str, sku: str) -> dict[str, Any]:
    cells = {"Lineitem_quantity": "1", "Lineitem_name": name, "Lineitem_price": price, "Lineitem_sku": sku}
    return shopify_more("#1001", **cells)


def csv_rows(**changes: Any) -> list[dict[str, Any]]:
    first = shopify_row(Subtotal="89.94", Total="89.94", **changes)
    return [
        first,
        more_row(EDS_NAME, "9.99", "EDS-2Y"),
    ]


def both(**changes: Any) -> dict[str, Any]:
    return order(**{"line_items": [EDS, ITEM], "total_price": "89.94"} | changes)


def test_an_event_after_the_export_finds_the_same_lines(importer: Importer) -> None:
    importer.shopify(*csv_rows())
    ids = {line.sku: line.pk for line in the_order("#1001").lines.all()}
    load(importer, both())
    found = the_order("#1001")
    assert {line.sku: line.pk for line in found.lines.all()} == ids
    assert found.payment_method == "Stripe"
    later = both(
        financial_status="partially_refunded",
        refunds=[refund(lines=[(14000000000002, 1)])],
        updated_at="2026-11-05T09:00:01+01:00",
    )
    load(importer, later)
    assert {line.sku: line.quantity_returned for line in the_order("#1001").lines.all()} == {
        "MAX-3D-1Y": 0,
        "EDS-2Y": 1,
    }


def test_an_exported_line_stays_the_same_when_its_price_and_name_change(importer: Importer) -> None:
    importer.shopify(*csv_rows())
    load(importer, both())
    renamed = both(
        line_items=[EDS | {"name": "EDS", "sku": "EDS"}, ITEM | {"name": "MAX", "sku": "MAX"}],
        updated_at="2026-11-02T10:00:00+01:00",
    )
    ids = {line.store_line_id: line.pk for line in the_order("#1001").lines.all()}
    load(importer, renamed)
    assert {line.store_line_id: line.pk for line in the_order("#1001").lines.all()} == ids
    assert {line.name for line in the_order("#1001").lines.all()} == {"EDS", "MAX"}


def test_the_export_after_an_event_finds_the_same_lines(importer: Importer) -> None:
    load(importer, both())
    ids = {line.sku: line.pk for line in the_order("#1001").lines.all()}
    importer.shopify(*csv_rows(Fulfilled_at="2026-11-03 10:00:00 +0100"))
    found = the_order("#1001")
    assert {line.sku: line.pk for line in found.lines.all()} == ids
    assert found.lines.count() == 2


def test_two_equal_items_stay_two_in_both_orders(importer: Importer) -> None:
    twice = order(line_items=[ITEM, ITEM | {"id": 14000000000003}], total_price="159.90", total_tax="25.52")
    row = shopify_row(Subtotal="159.90", Total="159.90", Taxes="25.52")
    more = more_row("Maximum Security", "79.95", "MAX-3D-1Y")
    importer.shopify(row, more)
    for value in (twice, twice | {"updated_at": "2026-11-04T10:00:00+01:00"}):
        load(importer, value)
        assert the_order("#1001").lines.count() == 2
    importer.shopify(row | {"Cancelled at": "2026-11-06 10:00:00 +0100"}, more)
    assert the_order("#1001").lines.count() == 2


def test_an_older_export_after_an_event_moves_nothing_backwards(importer: Importer) -> None:
    refunded = both(
        financial_status="partially_refunded",
        refunds=[refund()],
        updated_at="2026-11-05T09:00:01+01:00",
        email="new@example.com",
    )
    load(importer, refunded)
    before = content()["orders_refund"]
    importer.shopify(*csv_rows())
    found = the_order("#1001")
    assert (found.status, found.store_email) == ("partially_refunded", "new@example.com")
    assert content()["orders_refund"] == before


@pytest.mark.parametrize("csv_first", [True, False])
def test_a_refund_exported_as_a_sum_is_one_refund(importer: Importer, csv_first: bool) -> None:
    rows = csv_rows(Financial_Status="partially_refunded", Refunded_Amount="9.99")
    event = both(financial_status="partially_refunded", refunds=[refund()], updated_at="2026-11-05T09:00:01+01:00")
    for step in [lambda: importer.shopify(*rows), lambda: load(importer, event)][:: 1 if csv_first else -1]:
        step()
    found = the_order("#1001").refunds.get()
    assert (found.store_refund_id, found.amount, found.missing_since) == ("900000000001", Decimal("9.99"), None)


def test_a_refund_finds_an_order_known_only_from_the_export(importer: Importer) -> None:
    importer.shopify(*csv_rows())
    assert load(importer, refund()).tally == (0, 1, 0, 0)
    assert the_order("#1001").refunds.get().amount == Decimal("9.99")
