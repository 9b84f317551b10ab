"""Details in the formats of stores: addresses, quantities, times, refunds, wrapped responses."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from intake.models import StatusMeaning
from licenses.models import LicensedLine
from orders.models import Order
from tests.factories import make_store
from tests.intake.exports import Importer, Result, shopify_row, table, the_order
from tests.intake.test_missing_columns_keep_stored_values import WOO_ROW
from tests.intake.test_stripe_payments import bare_order, charge
from tests.intake.test_woocommerce_orders import REFUND, woo_order

pytestmark = pytest.mark.django_db


def load(importer: Importer, value: object) -> Result:
    return importer(json.dumps(value), name="orders.json", store="shop")


@pytest.mark.parametrize("name", ["", None])
def test_an_address_without_a_name_is_kept(importer: Importer, name: str | None) -> None:
    row = shopify_row(Billing_Name=name)
    if name is None:
        del row["Billing Name"]
    importer.shopify(row)
    order = the_order("#1001")
    assert (order.billing_city, order.billing_postcode, order.billing_country) == ("Köln", "50667", "DE")
    assert order.billing_address == "Beispielweg 1"


@pytest.mark.parametrize("country", ["Germany", "Deutschland", "de"])
def test_a_country_may_be_written_as_its_name(importer: Importer, country: str) -> None:
    importer.shopify(shopify_row(Billing_Country=country))
    assert the_order("#1001").billing_country == "DE"


def test_a_country_that_is_not_known_is_a_line_of_the_address(importer: Importer) -> None:
    importer.shopify(shopify_row(Billing_Country="Atlantis"))
    assert the_order("#1001").billing_address == "Beispielweg 1\nAtlantis"


def test_half_a_unit_is_refused(importer: Importer) -> None:
    assert "isn’t a quantity" in importer(table(WOO_ROW | {"item_quantity": "1.5"}), store="shop").said
    item = woo_order()["line_items"][0] | {"quantity": 1.5}
    assert "isn’t a quantity" in load(importer, woo_order(line_items=[item])).said
    assert "isn’t a quantity" in importer.shopify(shopify_row(Lineitem_quantity="0.5")).said
    assert not Order.objects.exists()


def test_a_time_in_gmt_is_not_the_stores(importer: Importer) -> None:
    make_store(slug="shop", time_zone="America/New_York")
    row = {"Order Date (GMT)" if name == "order_date" else name: cell for name, cell in WOO_ROW.items()}
    importer(table(row), store="shop")
    assert the_order("1001").placed_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_a_deleted_refund_is_ignored(importer: Importer) -> None:
    load(importer, woo_order(refunds=[{"id": 0, "reason": "", "total": "-0.00"}]))
    order = the_order("812")
    assert (order.status, order.refunds.count()) == ("completed", 0)
    assert load(importer, REFUND | {"id": 0}).tally == (0, 0, 0, 1)


@pytest.mark.parametrize(("amount", "status"), [("44.63", "partially_refunded"), ("101.15", "refunded")])
def test_a_refund_alone_changes_the_status_of_its_order(importer: Importer, amount: str, status: str) -> None:
    load(importer, woo_order())
    assert load(importer, REFUND | {"amount": amount}).tally == (0, 1, 0, 0)
    assert the_order("812").status == status


def test_a_refund_is_not_put_on_an_order_whose_number_is_another_ones_id(importer: Importer) -> None:
    load(importer, woo_order(id=5, number="812"))
    assert load(importer, REFUND).tally == (0, 0, 0, 1)
    assert the_order("812").refunds.count() == 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda orders: {"data": orders},
        lambda orders: {"data": orders[0]},
        lambda orders: {"data": {"orders": orders}},
        lambda orders: {"order": orders[0]},
        lambda orders: {"success": True, "data": orders},
        lambda orders: [{"data": order} for order in orders],
    ],
)
def test_answers_of_the_rest_api_may_be_wrapped(importer: Importer, wrap: Any) -> None:
    assert load(importer, wrap([woo_order()])).tally == (1, 0, 0, 0)
    assert the_order("812").total == Decimal("101.15")


@pytest.mark.parametrize(
    "value",
    ["XAAB-1, XAAB-2", "XAAB-1\nXAAB-2", '["XAAB-1","XAAB-2"]', ["XAAB-1", "XAAB-2"], [{"key": "XAAB-1"}, "XAAB-2"]],
)
def test_a_list_of_serial_numbers_is_several_licenses(importer: Importer, value: object) -> None:
    item = woo_order()["line_items"][0] | {"meta_data": [{"key": "_license_keys", "value": value}]}
    load(importer, woo_order(line_items=[item]))
    serials = LicensedLine.objects.order_by("license__serial").values_list("license__serial", flat=True)
    assert list(serials) == ["XAAB-1", "XAAB-2"]


@pytest.mark.parametrize("word", ["auto-draft", "checkout-draft", "Storniert", "Payment failed", "wc-shipped"])
def test_words_that_woocommerce_does_not_have_are_asked(importer: Importer, word: str) -> None:
    assert load(importer, woo_order(status=word)).tally == (0, 0, 0, 1)
    assert importer(table(WOO_ROW | {"status": word}), store="shop").tally == (0, 0, 0, 1)
    assert StatusMeaning.objects.get().format == "woocommerce"
    StatusMeaning.objects.update(meaning="cancelled")
    assert load(importer, woo_order(status=word)).tally == (1, 0, 0, 0)
    assert the_order("812").status == "cancelled"


def test_words_that_stripe_does_not_have_are_asked(importer: Importer) -> None:
    bare_order()
    assert load(importer, charge(status="zahlung fehlgeschlagen")).tally == (0, 0, 0, 1)
    assert StatusMeaning.objects.get().word == "zahlung-fehlgeschlagen"
    StatusMeaning.objects.update(meaning="cancelled")
    assert "doesn’t pay for an order" in load(importer, charge(status="zahlung fehlgeschlagen")).said


def test_duplicate_columns_of_shopify_must_not_differ(importer: Importer) -> None:
    header, row = table(shopify_row()).splitlines()
    result = importer(f"{header},Total\n{row},1.00\n", store="shop")
    assert result.tally == (0, 0, 0, 1)
    assert "has several columns named “total”" in result.said
    assert importer(f"{header},Tags,Tags\n{row},a,b\n", store="shop").tally == (1, 0, 0, 0)
