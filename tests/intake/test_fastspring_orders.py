"""FastSpring's orders, renewals and returns, from webhooks and from its API."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from intake.models import StatusMeaning
from licenses.models import License
from tests.intake.exports import Importer, Result, the_order

pytestmark = pytest.mark.django_db

NUMBER = "ACME261101-1234-56789"
PLACED_AT = datetime(2026, 11, 1, 9, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


ORDER: dict[str, Any] = {
    "order": "oRdErId1",
    "id": "oRdErId1",
    "reference": NUMBER,
    "completed": True,
    "changed": milliseconds(PLACED_AT),
    "language": "de",
    "live": True,
    "currency": "EUR",
    "payoutCurrency": "USD",
    "account": "aCcOuNt1",
    "total": 107.1,
    "tax": 17.1,
    "subtotal": 90,
    "discount": 10,
    "payment": {"type": "creditcard", "creditcard": "visa", "cardEnding": "4242"},
    "customer": {"first": "Ann", "last": "Beispiel", "email": "ann@example.com", "company": None, "phone": "0221 1"},
    "address": {
        "addressLine1": "Beispielweg 1",
        "city": "Köln",
        "postalCode": "50667",
        "country": "DE",
        "display": "Köln, DE",
    },
    "items": [
        {
            "product": "antivirus",
            "quantity": 2,
            "display": "Antivirus",
            "sku": "AV-1",
            "subtotal": 60,
            "discount": 10,
            "fulfillments": {
                "antivirus_license_0": [
                    {"license": "XAAB-1", "display": "License Key", "type": "license"},
                    {"license": "XAAB-2", "display": "License Key", "type": "license"},
                ],
                "antivirus_file_0": [{"display": "setup.exe", "type": "file", "file": "https://example.com/1"}],
            },
        },
        {"product": "backup", "quantity": 1, "display": "Backup", "sku": None, "subtotal": 30, "discount": 0},
    ],
}
RETURN: dict[str, Any] = {
    "return": "rEtUrN1",
    "reference": f"{NUMBER}D",
    "completed": True,
    "changed": milliseconds(datetime(2026, 11, 5, 8, tzinfo=UTC)),
    "live": True,
    "currency": "EUR",
    "payoutCurrency": "USD",
    "totalReturn": 107.1,
    "items": [{"product": "antivirus", "quantity": 2, "subtotal": 60}, {"product": "backup", "quantity": 1}],
    "original": {"id": "oRdErId1", "reference": NUMBER, "currency": "EUR", "total": 107.1},
}


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def refund(**changes: Any) -> dict[str, Any]:
    return deepcopy(RETURN) | changes


def event(data: dict[str, Any], kind: str = "order.completed") -> dict[str, Any]:
    return {"id": "eVeNt1", "created": data.get("changed"), "type": kind, "live": data.get("live"), "data": data}


def load(importer: Importer, *values: object) -> Result:
    return importer("\n".join(json.dumps(value, indent=1) for value in values), name="fastspring.json", store="shop")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: {"events": [event(data)]},
        event,
        lambda data: {"action": "order.get", "result": "success", "orders": [data]},
        lambda data: data,
    ],
)
def test_an_order_is_read_however_it_is_wrapped(importer: Importer, wrap: Any) -> None:
    result = load(importer, wrap(order()))
    assert result.tally == (1, 0, 0, 0), result.said
    found = the_order(NUMBER)
    assert (found.placed_at, found.status, found.store_email) == (PLACED_AT, "completed", "ann@example.com")
    assert (found.currency, found.subtotal, found.discount, found.tax, found.total) == (
        "EUR",
        Decimal(100),
        Decimal(10),
        Decimal("17.10"),
        Decimal("107.10"),
    )
    assert (found.payment_method, found.card_brand, found.card_last4) == ("creditcard", "visa", "4242")
    assert (found.billing_name, found.billing_city, found.billing_country) == ("Ann Beispiel", "Köln", "DE")
    assert (found.is_test, found.language) == (False, "de")
    antivirus, backup = found.lines.order_by("position")
    assert (antivirus.store_line_id, antivirus.sku, antivirus.quantity) == ("antivirus", "AV-1", 2)
    assert (antivirus.unit_price, antivirus.discount, antivirus.tax, antivirus.total) == (
        Decimal(35),
        Decimal(10),
        Decimal("11.40"),
        Decimal("71.40"),
    )
    assert (backup.sku, backup.tax, backup.total) == ("backup", Decimal("5.70"), Decimal("35.70"))
    assert sorted(License.objects.values_list("serial", flat=True)) == ["XAAB-1", "XAAB-2"]
    assert load(importer, wrap(order())).tally == (0, 0, 1, 0)


def test_tax_that_prices_include_is_taken_out_of_the_prices(importer: Importer) -> None:
    load(importer, order(total=90, tax=14.37))
    found = the_order(NUMBER)
    lines = found.lines.all()
    assert sum(line.total for line in lines) == found.total == Decimal(90)
    assert sum(line.tax for line in lines) == Decimal("14.37")
    assert found.subtotal == Decimal(90) - Decimal("14.37") + 10


@pytest.mark.parametrize(
    ("currency", "total", "tax", "subtotal"), [("JPY", 1100, 100, 1000), ("KWD", "11.055", "1.055", 10)]
)
def test_currencies_with_no_or_three_decimals(
    importer: Importer, currency: str, total: Any, tax: Any, subtotal: Any
) -> None:
    items = [{"product": name, "quantity": 1, "subtotal": Decimal(subtotal) / 2} for name in ("antivirus", "backup")]
    text = json.dumps(order(currency=currency, total=total, tax=tax, discount=0, items=items), default=str)
    assert importer(text, name="fastspring.json", store="shop").tally == (1, 0, 0, 0)
    found = the_order(NUMBER)
    assert (found.total, found.tax) == (Decimal(total), Decimal(tax))
    assert sum(line.total for line in found.lines.all()) == Decimal(total)


def test_a_test_order_is_marked(importer: Importer) -> None:
    load(importer, event(order(live=False)))
    assert the_order(NUMBER).is_test


def test_the_day_in_the_reference_is_kept_when_the_order_changes_later(importer: Importer) -> None:
    changed = datetime(2026, 12, 24, 12, tzinfo=UTC)
    load(importer, order(changed=milliseconds(changed)))
    assert the_order(NUMBER).placed_at == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("order.payment.pending", "pending"),
        ("order.approval.pending", "pending"),
        ("order.canceled", "cancelled"),
    ],
)
def test_an_event_determines_the_status(importer: Importer, kind: str, status: str) -> None:
    load(importer, event(order(completed=False), kind))
    assert the_order(NUMBER).status == status


def test_events_that_arrive_late_do_not_move_an_order_back(importer: Importer) -> None:
    load(importer, event(order(changed=ORDER["changed"] + 5000)))
    load(importer, event(order(completed=False), "order.payment.pending"))
    assert the_order(NUMBER).status == "completed"


@pytest.mark.parametrize(
    ("value", "word"),
    [(event(order(), "order.on.hold"), "order.on.hold"), (order(completed=False), "not-completed")],
)
def test_an_unknown_status_is_asked(importer: Importer, value: dict[str, Any], word: str) -> None:
    assert load(importer, value).tally == (0, 0, 0, 1)
    assert StatusMeaning.objects.get().word == word
    StatusMeaning.objects.update(meaning="pending")
    assert load(importer, value).tally == (1, 0, 0, 0)
    assert the_order(NUMBER).status == "pending"


@pytest.mark.parametrize("kind", ["subscription.activated", "order.failed", "mailingListEntry.updated"])
def test_other_events_are_refused_with_a_sentence(importer: Importer, kind: str) -> None:
    result = load(importer, event(order(), kind))
    assert result.tally == (0, 0, 0, 1)
    assert "contains no order or refund" in result.said or "payment failed" in result.said


def test_an_event_with_ids_only_says_what_to_switch_on(importer: Importer) -> None:
    charge = {"order": "oRdErId1", "currency": "EUR", "totalInPayoutCurrency": 5, "sequence": 2}
    assert "webhook expansion" in load(importer, event(charge, "subscription.charge.completed")).said


@pytest.mark.parametrize(("sequence", "kind", "extends"), [(2, "renewal", "XAAB-1"), (1, "new", "")])
def test_a_charge_of_a_subscription_renews(importer: Importer, sequence: int, kind: str, extends: str) -> None:
    item = {"product": "antivirus", "quantity": 1, "subtotal": 90, "discount": 10, "subscription": "sUb1"}
    item["fulfillments"] = {"antivirus_license_0": [{"license": "XAAB-1", "type": "license"}]}
    account = {"id": "aCcOuNt1", "contact": {"first": "Ann", "last": "Beispiel", "email": "ann@example.com"}}
    paid = order(items=[item])
    del paid["customer"]
    charge = {
        "order": paid,
        "account": account,
        "sequence": sequence,
        "status": "successful",
        "timestamp": milliseconds(PLACED_AT) - 1000,
    }
    result = load(importer, event(charge, "subscription.charge.completed"))
    assert result.tally == (1, 0, 0, 0), result.said
    found = the_order(NUMBER)
    assert found.placed_at == datetime(2026, 11, 1, 8, 59, 59, tzinfo=UTC)
    assert found.store_email == "ann@example.com"
    line = found.lines.get()
    assert (line.kind, line.extends_serial) == (kind, extends)


def test_values_missing_from_an_order_are_kept(importer: Importer) -> None:
    load(importer, order())
    less = order(changed=ORDER["changed"] + 5000)
    for key in ("payment", "address", "language", "live", "discount"):
        del less[key]
    less["items"][0].pop("fulfillments")
    assert load(importer, less).counts["rejected"] == 0
    found = the_order(NUMBER)
    assert (found.card_last4, found.billing_city, found.language, found.discount) == ("4242", "Köln", "de", Decimal(10))
    assert License.objects.filter(licensed_lines__order=found).distinct().count() == 2


def test_two_items_of_the_same_product_are_two_lines(importer: Importer) -> None:
    long_name = "a-product-path-" * 6
    items = [{"product": long_name, "quantity": 1, "subtotal": 45} for _time in range(2)]
    result = load(importer, order(items=items, discount=0))
    assert result.tally == (1, 0, 0, 0), result.said
    assert the_order(NUMBER).lines.count() == 2


# --- Returns -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap", [lambda data: {"events": [event(data, "return.created")]}, lambda data: {"returns": [data]}]
)
def test_a_full_return_refunds_an_order_once(importer: Importer, wrap: Any) -> None:
    load(importer, order())
    for expected in ((0, 1, 0, 0), (0, 0, 1, 0)):
        result = load(importer, wrap(refund()))
        assert result.tally == expected, result.said
    found = the_order(NUMBER)
    assert found.status == "refunded"
    recorded = found.refunds.get()
    assert (recorded.store_refund_id, recorded.amount) == ("rEtUrN1", Decimal("107.10"))
    assert recorded.refunded_at == datetime(2026, 11, 5, 8, tzinfo=UTC)
    assert list(found.lines.order_by("position").values_list("quantity_returned", flat=True)) == [2, 1]


def test_a_partial_return_refunds_an_amount(importer: Importer) -> None:
    load(importer, order())
    load(importer, refund(totalReturn=10, items=[{"product": "antivirus", "quantity": 2, "subtotal": 8}]))
    found = the_order(NUMBER)
    assert found.status == "partially_refunded"
    assert found.refunds.get().amount == Decimal(10)
    # The price was reduced, and nothing was returned.
    assert set(found.lines.values_list("quantity_returned", flat=True)) == {0}


def test_a_return_before_its_order_can_be_tried_again(importer: Importer) -> None:
    result = load(importer, refund())
    assert result.tally == (0, 0, 0, 1)
    assert result.counts["rejects"][0]["code"] == "order_not_found"
    load(importer, order())
    assert load(importer, refund()).tally == (0, 1, 0, 0)


def test_an_incomplete_return_is_not_a_refund(importer: Importer) -> None:
    load(importer, order())
    assert load(importer, refund(completed=False)).tally == (0, 0, 0, 1)
    assert not the_order(NUMBER).refunds.exists()


def test_a_return_in_another_currency_is_refused(importer: Importer) -> None:
    load(importer, order())
    assert "This return’s currency differs from its order’s currency." in load(importer, refund(currency="USD")).said
