"""Any order is imported correctly from any variant of a table, or is refused, but never changed.

An independent writer creates tables like those of stores: with a row for each item, with items packed into cells, with
missing columns, and in another sequence.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from tests.intake.exports import Importer, table
from tests.intake.written_orders import ORDERS, Written, expected, stored

pytestmark = pytest.mark.django_db

Row = dict[str, str]


def shopify(order: Written, *, repeats: tuple[str, ...] = ()) -> list[Row]:
    """`repeats` are the order's columns that are on each row."""
    words = {"completed": "paid", "pending": "pending", "cancelled": "voided"}
    facts = {
        "Name": "#1",
        "Email": order.email,
        "Financial Status": words[order.status],
        "Currency": "EUR",
        "Subtotal": f"{order.net}",
        "Shipping": f"{order.shipping}",
        "Taxes": f"{order.tax}",
        "Total": f"{order.total}",
        "Discount Amount": "0.00",
        "Created at": "2026-11-01 10:00:00 +0100",
        "Billing City": order.city,
    }
    rows = []
    for position, item in enumerate(order.items):
        kept = facts if position == 0 else {name: facts[name] if name in repeats else "" for name in facts}
        rows.append(
            kept
            | {"Name": "#1", "Lineitem name": item.name, "Lineitem sku": item.sku}
            | {"Lineitem price": f"{item.price}", "Lineitem quantity": str(item.quantity)}
        )
    return rows


def woocommerce(order: Written) -> Row:
    return {
        "order_number": "1",
        "order_date": "2026-11-01 10:00:00",
        "status": {"completed": "completed", "pending": "on-hold", "cancelled": "cancelled"}[order.status],
        "order_currency": "EUR",
        "order_total": f"{order.total}",
        "tax_total": f"{order.tax}",
        "shipping_total": f"{order.shipping}",
        "billing_email": order.email,
        "billing_city": order.city,
        "billing_postcode": "50667",
    }


def item_rows(order: Written) -> list[Row]:
    names = ("item_name", "item_sku", "item_quantity", "item_total", "item_tax")
    return [
        woocommerce(order)
        | dict(zip(names, (item.name, item.sku, str(item.quantity), f"{item.net}", f"{item.tax}"), strict=True))
        for item in order.items
    ]


def packed(order: Written) -> list[Row]:
    cells = {
        f"line_item_{number}": f"name:{item.name}|sku:{item.sku}|quantity:{item.quantity}"
        f"|total:{item.net}|tax:{item.tax}"
        for number, item in enumerate(order.items, start=1)
    }
    return [woocommerce(order) | cells]


def numbered(order: Written) -> list[Row]:
    cells: Row = {}
    for number, item in enumerate(order.items, start=1):
        cells |= {f"Product Item {number} Name": item.name, f"Product Item {number} SKU": item.sku}
        cells |= {f"Product Item {number} Quantity": str(item.quantity), f"Product Item {number} Total": f"{item.net}"}
    return [woocommerce(order) | cells]


def in_one_cell(order: Written) -> list[Row]:
    items = [
        {"name": item.name, "sku": item.sku, "quantity": item.quantity, "total": f"{item.net}", "tax": f"{item.tax}"}
        for item in order.items
    ]
    return [woocommerce(order) | {"line_items": json.dumps(items)}]


DIALECTS: dict[str, Callable[[Written], list[Row]]] = {
    "shopify": shopify,
    "shopify with dates on each row": lambda order: shopify(order, repeats=("Created at", "Email")),
    "shopify, flat": lambda order: shopify(order, repeats=tuple(shopify(order)[0])),
    "woocommerce, rows": item_rows,
    "woocommerce, packed": packed,
    "woocommerce, numbered": numbered,
    "woocommerce, JSON": in_one_cell,
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=ORDERS, dialect=st.sampled_from(sorted(DIALECTS)), data=st.data())
def test_an_order_is_imported_correctly_or_refused(
    tmp_path: Path, order: Written, dialect: str, data: st.DataObject
) -> None:
    rows = DIALECTS[dialect](order)
    columns = data.draw(st.permutations(list(rows[0])))
    number = next(name for name in ("Name", "order_number") if name in columns)
    left_out = data.draw(st.sets(st.sampled_from([name for name in columns if name != number]), max_size=5))
    fewer = [{name: row[name] for name in columns if name not in left_out} for row in rows]
    format_name = "shopify" if number == "Name" else "woocommerce"
    importer = Importer(tmp_path)
    with transaction.atomic():
        whole = importer(table(*[{name: row[name] for name in columns} for row in rows]), store="shop")
        assert whole.tally == (1, 0, 0, 0), whole.said
        assert stored(Order.objects.get()) == expected(order)
        again = importer(table(*fewer), store="shop", format=format_name)
        assert stored(Order.objects.get()) == expected(order), (left_out, again.said)
        transaction.set_rollback(True)
    with transaction.atomic():
        alone = importer(table(*fewer), store="shop", format=format_name)
        if alone.counts.get("created"):
            made, wanted = stored(Order.objects.get()), expected(order)
            assert made["total"] == wanted["total"]
            assert made["items"] in (wanted["items"], []) or left_out
            assert made["lines"] == wanted["lines"] or "totals_differ" in str(alone.counts) or not made["items"]
        transaction.set_rollback(True)
