"""Each line has its own tax and its share of the order's amounts, to the cent."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.settlement import OrderAmounts, Part, settle
from refunds.amounts import paid_per_line
from tests.intake.exports import Importer, Result, shopify_more, shopify_row, table, the_order
from tests.intake.test_missing_columns_keep_stored_values import WOO_ROW, codes
from tests.intake.test_woocommerce_orders import woo_order

pytestmark = pytest.mark.django_db


def totals(number: str) -> list[Decimal]:
    return [line.total for line in the_order(number).lines.order_by("position")]


def taxes(number: str) -> list[Decimal]:
    return [line.tax for line in the_order(number).lines.order_by("position")]


def paid(number: str) -> list[Decimal]:
    order = the_order(number)
    return [payment.amount for payment in paid_per_line(order, list(order.lines.order_by("position"))).values()]


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def two_items(**order: str) -> list[dict[str, Any]]:
    """Two items of 60.00 and 20.00, with these amounts of the whole order."""
    zeros = {"Shipping": "0.00", "Taxes": "0.00", "Discount_Amount": "0.00"}
    first = shopify_row(**{"Lineitem_price": "60.00", "Subtotal": "80.00"} | zeros | order)
    return [first, shopify_more("#1001", Lineitem_name="Backup", Lineitem_price="20.00", Lineitem_quantity="1")]


def test_tax_on_top_is_shared_by_the_lines(importer: Importer) -> None:
    assert codes(importer.shopify(*two_items(Taxes="15.20", Total="95.20"))) == []
    assert (totals("#1001"), taxes("#1001")) == (amounts("71.40", "23.80"), amounts("11.40", "3.80"))
    assert paid("#1001") == amounts("71.40", "23.80")


def test_tax_within_the_prices_is_shared_as_well(importer: Importer) -> None:
    assert codes(importer.shopify(*two_items(Taxes="12.77", Total="80.00"))) == []
    assert (totals("#1001"), taxes("#1001")) == (amounts("60.00", "20.00"), amounts("9.58", "3.19"))


def test_a_line_that_is_not_taxable_bears_no_tax(importer: Importer) -> None:
    rows = [
        row | {"Lineitem taxable": taxable}
        for row, taxable in zip(two_items(Taxes="11.40", Total="91.40"), ("true", "false"), strict=True)
    ]
    importer.shopify(*rows)
    assert totals("#1001") == amounts("71.40", "20.00")


def test_a_discount_on_the_order_is_shared_before_tax(importer: Importer) -> None:
    importer.shopify(*two_items(Subtotal="72.00", Discount_Amount="8.00", Taxes="13.68", Total="85.68"))
    lines = the_order("#1001").lines.order_by("position")
    assert [line.discount for line in lines] == amounts("6.00", "2.00")
    assert totals("#1001") == amounts("64.26", "21.42")


def test_a_discount_of_lines_is_not_deducted_twice(importer: Importer) -> None:
    rows = two_items(Subtotal="72.00", Discount_Amount="8.00", Total="72.00")
    importer.shopify(rows[0] | {"Lineitem discount": "8.00"}, rows[1] | {"Lineitem discount": "0.00"})
    assert totals("#1001") == amounts("52.00", "20.00")


def test_free_shipping_does_not_reduce_the_items(importer: Importer) -> None:
    importer.shopify(*two_items(Shipping="5.00", Discount_Amount="5.00", Total="80.00"))
    lines = [(line.total, line.discount) for line in the_order("#1001").lines.order_by("position")]
    assert lines == [(Decimal(60), Decimal(0)), (Decimal(20), Decimal(0)), (Decimal(0), Decimal(5))]


def test_shipping_and_duties_are_lines(importer: Importer) -> None:
    rows = two_items(Shipping="5.00", Total="93.00")
    importer.shopify(rows[0] | {"Duties": "8.00"}, rows[1] | {"Duties": ""})
    assert totals("#1001") == amounts("60.00", "20.00", "5.00", "8.00")


def test_a_gift_card_of_shopify_pays_and_lowers_nothing(importer: Importer) -> None:
    importer.shopify(*two_items(Total="80.00", Payment_Method="gift_card + shopify_payments"))
    assert totals("#1001") == amounts("60.00", "20.00")
    assert the_order("#1001").payment_method == "gift_card + shopify_payments"


def test_lines_that_do_not_add_up_are_imported_with_a_warning(importer: Importer) -> None:
    result = importer.shopify(*two_items(Taxes="1.00", Total="99.99"))
    assert (result.tally, codes(result)) == ((1, 0, 0, 0), ["totals_differ"])
    assert "add up to €80.00, but its total is €99.99" in result.said
    assert the_order("#1001").total == Decimal("99.99")
    assert sum(paid("#1001")) == Decimal("99.99")


def test_an_order_without_items_is_imported_with_a_warning(importer: Importer) -> None:
    row = {name: cell for name, cell in shopify_row().items() if not name.startswith("Lineitem")}
    result = importer.shopify(row)
    assert (result.tally, codes(result)) == ((1, 0, 0, 0), ["no_items"])


def test_woocommerces_lines_and_the_tax_of_shipping_add_up(importer: Importer) -> None:
    row = WOO_ROW | {"shipping_total": "10.00", "tax_total": "20.90", "order_total": "130.90"}
    assert codes(importer(table(row), store="shop")) == []
    assert totals("1001") == amounts("119.00", "11.90")


def test_prices_of_a_plugin_without_line_totals(importer: Importer) -> None:
    row = {
        "Order Number": "7",
        "Order Status": "Completed",
        "Order Date": "2026-11-01 10:00",
        "Order Currency": "EUR",
        "Email (Billing)": "ann@example.com",
        "Cart Discount Amount": "5.00",
        "Order Shipping Amount": "2.00",
        "Order Total Tax Amount": "19.00",
        "Order Total Amount": "116.00",
        "Item Name": "Maximum Security",
        "Quantity": "2",
        "Item Cost": "30.00",
    }
    second = row | {"Item Name": "Backup", "Quantity": "1", "Item Cost": "40.00"}
    assert codes(importer(table(row, second), store="shop")) == []
    assert totals("7") == amounts("68.40", "45.60", "2.00")


@pytest.mark.parametrize(
    "cards",
    [
        {"gift_cards": [{"id": 5, "code": "X", "amount": 24}]},
        {"pw_gift_cards": [{"id": 5, "amount": "24.00"}]},
        {"meta_data": [{"key": "_ywgc_applied_gift_cards", "value": {"CODE-1": 24}}]},
    ],
)
def test_a_gift_card_that_lowered_the_total_is_a_line(importer: Importer, cards: dict[str, Any]) -> None:
    order = woo_order(total="77.15", **cards)
    assert codes(importer(json.dumps([order]), store="shop")) == []
    assert totals("812") == amounts("89.25", "11.90", "-24.00")
    assert sum(paid("812")) == Decimal("77.15")


def test_a_gift_card_column_of_a_table(importer: Importer) -> None:
    row = WOO_ROW | {"gift_card_total": "24.00", "order_total": "95.00"}
    assert codes(importer(table(row), store="shop")) == []
    assert totals("1001") == amounts("119.00", "-24.00")


def test_a_gift_card_used_only_for_payment_is_not_a_line(importer: Importer) -> None:
    assert codes(importer(table(WOO_ROW | {"gift_card_total": "24.00"}), store="shop")) == []
    assert totals("1001") == amounts("119.00")


def test_fractions_of_cents_are_rounded_so_that_lines_add_up(importer: Importer) -> None:
    item = woo_order()["line_items"][0] | {"quantity": 1, "meta_data": []}
    items = [
        item | {"id": number, "subtotal": "8.403361", "total": "8.403361", "total_tax": "1.596639"}
        for number in (1, 2, 3)
    ]
    order = woo_order(
        line_items=items, shipping_lines=[], fee_lines=[], total="30.00", total_tax="4.79", discount_total="0.00"
    )
    result: Result = importer(json.dumps([order]), store="shop")
    assert codes(result) == []
    assert totals("812") == amounts("10.00", "10.00", "10.00")


@st.composite
def complete_orders(draw: st.DrawFn) -> tuple[list[Part], list[Part], OrderAmounts, bool]:
    """Orders as calculated by a store: items, a discount of each or of all, shipping, and tax on top or included."""
    cents = st.integers(1, 50_000).map(lambda number: Decimal(number) / 100)
    prices = draw(st.lists(cents, min_size=1, max_size=5))
    own = draw(st.booleans())
    items = [Part(price, min(draw(cents), price) if own and draw(st.booleans()) else Decimal(0)) for price in prices]
    net = sum((item.amount - item.discount for item in items), Decimal(0))
    discount = Decimal(0) if own else min(draw(cents), net) if draw(st.booleans()) else Decimal(0)
    shipping = draw(cents)
    tax = draw(cents) if draw(st.booleans()) else Decimal(0)
    on_top = draw(st.booleans())
    total = net - discount + shipping + (tax if on_top else Decimal(0))
    given_discount = discount or sum((item.discount for item in items), Decimal(0))
    return items, [Part(shipping)], OrderAmounts(total, tax, given_discount, net - discount), on_top


@given(complete_orders())
def test_the_lines_of_any_complete_order_add_up(
    amounts: tuple[list[Part], list[Part], OrderAmounts, bool],
) -> None:
    items, costs, order, _on_top = amounts
    settlement = settle(items, costs, order, "EUR")
    assert settlement is not None
    lines = [*settlement.items, *(cost for cost in settlement.costs if cost)]
    assert sum(line.total for line in lines) == order.total
    assert all(line.total == line.total.quantize(Decimal("0.01")) for line in lines)
