"""WooCommerce's orders: REST JSON in its variants, separate refunds, and tables of export plugins."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from licenses.models import License
from orders.models import Order
from tests.factories import make_store
from tests.intake.exports import Importer, Result, run_import, table, the_order

pytestmark = pytest.mark.django_db

ORDER: dict[str, Any] = {
    "id": 812,
    "number": "812",
    "order_key": "wc_order_x",
    "status": "processing",
    "currency": "EUR",
    "date_created": "2026-11-01T10:00:00",
    "date_created_gmt": "2026-11-01T09:00:00",
    "date_modified": "2026-11-01T10:05:00",
    "date_modified_gmt": "2026-11-01T09:05:00",
    "discount_total": "5.00",
    "total": "101.15",
    "total_tax": "16.15",
    "billing": {
        "first_name": "Ann",
        "last_name": "Beispiel",
        "company": "",
        "address_1": "Beispielweg 1",
        "address_2": "",
        "city": "Köln",
        "state": "",
        "postcode": "50667",
        "country": "DE",
        "email": "ann@example.com",
        "phone": "0221 1",
    },
    "payment_method": "stripe",
    "payment_method_title": "Credit card",
    "transaction_id": "ch_1",
    "meta_data": [{"id": 1, "key": "_stripe_intent_id", "value": "pi_1"}],
    "line_items": [
        {
            "id": 31,
            "name": "Maximum Security &ndash; 3 devices",
            "quantity": 2,
            "subtotal": "80.00",
            "total": "75.00",
            "total_tax": "14.25",
            "sku": "MAX-3D-1Y",
            "price": 37.5,
            "meta_data": [{"id": 7, "key": "License Key", "value": "XAAB-1"}],
        }
    ],
    "shipping_lines": [{"id": 32, "method_title": "Disc by mail", "total": "10.00", "total_tax": "1.90"}],
    "fee_lines": [{"id": 33, "name": "Free", "total": "0.00", "total_tax": "0.00"}],
    "refunds": [],
}
REFUND: dict[str, Any] = {
    "id": 900,
    "date_created_gmt": "2026-11-07T09:00:00",
    "amount": "44.63",
    "refunded_by": 1,
    "line_items": [{"id": 5, "quantity": -1, "meta_data": [{"key": "_refunded_item_id", "value": "31"}]}],
    "_links": {"up": [{"href": "https://shop.example/wp-json/wc/v3/orders/812"}]},
}


def woo_order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def load(importer: Importer, value: object, indent: int | None = 1) -> Result:
    return importer(json.dumps(value, indent=indent), name="orders.json", store="shop")


def test_one_order(importer: Importer) -> None:
    assert load(importer, woo_order()).tally == (1, 0, 0, 0)
    order = the_order("812")
    assert (order.status, order.store_email, order.billing_name) == ("completed", "ann@example.com", "Ann Beispiel")
    assert order.placed_at == datetime(2026, 11, 1, 9, tzinfo=UTC)
    line, shipping = order.lines.order_by("position")
    assert (line.name, line.quantity, line.unit_price) == ("Maximum Security – 3 devices", 2, Decimal(40))
    assert (line.discount, line.tax, line.total) == (Decimal(5), Decimal("14.25"), Decimal("89.25"))
    assert (shipping.name, shipping.total) == ("Disc by mail", Decimal("11.90"))
    assert order.total == line.total + shipping.total
    assert order.subtotal - order.discount + order.tax == order.total
    assert License.objects.get().serial == "XAAB-1"


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_lists_and_batches(importer: Importer, indent: int | None) -> None:
    orders = [woo_order(id=number, number=str(number)) for number in range(5)]
    assert load(importer, orders, indent).tally == (5, 0, 0, 0)
    assert load(importer, {"create": orders, "update": []}, indent).tally == (0, 0, 5, 0)
    lines = "".join(f"{json.dumps(order)}\n" for order in orders)
    assert importer(lines, store="shop").tally == (0, 0, 5, 0)


def test_only_the_malformed_order_of_a_list_is_rejected(importer: Importer) -> None:
    orders = [woo_order(id=number, number=str(number)) for number in range(5)]
    text = json.dumps(orders, indent=1).replace('"number": "2"', '"number": 2"')
    rejects = importer.folder / "rejects.jsonl"
    assert importer(text, name="orders.json", store="shop", rejects=rejects).tally == (4, 0, 0, 1)
    rejects.write_text(rejects.read_text().replace('"number": 2"', '"number": "2"'))
    assert run_import(rejects, store="shop").tally == (1, 0, 0, 0)


def test_a_truncated_list_is_read_up_to_its_end(importer: Importer) -> None:
    text = json.dumps([woo_order(id=number, number=str(number)) for number in range(300)])
    created, _updated, _unchanged, rejected = importer(text[: len(text) // 2], store="shop").tally
    assert created in (149, 150)
    assert rejected == 1


def test_the_newer_change_wins(importer: Importer) -> None:
    load(importer, woo_order(date_modified_gmt="2026-11-09T00:00:00", status="cancelled"))
    assert load(importer, woo_order()).tally == (0, 0, 1, 0)
    assert the_order("812").status == "cancelled"


def test_a_time_without_offset_is_the_stores(importer: Importer) -> None:
    make_store(slug="shop", time_zone="Europe/Berlin")
    load(importer, {key: value for key, value in woo_order().items() if not key.endswith("_gmt")})
    assert the_order("812").placed_at == datetime(2026, 11, 1, 9, tzinfo=UTC)


def test_a_refund_in_its_order_and_on_its_own_is_the_same(importer: Importer) -> None:
    load(importer, woo_order(refunds=[{"id": 900, "reason": "", "total": "-44.63"}]))
    order = the_order("812")
    assert (order.status, order.refunds.get().amount) == ("partially_refunded", Decimal("44.63"))
    assert load(importer, [REFUND]).tally == (0, 1, 0, 0)
    assert order.refunds.get().refunded_at == datetime(2026, 11, 7, 9, tzinfo=UTC)
    assert order.lines.get(store_line_id="31").quantity_returned == 1
    changed = woo_order(refunds=[{"id": 900, "total": "-44.63"}], date_modified_gmt="2026-11-20T00:00:00")
    load(importer, changed)
    assert order.refunds.get().refunded_at == datetime(2026, 11, 7, 9, tzinfo=UTC)
    assert order.lines.get(store_line_id="31").quantity_returned == 1


def test_a_refund_finds_its_order_by_id_where_numbers_are_others(importer: Importer) -> None:
    load(importer, [woo_order(number="WEB-77"), woo_order(id=5, number="812")])
    load(importer, REFUND)
    assert the_order("WEB-77").refunds.count() == 1
    assert the_order("812").refunds.count() == 0


def test_a_refund_of_an_unknown_order_is_rejected(importer: Importer) -> None:
    result = load(importer, REFUND)
    assert result.tally == (0, 0, 0, 1)
    assert "Import the store’s orders first." in result.said


@pytest.mark.parametrize("broken", [{"line_items": None}, {"billing": []}, {"total": "much"}, {"line_items": [{}]}])
def test_objects_of_another_structure_are_rejected_with_a_reason(importer: Importer, broken: dict[str, Any]) -> None:
    result = load(importer, [woo_order(**broken), woo_order(id=2, number="2")])
    assert result.tally == (1, 0, 0, 1)


def test_a_plugin_that_packs_items_into_columns(importer: Importer) -> None:
    text = table(
        {
            "order_id": "1",
            "order_number": "1001",
            "order_date": "16-05-2026 07:32:06",
            "status": "completed",
            "shipping_total": "10",
            "tax_total": "1.44",
            "discount_total": "0",
            "order_total": "19.44",
            "order_currency": "USD",
            "payment_method": "cod",
            "billing_first_name": "Lil",
            "billing_last_name": "Gordon",
            "billing_email": "lil@example.com",
            "refund_items": "amount:5.00|reason:x|date:2026-06-19 12:13:48",
            "line_item_1": "name:Formal shoe|product_id:13|sku:A12|quantity:1|total:8.00|tax:1.44",
            "line_item_2": "",
        }
    )
    assert importer(text, store="shop").tally == (1, 0, 0, 0)
    order = the_order("1001")
    assert (order.status, order.currency, order.total) == ("partially_refunded", "USD", Decimal("19.44"))
    assert order.placed_at == datetime(2026, 5, 16, 7, 32, 6, tzinfo=UTC)
    assert [line.name for line in order.lines.order_by("position")] == ["Formal shoe", "Shipping"]
    assert order.refunds.get().amount == Decimal(5)


def test_a_plugin_that_writes_a_row_for_each_item(importer: Importer) -> None:
    row = {
        "Order Number": "1001",
        "Order Status": "Processing",
        "Order Date": "2026-11-01 10:00",
        "Email (Billing)": "ann@example.com",
        "Country Code (Billing)": "DE",
        "Payment Method Title": "Credit card",
        "Order Currency": "EUR",
        "Order Total Amount": "1.059,50",
        "SKU": "MAX",
        "Item Name": "Maximum Security",
        "Quantity (- Refund)": "1",
        "Item Cost": "1.000,00",
    }
    second = row | {"SKU": "EDS", "Item Name": "Extended Download", "Quantity (- Refund)": "2", "Item Cost": "29,75"}
    third = row | {"Order Number": "1002"}
    assert importer(table(row, second, third, delimiter=";"), store="shop").tally == (2, 0, 0, 0)
    order = the_order("1001")
    assert order.total == Decimal("1059.50")
    assert [(line.sku, line.total) for line in order.lines.order_by("position")] == [
        ("MAX", Decimal(1000)),
        ("EDS", Decimal("59.50")),
    ]
    assert Order.objects.count() == 2
