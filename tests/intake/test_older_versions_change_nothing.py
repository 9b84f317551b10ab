"""A file that is older than the stored data, or a version that a later row of the same file replaces."""

from decimal import Decimal
from typing import Any

import pytest

from intake.ingest import run
from orders.models import Order
from tests.intake.exports import Importer, portal_order, shopify_more, shopify_row, table, the_order
from tests.intake.test_missing_columns_keep_stored_values import WOO_ROW

pytestmark = pytest.mark.django_db

OLD = {"Email": "old@example.com", "Billing_City": "Bonn"}


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"Financial_Status": "refunded", "Refunded_Amount": "79.95"}, {}),
        ({"Refunded_Amount": "30.00"}, {"Refunded_Amount": "10.00"}),
        ({}, {"Financial_Status": "pending", "Paid_at": ""}),
        ({"Cancelled_at": "2026-11-03 10:00:00 +0100"}, {}),
    ],
)
def test_an_older_file_of_shopify_moves_nothing_back(
    importer: Importer, newer: dict[str, str], older: dict[str, str]
) -> None:
    importer.shopify(shopify_row(**newer))
    before = Order.objects.values().get()
    refunds = list(the_order("#1001").refunds.values("amount"))
    importer.shopify(shopify_row(**OLD | older))
    assert Order.objects.values().get() == before
    assert list(the_order("#1001").refunds.values("amount")) == refunds


def test_a_later_file_of_shopify_applies(importer: Importer) -> None:
    importer.shopify(shopify_row(**OLD))
    assert importer.shopify(shopify_row(Refunded_Amount="10.00")).tally == (0, 1, 0, 0)
    assert (the_order("#1001").store_email, the_order("#1001").billing_city) == ("ann@example.com", "Köln")


def test_an_older_file_of_woocommerce_moves_nothing_back(importer: Importer) -> None:
    importer(table(WOO_ROW | {"refunded_total": "19.00"}), store="shop")
    importer(table(WOO_ROW | {"billing_city": "Bonn"}), store="shop")
    order = the_order("1001")
    assert (order.status, order.billing_city, order.refunds.get().amount) == ("partially_refunded", "Köln", 19)


def test_fewer_refunds_are_shown_to_staff_unless_a_time_shows_that_the_file_is_older(importer: Importer) -> None:
    fulfilled = {"Fulfilled at": "2026-11-03 10:00:00 +0100"}
    importer.shopify(shopify_row(Refunded_Amount="30.00") | fulfilled)
    assert importer.shopify(shopify_row(Refunded_Amount="10.00")).tally == (0, 0, 1, 0)
    assert the_order("#1001").refunds.get().missing_since is None
    assert importer.shopify(shopify_row(Refunded_Amount="10.00") | fulfilled).tally == (0, 1, 0, 0)
    assert the_order("#1001").refunds.get().missing_since is not None


def test_a_woocommerce_table_may_contain_the_time_of_a_change(importer: Importer) -> None:
    importer(table(WOO_ROW | {"modified_date": "2026-11-09 10:00:00", "billing_city": "Köln"}), store="shop")
    older = WOO_ROW | {"modified_date": "2026-11-05 10:00:00", "billing_city": "Bonn"}
    assert importer(table(older), store="shop").tally == (0, 0, 1, 0)


VERSIONS: list[dict[str, Any]] = [
    {"email": "first@example.com"},
    {"email": "second@example.com"},
    {"email": "third@example.com"},
]


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 2), (0, 1, 0), (1, 0, 1, 2, 1)])
def test_the_last_undated_version_of_a_file_wins_across_batches(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, order: tuple[int, ...]
) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 5)
    orders = []
    for index in order:
        orders += [portal_order(**VERSIONS[index]), *(portal_order(number=f"B-{len(orders)}-{n}") for n in range(6))]
    importer.orders(*orders)
    assert the_order().store_email == VERSIONS[order[-1]]["email"]
    before = list(Order.objects.order_by("pk").values())
    assert importer.orders(*orders).tally == (0, 0, len(orders), 0)
    assert list(Order.objects.order_by("pk").values()) == before


def test_the_last_version_in_shopifys_file_wins_across_batches(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 5)
    monkeypatch.setattr("intake.feeds.shopify.MAX_OPEN_ORDERS", 2)
    rows = [shopify_row(Email="first@example.com"), shopify_more("#1001", Lineitem_name="Two", Lineitem_price="1")]
    rows += [shopify_row(Name=f"#{number}") for number in range(20)]
    rows.append(shopify_row(Email="second@example.com"))
    importer.shopify(*rows)
    assert the_order("#1001").store_email == "second@example.com"
    assert importer.shopify(*rows).tally == (0, 0, 22, 0)
    assert (the_order("#1001").store_email, the_order("#1001").total) == ("second@example.com", Decimal("79.95"))
