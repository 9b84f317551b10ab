"""2Checkout's instant payment notifications, as they were posted or as JSON."""

import json
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from intake.models import StatusMeaning
from licenses.models import LicensedLine
from tests.intake.exports import Importer, Result, run_import, the_order

pytestmark = pytest.mark.django_db

NUMBER = "129611332"
IPN: dict[str, Any] = {
    "SALEDATE": "2026-11-01 11:00:00",
    "PAYMENTDATE": "2026-11-01 11:00:30",
    "COMPLETE_DATE": "2026-11-01 11:01:00",
    "REFNO": NUMBER,
    "REFNOEXT": "80",
    "ORIGINAL_REFNOEXT[]": [""],
    "ORDERNO": "17",
    "ORDERSTATUS": "COMPLETE",
    "PAYMETHOD": "Visa/MasterCard",
    "FIRSTNAME": "Ann",
    "LASTNAME": "Beispiel",
    "COMPANY": "",
    "FISCALCODE": "",
    "ADDRESS1": "Beispielweg 1",
    "ADDRESS2": "",
    "CITY": "Köln",
    "STATE": "",
    "ZIPCODE": "50667",
    "COUNTRY_CODE": "de",
    "CUSTOMEREMAIL": "ann@example.com",
    "TIMEZONE_OFFSET": "GMT+02:00",
    "CURRENCY": "EUR",
    "LANGUAGE": "de",
    "IPN_PID[]": ["4501", "4502"],
    "IPN_PNAME[]": ["Antivirus", "Backup"],
    "IPN_PCODE[]": ["AV-1", ""],
    "IPN_QTY[]": ["2", "1"],
    "IPN_PRICE[]": ["35.00", "30.00"],
    "IPN_VAT[]": ["11.40", "5.70"],
    "IPN_VAT_RATE[]": ["19.00", "19.00"],
    "IPN_DISCOUNT[]": ["10.00", "0.00"],
    "IPN_LICENSE_PROD[]": ["4501", "4502"],
    "IPN_LICENSE_REF[]": ["9WITYHQ6NF", "XRILXB9ZI3"],
    "IPN_LICENSE_EXP[]": ["2027-11-01 11:00:00", "9999-12-31 23:59:59"],
    "IPN_LICENSE_START[]": ["2026-11-01 11:00:00", "2026-11-01 11:00:00"],
    "IPN_LICENSE_LIFETIME[]": ["NO", "YES"],
    "IPN_DELIVEREDCODES[]": ["XAAB-1,XAAB-2", "XAAC-1"],
    "IPN_TOTAL[]": ["71.40", "35.70"],
    "IPN_TOTALGENERAL": "107.10",
    "IPN_SHIPPING": "0.00",
    "IPN_SHIPPING_TAX": "0.00",
    "REFUND_TYPE": "",
    "CHARGEBACK_RESOLUTION": "NONE",
    "TEST_ORDER": "0",
    "FRAUD_STATUS": "APPROVED",
    "CARD_TYPE": "Visa",
    "CARD_LAST_DIGITS": "4242",
    "MESSAGE_ID": "250447182633",
    "MESSAGE_TYPE": "COMPLETE",
    "IPN_DATE": "20261101110200",
}
REFUND = {
    "ORDERSTATUS": "REFUND",
    "MESSAGE_TYPE": "REFUND",
    "REFUND_TYPE": "TOTAL",
    "IPN_TOTALGENERAL": "-107.10",
    "IPN_TOTAL[]": ["-71.40", "-35.70"],
    "MESSAGE_ID": "250447182700",
    "IPN_DATE": "20261105100000",
}


def ipn(**changes: Any) -> dict[str, Any]:
    """Return a notification. An underscore at the end of a name is replaced by brackets."""
    named = {f"{key[:-1]}[]" if key.endswith("_") else key: value for key, value in changes.items()}
    return deepcopy(IPN) | named


