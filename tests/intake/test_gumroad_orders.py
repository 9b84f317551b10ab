"""Gumroad's sales: the CSV and pings."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from licenses.models import License
from tests.intake.exports import Importer, Result, table, the_order

pytestmark = pytest.mark.django_db

NUMBER = "524459935"
SALE: dict[str, Any] = {
    "Purchase ID": "FO8TXN-dbxYaBdahG97Y-Q==",
    "Item Name": "Antivirus",
    "Buyer Name": "Ann Beispiel",
    "Purchase Email": "ann@example.com",
    "Buyer Email": "",
    "Do not contact?": "0",
    "Purchase Date": "2026-11-01",
    "Purchase Time (UTC timezone)": "2026-11-01 09:00:00 UTC",
    "Subtotal ($)": "20.0",
    "Taxes ($)": "2.0",
    "Shipping ($)": "5.0",
    "Sale Price ($)": "27.0",
    "Fees ($)": "2.7",
    "Net Total ($)": "24.3",
    "Street Address": "1 Main Street",
    "City": "Springfield",
    "Zip Code": "01234",
    "State": "MA",
    "Country": "United States",
    "Refunded?": "0",
    "Partial Refund ($)": "0.0",
    "Fully Refunded?": "0",
    "Disputed?": "0",
    "Dispute Won?": "0",
    "Variants": "3 devices",
    "Recurring Charge?": "0",
    "Pre-order authorization?": "0",
    "Product ID": "QMGY",
    "Order Number": NUMBER,
    "SKU ID": "",
    "Quantity": "2",
    "License Key": "85DB562A-C11D4B06",
    "Payment Type": "Card",
    "Stripe Transaction ID": "ch_1",
}
PING: dict[str, Any] = {
    "seller_id": "kL0psVL2admJSYRNs-OCMg==",
    "product_name": "Antivirus",
    "product_permalink": "https://acme.example.com/l/antivirus",
    "short_product_id": "QMGY",
    "email": "ann@example.com",
    "full_name": "Ann Beispiel",
    "price": "2700",
    "gumroad_fee": "270",
    "currency": "eur",
    "quantity": "2",
    "order_number": NUMBER,
    "sale_id": "FO8TXN-dbxYaBdahG97Y-Q==",
    "sale_timestamp": "2026-11-01T09:00:00Z",
    "license_key": "85DB562A-C11D4B06",
    "card[visual]": "**** **** **** 4242",
    "card[type]": "visa",
    "refunded": "false",
    "disputed": "false",
    "dispute_won": "false",
    "resource_name": "sale",
}


def row(**changes: Any) -> dict[str, Any]:
    """A sale of the CSV. Underscores in names stand for spaces."""
    return SALE | {key.replace("_", " "): value for key, value in changes.items()}


def totals_row(*columns: str) -> dict[str, Any]:
    return dict.fromkeys(SALE, "") | {"Purchase ID": "Totals", "Sale Price ($)": "27.0"} | dict.fromkeys(columns, "1.0")


def ping(**changes: Any) -> dict[str, Any]:
    return deepcopy(PING) | changes


def load(importer: Importer, *rows: dict[str, Any], delimiter: str = ",") -> Result:
    return importer(table(*rows, delimiter=delimiter), name="sales.csv", store="shop")


def load_ping(importer: Importer, *pings: dict[str, Any]) -> Result:
    return importer("".join(f"{urlencode(each)}\n" for each in pings), name="pings.txt", store="shop")


def test_a_sale_of_the_csv_is_an_order(importer: Importer) -> None:
    result = load(importer, row(), totals_row())
    assert result.tally == (1, 0, 0, 0), result.said
    found = the_order(NUMBER)
    assert (found.placed_at, found.status) == (datetime(2026, 11, 1, 9, tzinfo=UTC), "completed")
    assert (found.store_email, found.currency, found.payment_method) == ("ann@example.com", "USD", "Card")
    assert (found.subtotal, found.tax, found.total) == (Decimal(25), Decimal(2), Decimal(27))
    assert (found.billing_name, found.billing_address, found.billing_city, found.billing_postcode) == (
        "Ann Beispiel",
        "1 Main Street\nUnited States",
        "Springfield, MA",
        "01234",
    )
    item, shipping = found.lines.order_by("position")
    assert (item.name, item.sku, item.quantity) == ("Antivirus, 3 devices", "QMGY", 2)
    assert (item.unit_price, item.tax, item.total, shipping.total) == (Decimal(10), Decimal(2), Decimal(22), Decimal(5))
    assert License.objects.get().serial == "85DB562A-C11D4B06"
    assert load(importer, row(), totals_row()).tally == (0, 0, 1, 0)


def test_a_file_from_a_german_spreadsheet_is_the_same(importer: Importer) -> None:
    load(importer, row())
    amounts = {key: str(value).replace(".", ",") for key, value in SALE.items() if key.endswith("($)")}
    dates = {"Purchase Date": "01.11.2026", "Purchase Time (UTC timezone)": "2026-11-01 09:00:00 UTC"}
    result = load(importer, SALE | amounts | dates, delimiter=";")
    assert result.counts["rejected"] == 0, result.said
    assert (the_order(NUMBER).total, the_order(NUMBER).tax) == (Decimal(27), Decimal(2))


@pytest.mark.parametrize(
    ("changes", "status", "refunded"),
    [
        ({"Fully Refunded?": "1", "Refunded?": "1"}, "refunded", Decimal(27)),
        ({"Partial Refund ($)": "7.5", "Refunded?": "1"}, "partially_refunded", Decimal("7.5")),
        ({"Disputed?": "1"}, "charged_back", None),
        ({"Disputed?": "1", "Dispute Won?": "1"}, "completed", None),
        ({"Pre-order authorization?": "1"}, "pending", None),
    ],
)
def test_columns_determine_the_status(
    importer: Importer, changes: dict[str, str], status: str, refunded: Decimal | None
) -> None:
    load(importer, row() | changes)
    found = the_order(NUMBER)
    assert found.status == status
    assert [refund.amount for refund in found.refunds.all()] == ([refunded] if refunded else [])


def test_refunds_grow_and_are_recorded_once(importer: Importer) -> None:
    load(importer, row())
    for partial in ("5.0", "5.0", "12.0"):
        load(importer, row() | {"Partial Refund ($)": partial, "Refunded?": "1"})
    load(importer, row() | {"Fully Refunded?": "1", "Refunded?": "1"})
    found = the_order(NUMBER)
    assert sorted(found.refunds.values_list("amount", flat=True)) == [Decimal(5), Decimal(7), Decimal(15)]
    assert found.status == "refunded"


def test_an_older_export_does_not_move_a_sale_back(importer: Importer) -> None:
    load(importer, row() | {"Fully Refunded?": "1", "Refunded?": "1"})
    load(importer, row() | {"Referrer": "direct"})
    assert the_order(NUMBER).status == "refunded"


@pytest.mark.parametrize(("flag", "kind", "extends"), [("1", "renewal", "85DB562A-C11D4B06"), ("0", "new", "")])
def test_a_recurring_charge_renews(importer: Importer, flag: str, kind: str, extends: str) -> None:
    load(importer, row() | {"Recurring Charge?": flag})
    line = the_order(NUMBER).lines.exclude(store_line_id="shipping").get()
    assert (line.kind, line.extends_serial) == (kind, extends)


def test_columns_that_are_left_out_keep_what_is_stored(importer: Importer) -> None:
    load(importer, row())
    off = ("Street Address", "License Key", "Payment Type", "Taxes ($)", "Buyer Name", "Fully Refunded?")
    result = load(importer, {key: value for key, value in row().items() if key not in off})
    assert result.counts["rejected"] == 0, result.said
    found = the_order(NUMBER)
    assert (found.billing_city, found.payment_method, found.tax, found.billing_name) == (
        "Springfield, MA",
        "Card",
        Decimal(2),
        "Ann Beispiel",
    )
    assert found.lines.filter(licensed_lines__isnull=False).exists()


def test_without_a_street_the_place_is_only_that_of_the_connection(importer: Importer) -> None:
    load(importer, row() | {"Street Address": ""})
    found = the_order(NUMBER)
    assert (found.billing_city, found.billing_country, found.billing_address) == ("", "", "")


def test_a_custom_field_with_the_name_of_a_column_changes_nothing(importer: Importer) -> None:
    header, sale = table(row()).splitlines()
    content = f"{header},Order Number,Country\n{sale},my order,Narnia\n"
    assert importer(content, name="sales.csv", store="shop").tally == (1, 0, 0, 0)
    assert the_order(NUMBER).billing_address.endswith("United States")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"Fully Refunded?": "maybe"}, "must be yes or no."),
        ({"Order Number": ""}, "its order number or its sale ID is missing"),
        ({"Sale Price ($)": "a lot"}, "isn’t an amount"),
        ({"Quantity": "1.5"}, "isn’t a quantity"),
    ],
)
def test_unknown_values_are_refused(importer: Importer, changes: dict[str, str], sentence: str) -> None:
    result = load(importer, row() | changes)
    assert result.tally == (0, 0, 0, 1)
    assert sentence in result.said


# --- Pings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        urlencode,
        json.dumps,
        lambda each: json.dumps({"success": True, "purchase": each | {"card": {"visual": "*4242", "type": "Visa"}}}),
    ],
)
def test_a_ping_is_an_order(importer: Importer, write: Any) -> None:
    result = importer(write(ping()), name="ping.txt", store="shop")
    assert result.tally == (1, 0, 0, 0), result.said
    found = the_order(NUMBER)
    assert (found.placed_at, found.status) == (datetime(2026, 11, 1, 9, tzinfo=UTC), "completed")
    # The price is in US dollars, regardless of the product's currency.
    assert (found.currency, found.total, found.store_email) == ("USD", Decimal(27), "ann@example.com")
    assert (found.card_brand, found.card_last4) == ("visa", "4242")
    assert (found.lines.get().sku, found.lines.get().quantity) == ("QMGY", 2)
    assert License.objects.get().serial == "85DB562A-C11D4B06"


def test_a_ping_and_the_csv_are_the_same_order(importer: Importer) -> None:
    load_ping(importer, ping())
    load(importer, row())
    found = the_order(NUMBER)
    assert (found.card_last4, found.tax, found.lines.exclude(store_line_id="shipping").count()) == (
        "4242",
        Decimal(2),
        1,
    )


def test_a_test_ping_is_marked(importer: Importer) -> None:
    load_ping(importer, ping(test="true"))
    assert the_order(NUMBER).is_test


def test_pings_in_any_order_end_in_the_same_state(importer: Importer) -> None:
    load_ping(importer, ping(refunded="true", resource_name="refund"))
    load_ping(importer, ping())
    found = the_order(NUMBER)
    assert (found.status, found.refunds.get().amount) == ("refunded", Decimal(27))


def test_a_partial_refund_without_its_amount_is_refused(importer: Importer) -> None:
    load_ping(importer, ping())
    assert "Import the sales CSV" in load_ping(importer, ping(resource_name="refund")).said
    assert not the_order(NUMBER).refunds.exists()


def test_a_ping_about_a_subscription_is_refused(importer: Importer) -> None:
    values = {"subscription_id": "s1", "product_id": "p1", "resource_name": "cancellation", "cancelled": "true"}
    result = importer(json.dumps(values), name="ping.json", store="shop", format="gumroad")
    assert result.counts["rejects"][0]["code"] == "not_an_order"


def test_a_card_is_only_its_last_digits(importer: Importer) -> None:
    load_ping(importer, ping(**{"card[visual]": "ann@paypal.example.com", "card[type]": "paypal"}))
    assert the_order(NUMBER).card_last4 == ""
