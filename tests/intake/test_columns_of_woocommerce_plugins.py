"""Items in the formats of the common export plugins, and tables of other stores, which aren't WooCommerce's."""

import json
from decimal import Decimal
from typing import Any

import pytest

from intake.feeds import woocommerce
from intake.source_file import SourceFile
from licenses.models import LicensedLine
from orders.models import Order
from tests.intake.exports import Importer, table, the_order
from tests.intake.test_missing_columns_keep_stored_values import WOO_ROW, codes

pytestmark = pytest.mark.django_db

ORDER = {name: cell for name, cell in WOO_ROW.items() if not name.startswith("item_")}
TWO = [("Maximum Security", "MAX", 1, Decimal("119.00")), ("Backup", "BAK", 2, Decimal("23.80"))]
TOTALS = {"order_total": "142.80", "tax_total": "22.80"}


def imported(importer: Importer, *rows: dict[str, Any]) -> list[tuple[str, str, int, Decimal]]:
    result = importer(table(*rows), store="shop")
    assert (result.tally, codes(result)) == ((1, 0, 0, 0), [])
    lines = the_order("1001").lines.order_by("position")
    return [(line.name, line.sku, line.quantity, line.total) for line in lines]


def test_webtoffee_packs_each_item_into_a_column(importer: Importer) -> None:
    items = {
        "line_item_1": "name:Maximum Security|product_id:13|sku:MAX|quantity:1|total:100.00|sub_total:100.00|tax:19.00",
        "line_item_2": "name:Backup|product_id:14|sku:BAK|quantity:2|total:20.00|sub_total:20.00|tax:3.80",
        "line_item_3": "",
    }
    assert imported(importer, ORDER | TOTALS | items) == TWO


def test_webtoffees_columns_for_each_part_of_an_item(importer: Importer) -> None:
    items = {
        "Product Item 1 Name": "Maximum Security",
        "Product Item 1 id": "13",
        "Product Item 1 SKU": "MAX",
        "Product Item 1 Quantity": "1",
        "Product Item 1 Total": "100.00",
        "Product Item 1 Subtotal": "100.00",
        "Product Item 2 Name": "Backup",
        "Product Item 2 id": "14",
        "Product Item 2 SKU": "BAK",
        "Product Item 2 Quantity": "2",
        "Product Item 2 Total": "20.00",
        "Product Item 2 Subtotal": "20.00",
    }
    assert imported(importer, ORDER | TOTALS | items) == TWO


def test_wp_all_exports_numbered_columns(importer: Importer) -> None:
    row = {
        "Order ID": "1001",
        "Order Status": "wc-completed",
        "Order Date": "2026-11-01 10:00",
        "Order Currency": "EUR",
        "Order Total": "142.80",
        "Total Tax": "22.80",
        "Billing Email Address": "ann@example.com",
        "SKU #1": "MAX",
        "Product Name #1": "Maximum Security",
        "Quantity #1": "1",
        "Item Cost #1": "100.00",
        "Item Total #1": "100.00",
        "SKU #2": "BAK",
        "Product Name #2": "Backup",
        "Quantity #2": "2",
        "Item Cost #2": "10.00",
        "Item Total #2": "20.00",
    }
    assert imported(importer, row) == TWO


@pytest.mark.parametrize("name", ["product_name", "Product Name", "item_name", "Item Name", "Product Title"])
def test_a_row_for_each_item_under_its_several_names(importer: Importer, name: str) -> None:
    cells = ("item_sku", "item_quantity", "item_total", "item_tax")
    first = ORDER | TOTALS | {name: "Maximum Security"} | dict(zip(cells, ("MAX", "1", "100.00", "19.00"), strict=True))
    second = ORDER | TOTALS | {name: "Backup"} | dict(zip(cells, ("BAK", "2", "20.00", "3.80"), strict=True))
    assert imported(importer, first, second) == TWO