def form(notification: dict[str, Any]) -> str:
    return urlencode(notification, doseq=True)


def load(importer: Importer, *notifications: dict[str, Any]) -> Result:
    return importer("".join(f"{form(each)}\n" for each in notifications), name="ipn.txt", store="shop")


@pytest.mark.parametrize(
    "write",
    [
        form,
        lambda each: form(each).replace("%5B%5D", "[]"),
        json.dumps,
        lambda each: json.dumps([{key.removesuffix("[]"): value for key, value in each.items()}], indent=1),
    ],
)
def test_an_order_is_read_as_form_and_as_json(importer: Importer, write: Any) -> None:
    result = importer(write(ipn()), name="ipn.txt", store="shop")
    assert result.tally == (1, 0, 0, 0), result.said
    found = the_order(NUMBER)
    assert found.placed_at == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert (found.status, found.store_email, found.language, found.is_test) == (
        "completed",
        "ann@example.com",
        "de",
        False,
    )
    assert (found.currency, found.subtotal, found.discount, found.tax, found.total) == (
        "EUR",
        Decimal(100),
        Decimal(10),
        Decimal("17.10"),
        Decimal("107.10"),
    )
    assert (found.payment_method, found.card_brand, found.card_last4) == ("Visa/MasterCard", "visa", "4242")
    assert (found.billing_name, found.billing_city, found.billing_postcode, found.billing_country) == (
        "Ann Beispiel",
        "Köln",
        "50667",
        "DE",
    )
    antivirus, backup = found.lines.order_by("position")
    assert (antivirus.store_line_id, antivirus.sku, antivirus.quantity, antivirus.tax_rate) == (
        "4501",
        "AV-1",
        2,
        Decimal(19),
    )
    assert (antivirus.unit_price, antivirus.discount, antivirus.tax, antivirus.total) == (
        Decimal(35),
        Decimal(10),
        Decimal("11.40"),
        Decimal("71.40"),
    )
    assert backup.sku == "4502"
    links = LicensedLine.objects.order_by("license__serial").values_list("license__serial", "starts_on", "expires_on")
    start = date(2026, 11, 1)
    assert list(links) == [
        ("XAAB-1", start, date(2027, 11, 1)),
        ("XAAB-2", start, date(2027, 11, 1)),
        ("XAAC-1", start, None),
    ]
    assert load(importer, ipn()).counts["rejected"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"IPN_VAT_": ["5.70", "5.70"]},  # of a unit
        {"IPN_TOTAL_": ["60.00", "30.00"]},  # without tax
        {"IPN_PRICE_": ["30.00", "30.00"]},  # after the discount
    ],
)
def test_lines_add_up_to_the_total_in_any_notation(importer: Importer, changes: dict[str, Any]) -> None:
    assert load(importer, ipn(**changes)).tally == (1, 0, 0, 0)
    lines = the_order(NUMBER).lines.order_by("position")
    assert [(line.unit_price, line.tax, line.total) for line in lines] == [
        (Decimal(35), Decimal("11.40"), Decimal("71.40")),
        (Decimal(30), Decimal("5.70"), Decimal("35.70")),
    ]


def test_shipping_is_a_line(importer: Importer) -> None:
    load(importer, ipn(IPN_SHIPPING="5.00", IPN_SHIPPING_TAX="0.95", IPN_TOTALGENERAL="113.05"))
    found = the_order(NUMBER)
    assert found.lines.get(store_line_id="shipping").total == Decimal("5.95")
    assert sum(line.total for line in found.lines.all()) == found.total == Decimal("113.05")


