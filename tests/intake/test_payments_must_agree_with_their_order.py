"""A payment is added to an order only if live mode, currency and amount agree, or the store's own export names it."""

import json
from typing import Any

import pytest

from orders.models import Order
from tests.intake.exports import Importer, Result, shopify_row, table, the_order
from tests.intake.test_stripe_payments import NEW_COLUMNS, bare_order, charge, event

pytestmark = pytest.mark.django_db

NAMED: dict[str, Any] = {"metadata": {"order_id": "1001"}, "billing_details": {}}


def load(importer: Importer, value: object) -> Result:
    return importer(json.dumps(value), name="stripe.json", store="shop")


def refused(result: Result, sentence: str) -> None:
    assert result.tally == (0, 0, 0, 1)
    assert sentence in result.said
    assert Order.objects.get().card_last4 == ""


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"livemode": False}, "test mode"),
        ({"amount": 1}, "doesn’t match its order’s total of"),
        ({"currency": "usd"}, "doesn’t match its order’s total of"),
        ({"amount": None}, "has no amount"),
    ],
)
@pytest.mark.parametrize("wrap", [charge, lambda **changes: event(charge(**changes))])
def test_a_payment_that_names_an_order_by_number_must_agree(
    importer: Importer, changes: dict[str, Any], sentence: str, wrap: Any
) -> None:
    bare_order()
    refused(load(importer, wrap(**NAMED | changes)), sentence)


def test_the_mode_of_an_event_is_that_of_its_payment(importer: Importer) -> None:
    bare_order()
    refused(load(importer, event(charge(**NAMED)) | {"livemode": False}), "test mode")


def test_a_payment_that_agrees_completes_the_order(importer: Importer) -> None:
    bare_order()
    assert load(importer, charge(**NAMED, livemode=True)).tally == (0, 1, 0, 0)
    assert Order.objects.get().card_last4 == "4242"


@pytest.mark.parametrize(("is_live", "taken"), [(True, 0), (False, 1)])
def test_a_test_order_is_paid_by_a_test_payment(importer: Importer, is_live: bool, taken: int) -> None:
    bare_order(is_test=True)
    assert load(importer, charge(**NAMED, livemode=is_live)).counts["updated"] == taken


def test_a_test_payment_finds_no_order_by_its_payer(importer: Importer) -> None:
    bare_order()
    refused(load(importer, charge(livemode=False)), "No matching order of this store was found.")


@pytest.mark.parametrize(("is_live", "taken"), [(True, 1), (False, 0)])
def test_the_stores_own_reference_names_a_payment_of_another_amount(
    importer: Importer, is_live: bool, taken: int
) -> None:
    importer.shopify(shopify_row(Payment_Reference="ch_1"))
    assert load(importer, charge(amount=5000, livemode=is_live)).counts["updated"] == taken


def test_the_stores_own_reference_takes_precedence_over_a_payments_number(importer: Importer) -> None:
    importer.shopify(shopify_row(Payment_Reference="ch_1"), shopify_row(Name="#1002"))
    load(importer, charge(metadata={"order_id": "1002"}))
    assert (the_order("#1001").card_last4, the_order("#1002").card_last4) == ("4242", "")


def test_a_session_that_does_not_agree_links_no_later_charge(importer: Importer) -> None:
    bare_order()
    session = {
        "id": "cs_1",
        "object": "checkout.session",
        "payment_status": "paid",
        "client_reference_id": "1001",
        "payment_intent": "pi_1",
        "amount_total": 1,
        "currency": "eur",
    }
    assert load(importer, session).tally == (0, 0, 0, 1)
    assert load(importer, charge(billing_details={}, amount=1)).tally == (0, 0, 0, 1)


@pytest.mark.parametrize(("mode", "taken"), [("Live", 1), ("test", 0), ("Test", 0), ("sandbox", 0), ("", 1)])
def test_the_column_mode_of_the_dashboards_export(importer: Importer, mode: str, taken: int) -> None:
    bare_order()
    row = NEW_COLUMNS | {"Mode": mode, "Client Reference ID": "1001"}
    assert importer(table(row), store="shop").counts["updated"] == taken


@pytest.mark.parametrize("status", ["Failed", "Canceled", "requires_payment_method", "Pending", "Incomplete"])
def test_a_payment_that_was_not_made_completes_nothing(importer: Importer, status: str) -> None:
    bare_order()
    assert importer(table(NEW_COLUMNS | {"Status": status}), store="shop").tally == (0, 0, 0, 1)