def test_skyverges_packed_items_with_ids(importer: Importer) -> None:
    cell = (
        "id:31|name:Maximum Security|product_id:13|sku:MAX|quantity:1|subtotal:100.00|subtotal_tax:19.00|total:100.00"
        "|total_tax:19.00|refunded:0.00|meta:Size=3 devices; one year;"
        "id:32|name:Backup|product_id:14|sku:BAK|quantity:2|subtotal:20.00|total:20.00|total_tax:3.80"
    )
    assert imported(importer, ORDER | TOTALS | {"line_items": cell}) == TWO
    assert set(the_order("1001").lines.values_list("store_line_id", flat=True)) == {"31", "32"}


@pytest.mark.parametrize("column", ["line_items", "order_items", "products"])
def test_a_cell_with_json(importer: Importer, column: str) -> None:
    items = [
        {"id": 31, "name": "Maximum Security", "sku": "MAX", "quantity": 1, "total": "100.00", "total_tax": "19.00"},
        {"id": 32, "product_name": "Backup", "sku": "BAK", "qty": 2, "line_total": "20.00", "tax": "3.80"},
    ]
    assert imported(importer, ORDER | TOTALS | {column: json.dumps(items)}) == TWO


def test_a_cell_that_cannot_be_parsed_rejects_the_order(importer: Importer) -> None:
    result = importer(table(ORDER | {"line_items": "two of them"}), store="shop")
    assert result.tally == (0, 0, 0, 1)
    assert "isn’t a known kind of item." in result.said


def test_units_that_a_plugin_took_off_for_refunds_were_bought(importer: Importer) -> None:
    row = ORDER | {"refunded_total": "59.50", "order_total": "119.00", "Item Name": "Maximum Security"}
    row |= {"Quantity (- Refund)": "1", "Item Cost": "50.00", "Order Line Total": "100.00", "Order Line Tax": "19.00"}
    assert importer(table(row), store="shop").tally == (1, 0, 0, 0)
    assert the_order("1001").lines.get().quantity == 2


@pytest.mark.parametrize("cell", ["X-1,X-2", "X-1; X-2", "X-1\nX-2", '["X-1", "X-2"]', "X-1<br>X-2", "X-1|X-2"])
def test_a_list_of_serial_numbers_is_several_licenses(importer: Importer, cell: str) -> None:
    importer(table(WOO_ROW | {"License Key": cell}), store="shop")
    serials = LicensedLine.objects.order_by("pk").values_list("license__serial", flat=True)
    assert list(serials) == ["X-1", "X-2"]


@pytest.mark.parametrize(
    "header",
    [
        "Order ID,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Lineitem name",  # Squarespace
        "Order ID,Order Date,Order Status,Customer Name,Billing Email,Payment Method,Order Total",  # BigCommerce
        "order-id,purchase-date,buyer-email,sku,product-name,quantity-purchased,currency,item-price",  # Amazon
        "Sale Date,Order ID,Buyer,Status,Currency,Order Value,Discount Amount,Shipping,Payment Method",  # Etsy
        "order_id,order_date,customer_email,status,total,currency",
        "Order Number,Date,Total,Status",
        "number,date,status,currency,total,email,payment_method",
    ],
)
def test_tables_of_other_stores_are_not_taken_for_woocommerces(importer: Importer, header: str) -> None:
    path = importer.folder / "orders.csv"
    path.write_text(f"{header}\n{','.join('1' for _name in header.split(','))}\n")
    assert not woocommerce.FEED.matches(SourceFile(path).head)


def test_duplicate_columns_must_not_differ(importer: Importer) -> None:
    header, row = table(WOO_ROW).splitlines()
    same, other = f"{header},order_total\n{row},119.00\n", f"{header},order_total\n{row},99.00\n"
    result = importer(other, store="shop")
    assert result.tally == (0, 0, 0, 1)
    assert "has several columns named “order total”" in result.said
    assert importer(same, store="shop").tally == (1, 0, 0, 0)


def test_an_empty_column_of_the_same_name_hides_nothing(importer: Importer) -> None:
    header, row = table(WOO_ROW).splitlines()
    assert importer(f"{header},Billing Email\n{row},\n", store="shop").tally == (1, 0, 0, 0)
    assert Order.objects.get().store_email == "ann@example.com"
