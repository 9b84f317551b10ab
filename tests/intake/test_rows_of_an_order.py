"""Which rows of Shopify's table are items of an order, and which are other versions of it."""

from decimal import Decimal

import pytest

from tests.intake.exports import Importer, shopify_more, shopify_row, the_order

pytestmark = pytest.mark.django_db

CREATED = "2026-11-01 10:00:00 +0100"


def items(number: str = "#1001") -> list[tuple[str, Decimal]]:
    return [(line.name, line.total) for line in the_order(number).lines.order_by("position")]


def more(name: str, price: str, **changes: str) -> dict[str, str]:
    return shopify_more("#1001", Lineitem_name=name, Lineitem_price=price, Lineitem_quantity="1", **changes)


def test_the_time_of_the_order_may_be_repeated_on_each_row(importer: Importer) -> None:
    rows = [
        shopify_row(Subtotal="110.00", Total="110.00", Lineitem_price="50.00", Taxes="0.00"),
        more("Two", "30.00", Created_at=CREATED),
        more("Three", "20.00", Created_at=CREATED, Email="ann@example.com"),
        more("Four", "10.00", Created_at=CREATED),
    ]
    assert importer.shopify(*rows).tally == (1, 0, 0, 0)
    assert items() == [
        ("Maximum Security", Decimal(50)),
        ("Two", Decimal(30)),
        ("Three", Decimal(20)),
        ("Four", Decimal(10)),
    ]


@pytest.mark.parametrize("created_at", ["", CREATED])
def test_two_equal_continuing_rows_are_two_items(importer: Importer, created_at: str) -> None:
    rows = [
        shopify_row(Subtotal="90.00", Total="90.00", Lineitem_price="50.00", Taxes="0.00"),
        more("Backup", "20.00", Created_at=created_at),
        more("Backup", "20.00", Created_at=created_at),
    ]
    assert importer.shopify(*rows).tally == (1, 0, 0, 0)
    assert [name for name, _total in items()] == ["Maximum Security", "Backup", "Backup"]


def test_two_equal_flat_rows_are_two_items_if_the_total_needs_both(importer: Importer) -> None:
    row = shopify_row(Subtotal="40.00", Total="40.00", Lineitem_price="20.00", Taxes="0.00")
    assert importer.shopify(row, row).tally == (1, 0, 0, 0)
    assert items() == [("Maximum Security", Decimal(20))] * 2


def test_two_equal_flat_rows_are_one_item_if_the_total_needs_one(importer: Importer) -> None:
    row = shopify_row(Subtotal="20.00", Total="20.00", Lineitem_price="20.00", Taxes="0.00")
    assert importer.shopify(row, row).tally == (1, 0, 0, 0)
    assert items() == [("Maximum Security", Decimal(20))]


def test_an_order_that_is_in_the_file_twice_has_its_items_once(importer: Importer) -> None:
    rows = [shopify_row(Subtotal="100.00", Total="100.00", Taxes="0.00"), more("Backup", "20.05")]
    assert importer.shopify(*rows, *rows).counts["rejected"] == 0
    assert [name for name, _total in items()] == ["Maximum Security", "Backup"]
    assert importer.shopify(*rows, *rows).tally == (0, 0, 2, 0)
