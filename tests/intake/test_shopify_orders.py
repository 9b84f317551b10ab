"""Shopify's order CSV in its full layout, in shorter ones, and flat."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orders.models import Order
from tests.factories import make_store
from tests.intake.exports import Importer, shopify_more, shopify_row, table, the_order

pytestmark = pytest.mark.django_db


def test_an_order_of_several_rows(importer: Importer) -> None:
    rows = [
        shopify_row(Subtotal="89.94", Total="95.93", Shipping="5.99", Discount_Amount="0.00"),
        shopify_more("#1001", Lineitem_name="Extended Download", Lineitem_price="9.99", Lineitem_quantity="1"),
        shopify_row(Name="#1002", Email=""),
    ]
    assert importer.shopify(*rows).tally == (2, 0, 0, 0)
    order = the_order("#1001")
    assert order.number_key == "1001"
    assert order.placed_at == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert (order.status, order.store_email, order.payment_method) == ("completed", "ann@example.com", "Stripe")
    assert (order.billing_postcode, order.billing_country, order.billing_city) == ("50667", "DE", "Köln")
    assert order.card_last4 == ""
    assert [(line.name, line.kind, line.total) for line in order.lines.order_by("position")] == [
        ("Maximum Security", "new", Decimal("79.95")),
        ("Extended Download", "new", Decimal("9.99")),
        ("Shipping", "other", Decimal("5.99")),
    ]
    assert (order.subtotal, order.tax, order.total) == (Decimal("95.93"), Decimal("12.76"), Decimal("95.93"))
    assert the_order("#1002").store_email == ""


def test_rows_of_an_order_may_stand_apart(importer: Importer) -> None:
    rows = [shopify_row(Name=f"#{number}") for number in range(20)]
    rows.append(shopify_more("#3", Lineitem_name="Late", Lineitem_price="1", Lineitem_quantity="1"))
    assert importer.shopify(*rows).tally == (20, 0, 0, 0)
    assert the_order("#3").lines.count() == 2


def test_rows_too_far_apart_are_rejected(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.feeds.shopify.MAX_OPEN_ORDERS", 5)
    rows = [shopify_row(Name=f"#{number}") for number in range(20)]
    rows.append(shopify_more("#3", Lineitem_name="Late"))
    result = importer.shopify(*rows)
    assert result.tally == (20, 0, 0, 1)
    assert "line 22: This order’s first row is missing" in result.said
    assert the_order("#3").lines.count() == 1


def test_a_later_state_of_an_order_in_the_same_file_is_an_update(importer: Importer) -> None:
    rows = [
        shopify_row(Financial_Status="pending", Paid_at=""),
        shopify_row(Financial_Status="paid"),
        shopify_row(Financial_Status="paid"),
    ]
    assert importer.shopify(*rows).tally == (1, 1, 0, 0)
    assert the_order("#1001").status == "completed"
    assert the_order("#1001").lines.count() == 1


def test_a_flat_dialect_with_totals_on_each_row(importer: Importer) -> None:
    columns = ("Name", "Email", "Financial Status", "Paid at", "Currency", "Subtotal", "Shipping", "Taxes", "Total")
    items = ("Discount Amount", "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku")
    first = {name: shopify_row()[name] for name in columns + items}
    second = first | {
        "Subtotal": "20.00",
        "Shipping": "5.00",
        "Taxes": "1.00",
        "Total": "23.00",
        "Discount Amount": "3.00",
        "Lineitem quantity": "2",
        "Lineitem name": "Travel Security",
        "Lineitem price": "10.00",
        "Lineitem sku": "T-1",
    }
    text = table(first | {"Total": "92.71"}, second)
    assert importer(text, store="shop").tally == (1, 0, 0, 0)
    order = the_order("#1001")
    assert (order.total, order.tax, order.discount) == (Decimal("115.71"), Decimal("13.76"), Decimal(3))
    assert order.subtotal - order.discount + order.tax == order.total
    assert sum(line.total for line in order.lines.all()) == order.total
    assert order.placed_at == datetime(2026, 11, 1, 9, 0, 5, tzinfo=UTC)


def test_a_flat_dialect_that_repeats_the_total(importer: Importer) -> None:
    rows = [
        shopify_row(Lineitem_name="One", Lineitem_price="40.00", Subtotal="100.00", Total="100.00"),
        shopify_row(Lineitem_name="Two", Lineitem_price="60.00", Subtotal="100.00", Total="100.00"),
    ]
    assert importer.shopify(*rows).tally == (1, 0, 0, 0)
    assert the_order("#1001").total == Decimal(100)
    assert the_order("#1001").lines.count() == 2


def test_a_dialect_with_few_columns_is_imported(importer: Importer) -> None:
    text = table(
        {
            "Name": "#1",
            "Email": "a@example.com",
            "Created at": "2026-11-01 10:00:00 -05:00",
            "Total": "12.00",
            "Currency": "usd",
        },
        {"Name": "#2", "Email": "", "Created at": "2026-11-01T10:00:00Z", "Total": "1,012.00", "Currency": "USD"},
    )
    assert importer(text, store="shop").tally == (2, 0, 0, 0)
    order = the_order("#1")
    assert (order.status, order.total, order.currency) == ("completed", Decimal(12), "USD")
    assert order.placed_at == datetime(2026, 11, 1, 15, tzinfo=UTC)
    assert order.lines.count() == 0
    assert the_order("#2").total == Decimal(1012)


def test_a_single_item_without_a_price_costs_the_total(importer: Importer) -> None:
    row = {name: shopify_row()[name] for name in ("Name", "Email", "Created at", "Total", "Currency", "Lineitem name")}
    assert importer(table(row), store="shop").tally == (1, 0, 0, 0)
    assert the_order("#1001").lines.get().total == Decimal("79.95")


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({"Financial_Status": "pending"}, "pending"),
        ({"Financial_Status": "authorized"}, "pending"),
        ({"Financial_Status": "Partially Refunded"}, "partially_refunded"),
        ({"Financial_Status": "voided"}, "cancelled"),
        ({"Financial_Status": "refunded"}, "refunded"),
        ({"Financial_Status": "paid", "Refunded_Amount": "10.00"}, "partially_refunded"),
        ({"Financial_Status": "paid", "Refunded_Amount": "79.95"}, "refunded"),
        ({"Financial_Status": "paid", "Cancelled_at": "2026-11-02 10:00:00 +0100"}, "cancelled"),
        ({"Financial_Status": ""}, "completed"),
        ({"Financial_Status": "", "Paid_at": ""}, "pending"),
    ],
)
def test_the_status_is_derived_from_several_columns(importer: Importer, cells: dict[str, str], status: str) -> None:
    importer.shopify(shopify_row(**cells))
    assert the_order("#1001").status == status


def test_the_refunded_amount_becomes_a_refund_each_time_it_grows(importer: Importer) -> None:
    importer.shopify(shopify_row(Refunded_Amount="10.00"))
    importer.shopify(shopify_row(Refunded_Amount="10.00", Notes="told again"))
    importer.shopify(shopify_row(Refunded_Amount="79.95"))
    refunds = the_order("#1001").refunds.order_by("pk")
    assert [(refund.amount, refund.refunded_at) for refund in refunds] == [
        (Decimal("10.00"), None),
        (Decimal("69.95"), None),
    ]


def test_the_refund_of_a_canceled_order_bears_the_date_of_the_cancellation(importer: Importer) -> None:
    importer.shopify(shopify_row(Refunded_Amount="79.95", Cancelled_at="2026-11-09 10:00:00 +0100"))
    assert the_order("#1001").refunds.get().refunded_at == datetime(2026, 11, 9, 9, tzinfo=UTC)


def test_a_time_without_offset_is_the_stores(importer: Importer) -> None:
    make_store(slug="shop", time_zone="America/New_York")
    importer.shopify(shopify_row(Created_at="2026-11-10 10:00:00"))
    assert the_order("#1001").placed_at == datetime(2026, 11, 10, 15, tzinfo=UTC)


def test_a_table_with_semicolons_writes_decimal_commas(importer: Importer) -> None:
    text = table(shopify_row(Total="1.079,95", Subtotal="1.079,95", Lineitem_price="1.079,95"), delimiter=";")
    assert importer(text, store="shop").tally == (1, 0, 0, 0)
    assert the_order("#1001").total == Decimal("1079.95")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Created_at": "", "Paid_at": ""}, "no date"),
        ({"Created_at": "01/02/2026 10:00"}, "can be more than one date."),
        ({"Created_at": "last week"}, "isn’t a date and time"),
        ({"Total": "a lot"}, "isn’t an amount"),
        ({"Email": "not an address"}, "This isn’t an email address."),
        ({"Currency": ""}, "column “Currency”: This order has no currency."),
        ({"Financial_Status": "lost"}, "Set its meaning for this store in the admin under Statuses."),
        ({"Lineitem_quantity": "1.5"}, "isn’t a quantity"),
        ({"Name": ""}, "no order number"),
    ],
)
def test_a_row_is_rejected_with_its_reason(importer: Importer, cells: dict[str, str], reason: str) -> None:
    result = importer.shopify(shopify_row(**cells), shopify_row(Name="#2"))
    assert result.tally == (1, 0, 0, 1)
    assert "line 2: " in result.said
    assert reason in result.said


def test_the_same_export_twice_changes_nothing(importer: Importer) -> None:
    rows = [shopify_row(Name=f"#{number}", Refunded_Amount="5.00") for number in range(5)]
    importer.shopify(*rows)
    assert importer.shopify(*rows).tally == (0, 0, 5, 0)
    assert Order.objects.count() == 5
