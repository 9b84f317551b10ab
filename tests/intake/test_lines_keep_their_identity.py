"""A line stays the same row, with its return, if a store exports its lines in another sequence."""

from decimal import Decimal

import pytest

from orders.models import OrderLine
from refunds.models import ReturnLine
from refunds.services.returns import RequestedLine, request_return
from tests.factories import make_reason
from tests.intake.exports import Importer, shopify_more, shopify_row, table, the_order
from tests.intake.test_missing_columns_keep_stored_values import WOO_ROW

pytestmark = pytest.mark.django_db

FIRST = {"Lineitem_name": "A", "Lineitem_price": "60.00", "Lineitem_sku": "A-1", "Lineitem_quantity": "1"}
SECOND = {"Lineitem_name": "B", "Lineitem_price": "20.00", "Lineitem_sku": "B-1", "Lineitem_quantity": "1"}
ORDER = {"Total": "80.00", "Subtotal": "80.00", "Taxes": "0.00"}


def rows(first: dict[str, str], *more: dict[str, str], **order: str) -> list[dict[str, str]]:
    return [shopify_row(**ORDER | first | order), *(shopify_more("#1001", **line) for line in more)]


def ids() -> dict[str, int]:
    return {line.name: line.pk for line in the_order("#1001").lines.all()}


def test_reordered_lines_keep_their_rows_and_returns(importer: Importer) -> None:
    importer.shopify(*rows(FIRST, SECOND))
    before = ids()
    OrderLine.objects.update(return_until=None)
    order = the_order("#1001")
    case = request_return(order, [RequestedLine(before["A"], 1)], make_reason())
    importer.shopify(*rows(SECOND, FIRST, Notes="reordered"))
    assert ids() == before
    assert ReturnLine.objects.get(return_case=case).line.name == "A"
    assert list(the_order("#1001").lines.order_by("position").values_list("name", flat=True)) == ["B", "A"]


def test_a_line_inserted_before_others_keeps_their_identity(importer: Importer) -> None:
    importer.shopify(*rows(FIRST, SECOND))
    before = ids()
    third = {"Lineitem_name": "C", "Lineitem_price": "5.00", "Lineitem_quantity": "1"}
    importer.shopify(*rows(third, FIRST, SECOND, Total="85.00", Subtotal="85.00"))
    assert before.items() <= ids().items()
    assert the_order("#1001").lines.count() == 3


def test_a_removed_line_takes_no_other_one_with_it(importer: Importer) -> None:
    importer.shopify(*rows(FIRST, SECOND))
    before = ids()
    importer.shopify(*rows(SECOND, Total="20.00", Subtotal="20.00"))
    assert ids() == {"B": before["B"]}


def test_the_same_product_at_two_prices_is_two_lines(importer: Importer) -> None:
    cheap = FIRST | {"Lineitem_price": "20.00"}
    importer.shopify(*rows(FIRST, cheap))
    before = {line.unit_price: line.pk for line in OrderLine.objects.all()}
    importer.shopify(*rows(cheap, FIRST, Notes="reordered"))
    assert {line.unit_price: line.pk for line in OrderLine.objects.all()} == before


def test_a_line_whose_price_alone_changes_stays(importer: Importer) -> None:
    importer.shopify(*rows(FIRST, SECOND))
    before = ids()
    importer.shopify(*rows(SECOND, FIRST | {"Lineitem_price": "55.00"}, Total="75.00", Subtotal="75.00"))
    assert ids() == before
    assert OrderLine.objects.get(name="A").total == Decimal(55)


def test_a_file_without_skus_finds_the_lines_by_name_and_price(importer: Importer) -> None:
    importer.shopify(*rows(FIRST, SECOND))
    before = ids()
    without = [{name: cell for name, cell in row.items() if name != "Lineitem sku"} for row in rows(SECOND, FIRST)]
    importer.shopify(*without)
    assert ids() == before
    assert OrderLine.objects.get(name="A").sku == "A-1"


def test_the_ids_that_a_store_gives_its_lines_come_first(importer: Importer) -> None:
    row = WOO_ROW | {
        "item_id": "31",
        "item_total": "60.00",
        "item_tax": "0.00",
        "order_total": "60.00",
        "tax_total": "0",
    }
    importer(table(row), store="shop")
    importer(table(row | {"item_name": "Renamed"}), store="shop")
    line = the_order("1001").lines.get()
    assert (line.store_line_id, line.name) == ("31", "Renamed")
