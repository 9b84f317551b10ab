"""If a file has fewer columns than the one before, the stored values are kept. New orders get no made-up values."""

import json
from decimal import Decimal
from typing import Any

import pytest

from orders.models import Order
from tests.factories import make_store
from tests.intake.exports import Importer, Result, shopify_row, table, the_order
from tests.intake.test_woocommerce_orders import woo_order

pytestmark = pytest.mark.django_db

WOO_ROW: dict[str, Any] = {
    "order_id": "1001",
    "order_number": "1001",
    "order_date": "2026-11-01 10:00:00",
    "status": "completed",
    "order_currency": "EUR",
    "order_total": "119.00",
    "tax_total": "19.00",
    "discount_total": "0.00",
    "shipping_total": "0.00",
    "refunded_total": "0.00",
    "payment_method_title": "Credit card",
    "billing_email": "ann@example.com",
    "billing_first_name": "Ann",
    "billing_last_name": "Beispiel",
    "billing_address_1": "Beispielweg 1",
    "billing_city": "Köln",
    "billing_postcode": "50667",
    "billing_country": "DE",
    "item_name": "Maximum Security",
    "item_sku": "MAX",
    "item_quantity": "1",
    "item_total": "100.00",
    "item_tax": "19.00",
}
SHOPIFY_ROW = shopify_row(Shipping="5.00", Total="84.95", Subtotal="79.95")


def columns(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def codes(result: Result) -> list[str]:
    return [warning["code"] for warning in result.counts["warnings"]]


def state(number: str) -> dict[str, Any]:
    order = Order.objects.filter(number=number).values().get()
    del order["sources"]
    return order | {"lines": list(the_order(number).lines.order_by("position").values())}


@pytest.mark.parametrize("left_out", [name for name in SHOPIFY_ROW if name != "Name"])
def test_shopify_keeps_values_of_missing_columns(importer: Importer, left_out: str) -> None:
    importer.shopify(SHOPIFY_ROW)
    before = state("#1001")
    row = {name: cell for name, cell in SHOPIFY_ROW.items() if name != left_out}
    assert importer.shopify(row).counts["rejected"] == 0
    assert state("#1001") == before


@pytest.mark.parametrize(
    "kept",
    [
        ("Name", "Email", "Financial Status"),
        ("Name", "Financial Status", "Fulfillment Status", "Paid at"),
        ("Name", "Lineitem name", "Lineitem quantity"),
        ("Name", "Lineitem sku", "Lineitem price", "Total"),
        ("Name", "Total", "Currency", "Refunded Amount"),
    ],
)
def test_shopify_keeps_an_order_with_only_a_few_columns(importer: Importer, kept: tuple[str, ...]) -> None:
    row = SHOPIFY_ROW | {"Fulfillment Status": "fulfilled"}
    importer.shopify(row)
    before = state("#1001")
    assert importer.shopify(columns(row, *kept), format="shopify").counts["rejected"] == 0
    assert state("#1001") == before


@pytest.mark.parametrize("left_out", [name for name in WOO_ROW if name not in ("order_id", "order_number")])
def test_woocommerce_keeps_values_of_missing_columns(importer: Importer, left_out: str) -> None:
    importer(table(WOO_ROW), store="shop")
    before = state("1001")
    row = {name: cell for name, cell in WOO_ROW.items() if name != left_out}
    assert importer(table(row), store="shop").counts["rejected"] == 0
    assert state("1001") == before


def test_woocommerce_keeps_an_order_with_only_a_few_columns(importer: Importer) -> None:
    importer(table(WOO_ROW), store="shop")
    before = state("1001")
    row = columns(WOO_ROW, "order_number", "order_date", "status", "billing_email")
    assert importer(table(row), store="shop", format="woocommerce").counts["rejected"] == 0
    assert state("1001") == before


@pytest.mark.parametrize("left_out", [name for name in woo_order() if name not in ("id", "number")])
def test_woocommerces_rest_keeps_values_of_missing_fields(importer: Importer, left_out: str) -> None:
    make_store(slug="shop", time_zone="Europe/Berlin")
    importer(json.dumps([woo_order()]), store="shop")
    before = state("812")
    order = {name: value for name, value in woo_order().items() if name != left_out}
    assert importer(json.dumps([order]), store="shop", format="woocommerce").counts["rejected"] == 0
    assert state("812") == before


@pytest.mark.parametrize(
    ("left_out", "code", "sentence"),
    [
        ("Currency", "unknown_currency", "This order has no currency."),
        ("Total", "missing_total", "has no total"),
        ("Created at", "missing_date", "has no date"),
    ],
)
def test_a_new_order_is_not_made_without_what_it_needs(
    importer: Importer, left_out: str, code: str, sentence: str
) -> None:
    row = {name: cell for name, cell in SHOPIFY_ROW.items() if name not in (left_out, "Paid at")}
    result = importer.shopify(row)
    assert result.tally == (0, 0, 0, 1)
    assert sentence in result.said
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("cell", "said"), [("", "has no currency"), ("EURO", "isn’t a currency."), ("XXX", "has no currency")]
)
def test_an_unknown_currency_is_refused(importer: Importer, cell: str, said: str) -> None:
    result = importer.shopify(shopify_row(Currency=cell))
    assert result.tally == (0, 0, 0, 1)
    assert said in result.said


def test_the_rejected_versions_of_an_order_do_not_keep_a_whole_one_out(importer: Importer) -> None:
    assert importer.shopify(shopify_row(Total=""), shopify_row(Financial_Status="pending")).tally == (1, 0, 0, 1)
    assert the_order("#1001").total == Decimal("79.95")


def test_a_missing_status_counts_as_completed_with_a_warning(importer: Importer) -> None:
    row = {name: cell for name, cell in SHOPIFY_ROW.items() if name not in ("Financial Status", "Paid at")}
    result = importer.shopify(row)
    assert (result.tally, codes(result)) == ((1, 0, 0, 0), ["missing_status"])
    assert the_order("#1001").status == "completed"


def test_items_are_kept_if_only_shipping_is_exported(importer: Importer) -> None:
    importer.shopify(SHOPIFY_ROW)
    importer.shopify(
        columns(SHOPIFY_ROW, "Name", "Financial Status", "Shipping", "Total", "Email") | {"Shipping": "6.00"}
    )
    lines = {line.store_line_id: line.total for line in the_order("#1001").lines.all()}
    assert lines == {"1": Decimal("79.95"), "shipping": Decimal("6.00")}


@pytest.mark.parametrize("left_out", ["item_quantity", "item_total", "item_tax", "item_sku"])
def test_items_that_differ_in_quantity_only_stay_what_they_are(importer: Importer, left_out: str) -> None:
    rows = [
        WOO_ROW | {"order_total": "476.00", "tax_total": "76.00"} | dict(zip(cells, values, strict=True))
        for cells in [("item_quantity", "item_total", "item_tax")]
        for values in [("1", "100.00", "19.00"), ("2", "200.00", "38.00"), ("1", "100.00", "19.00")]
    ]
    importer(table(*rows), store="shop")
    before = state("1001")["lines"]
    assert [(line["quantity"], line["unit_price"], line["total"]) for line in before] == [
        (1, 100, 119),
        (2, 100, 238),
        (1, 100, 119),
    ]
    importer(table(*[{name: row[name] for name in row if name != left_out} for row in rows]), store="shop")
    assert state("1001")["lines"] == before