@pytest.mark.parametrize(
    ("currency", "prices", "total"),
    [("JPY", ["1000.00", "500.00"], "1500.00"), ("KWD", ["1.250", "0.125"], "1.375")],
)
def test_currencies_with_no_or_three_decimals(importer: Importer, currency: str, prices: list[str], total: str) -> None:
    changes = {"IPN_VAT_": ["0", "0"], "IPN_DISCOUNT_": ["0", "0"], "IPN_QTY_": ["1", "1"], "IPN_VAT_RATE_": ["0", "0"]}
    changed = ipn(CURRENCY=currency, IPN_PRICE_=prices, IPN_TOTAL_=prices, IPN_TOTALGENERAL=total, **changes)
    assert load(importer, changed).tally == (1, 0, 0, 0)
    found = the_order(NUMBER)
    assert found.total == Decimal(total)
    assert sorted(line.unit_price for line in found.lines.all()) == sorted(map(Decimal, prices))


def test_a_test_order_is_marked(importer: Importer) -> None:
    load(importer, ipn(TEST_ORDER="1"))
    assert the_order(NUMBER).is_test


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", "pending"),
        ("PAYMENT_AUTHORIZED", "pending"),
        ("PAYMENT_RECEIVED", "pending"),
        ("CANCELED", "cancelled"),
        ("REVERSED", "cancelled"),
    ],
)
def test_the_words_for_a_status(importer: Importer, word: str, status: str) -> None:
    load(importer, ipn(ORDERSTATUS=word))
    assert the_order(NUMBER).status == status


def test_a_chargeback_is_reported_in_addition_to_the_status(importer: Importer) -> None:
    load(importer, ipn())
    load(importer, ipn(CHARGEBACK_RESOLUTION="OPEN", IPN_DATE="20261102110200"))
    assert the_order(NUMBER).status == "charged_back"


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"ORDERSTATUS": "SUSPECT"}, "suspect"), ({"CHARGEBACK_RESOLUTION": "PARKED"}, "chargeback-parked")],
)
def test_an_unknown_status_is_asked(importer: Importer, changes: dict[str, Any], word: str) -> None:
    assert load(importer, ipn(**changes)).tally == (0, 0, 0, 1)
    assert StatusMeaning.objects.get().word == word
    StatusMeaning.objects.update(meaning="pending")
    assert load(importer, ipn(**changes)).tally == (1, 0, 0, 0)


def test_notifications_that_arrive_late_do_not_move_an_order_back(importer: Importer) -> None:
    load(importer, ipn())
    load(importer, ipn(ORDERSTATUS="PENDING", CUSTOMEREMAIL="typo@example.com", IPN_DATE="20261101110005"))
    found = the_order(NUMBER)
    assert (found.status, found.store_email) == ("completed", "ann@example.com")


def test_keys_that_are_switched_off_keep_what_is_stored(importer: Importer) -> None:
    load(importer, ipn())
    off = ("CARD_LAST_DIGITS", "CITY", "LANGUAGE", "TEST_ORDER", "IPN_DELIVEREDCODES[]", "IPN_VAT_RATE[]")
    less = {key: value for key, value in ipn(IPN_DATE="20261101120000").items() if key not in off}
    assert load(importer, less).counts["rejected"] == 0
    found = the_order(NUMBER)
    assert (found.card_last4, found.billing_city, found.language) == ("4242", "Köln", "de")
    assert LicensedLine.objects.filter(order=found).count() == 3
    assert set(found.lines.values_list("tax_rate", flat=True)) == {Decimal(19)}


@pytest.mark.parametrize(("codes", "extends"), [("XAAB-1", "XAAB-1"), ("", "")])
def test_a_renewal_extends_the_delivered_code(importer: Importer, codes: str, extends: str) -> None:
    changes = {"ORIGINAL_REFNOEXT_": ["79"], "IPN_DELIVEREDCODES_": [codes, ""]}
    load(importer, ipn(**changes))
    line = the_order(NUMBER).lines.get(store_line_id="4501")
    assert (line.kind, line.extends_serial) == ("renewal", extends)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"IPN_QTY_": ["1"]}, "IPN_QTY has 1 values for 2 products"),
        ({"IPN_DELIVEREDCODES_": ["XAAB-1"]}, "IPN_DELIVEREDCODES doesn’t name the product of each code."),
        ({"SALEDATE": "01.11.2026"}, "SALEDATE isn’t a date and time"),
        ({"TEST_ORDER": "maybe"}, "TEST_ORDER must be 0 or 1."),
        ({"CARD_LAST_DIGITS": "4242424242424242"}, "CARD_LAST_DIGITS must be the last 4 digits of a card."),
        ({"REFNO": ""}, "REFNO or ORDERSTATUS is missing"),
    ],
)
def test_unknown_values_are_refused(importer: Importer, changes: dict[str, Any], sentence: str) -> None:
    result = load(importer, ipn(**changes))
    assert result.tally == (0, 0, 0, 1)
    assert sentence in result.said
    assert "4242424242424242" not in result.said


def test_rejects_hold_no_card_number_and_can_be_imported(importer: Importer, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.txt"
    path = tmp_path / "ipn.txt"
    path.write_text(form(ipn(ADDRESS2="4242 4242 4242 4242")))
    assert run_import(path, store="shop", rejects=rejects).tally == (0, 0, 0, 1)
    assert "4242 4242 4242" not in rejects.read_text()
    assert "4242+4242" not in rejects.read_text()
    assert NUMBER in rejects.read_text()
    assert run_import(rejects, store="shop").tally == (1, 0, 0, 0)


# --- Refunds -------------------------------------------------------------------------------------------


def test_a_refund_of_all_is_recorded_once(importer: Importer) -> None:
    load(importer, ipn())
    load(importer, ipn(**REFUND))
    load(importer, ipn(**REFUND | {"IPN_DATE": "20261105110000"}))
    found = the_order(NUMBER)
    assert (found.status, found.total) == ("refunded", Decimal("107.10"))
    recorded = found.refunds.get()
    assert (recorded.amount, recorded.refunded_at) == (Decimal("107.10"), datetime(2026, 11, 5, 8, tzinfo=UTC))


def test_partial_refunds_are_known_by_their_messages(importer: Importer) -> None:
    load(importer, ipn())
    part = REFUND | {"REFUND_TYPE": "PARTIAL", "IPN_TOTALGENERAL": "-10.00"}
    load(importer, ipn(**part))
    load(importer, ipn(**part))
    load(importer, ipn(**part | {"MESSAGE_ID": "250447182799"}))
    found = the_order(NUMBER)
    assert (found.status, sorted(found.refunds.values_list("amount", flat=True))) == (
        "partially_refunded",
        [Decimal(10), Decimal(10)],
    )
    load(importer, ipn(**REFUND | {"IPN_DATE": "20261106100000"}))
    assert sum(the_order(NUMBER).refunds.values_list("amount", flat=True)) == Decimal("107.10")


def test_a_partial_refund_without_its_message_is_refused(importer: Importer) -> None:
    load(importer, ipn())
    assert "MESSAGE_ID" in load(importer, ipn(**REFUND | {"REFUND_TYPE": "PARTIAL", "MESSAGE_ID": ""})).said
    assert not the_order(NUMBER).refunds.exists()


def test_a_refund_before_its_order_can_be_tried_again(importer: Importer) -> None:
    result = load(importer, ipn(**REFUND))
    assert result.counts["rejects"][0]["code"] == "order_not_found"
    load(importer, ipn())
    assert load(importer, ipn(**REFUND)).tally == (0, 1, 0, 0)


def test_what_was_canceled_keeps_the_amounts_of_the_order(importer: Importer) -> None:
    load(importer, ipn(ORDERSTATUS="PAYMENT_AUTHORIZED"))
    changes = {"IPN_TOTALGENERAL": "-107.10", "IPN_TOTAL_": ["-71.40", "-35.70"], "IPN_DATE": "20261101120000"}
    load(importer, ipn(ORDERSTATUS="REVERSED", **changes))
    found = the_order(NUMBER)
    assert (found.status, found.total) == ("cancelled", Decimal("107.10"))
