"""Transactions, adjustments and customers of Paddle Billing, from its API and from its notifications."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from intake.models import StatusMeaning
from notifications.models import Message
from orders.models import Order
from tests.intake.exports import Importer, Result, the_order

pytestmark = pytest.mark.django_db

NUMBER = "txn_01kaaaaaaaaaaaaaaaaaaaaaaa"
CUSTOMER_ID = "ctm_01kcccccccccccccccccccccccc"[:30]
ITEM_1 = "txnitm_01kaaaaaaaaaaaaaaaaaaaaaa1"
ITEM_2 = "txnitm_01kaaaaaaaaaaaaaaaaaaaaaa2"
CUSTOMER: dict[str, Any] = {
    "id": CUSTOMER_ID,
    "name": "Ann Beispiel",
    "email": "ann@example.com",
    "locale": "de",
    "status": "active",
    "marketing_consent": False,
    "created_at": "2026-11-01T08:00:00Z",
    "updated_at": "2026-11-01T08:00:00Z",
}
TRANSACTION: dict[str, Any] = {
    "id": NUMBER,
    "status": "completed",
    "customer_id": CUSTOMER_ID,
    "origin": "web",
    "collection_mode": "automatic",
    "currency_code": "EUR",
    "invoice_id": "inv_01kaaaaaaaaaaaaaaaaaaaaaaa",
    "invoice_number": "77-1001",
    "custom_data": None,
    "created_at": "2026-11-01T08:00:00.123456Z",
    "billed_at": "2026-11-01T09:00:00.123456Z",
    "updated_at": "2026-11-01T09:00:05.123456Z",
    "items": [
        {"price": {"id": "pri_max", "name": "1 year", "description": "internal"}, "quantity": 3},
        {"price": {"id": "pri_eds", "name": None, "description": "Extended Download"}, "quantity": 1},
    ],
    "details": {
        "totals": {
            "subtotal": "20000",
            "discount": "1000",
            "tax": "3610",
            "total": "22610",
            "grand_total": "22610",
            "credit": "0",
            "credit_to_balance": "0",
            "fee": None,
            "currency_code": "EUR",
        },
        "line_items": [
            {
                "id": ITEM_1,
                "price_id": "pri_max",
                "quantity": 3,
                "tax_rate": "0.19",
                "totals": {"subtotal": "19000", "discount": "1000", "tax": "3420", "total": "21420"},
                "product": {"id": "pro_max", "name": "Maximum Security"},
            },
            {
                "id": ITEM_2,
                "price_id": "pri_eds",
                "quantity": 1,
                "tax_rate": "0.19",
                "totals": {"subtotal": "1000", "discount": "0", "tax": "190", "total": "1190"},
                "product": None,
            },
        ],
    },
    "payments": [
        {
            "status": "error",
            "captured_at": None,
            "method_details": {"type": "card", "card": {"type": "visa", "last4": "0002"}},
        },
        {
            "status": "captured",
            "captured_at": "2026-11-01T09:00:00Z",
            "method_details": {"type": "card", "card": {"type": "american_express", "last4": "0005"}},
        },
    ],
}
ADJUSTMENT: dict[str, Any] = {
    "id": "adj_01kaaaaaaaaaaaaaaaaaaaaaaa",
    "action": "refund",
    "type": "partial",
    "status": "approved",
    "transaction_id": NUMBER,
    "customer_id": CUSTOMER_ID,
    "currency_code": "EUR",
    "items": [{"id": "adjitm_1", "item_id": ITEM_2, "type": "full", "amount": "1190"}],
    "totals": {"subtotal": "1000", "tax": "190", "total": "1190", "currency_code": "EUR"},
    "created_at": "2026-11-03T09:00:00Z",
    "updated_at": "2026-11-04T09:00:00Z",
}


def transaction(**changes: Any) -> dict[str, Any]:
    return deepcopy(TRANSACTION) | changes


def adjustment(**changes: Any) -> dict[str, Any]:
    return deepcopy(ADJUSTMENT) | changes


def event(entity: dict[str, Any], kind: str = "transaction.completed", event_id: str = "evt_1") -> dict[str, Any]:
    return {
        "event_id": event_id,
        "event_type": kind,
        "occurred_at": entity["updated_at"],
        "notification_id": "ntf_1",
        "data": entity,
    }


def load(importer: Importer, *values: object, **options: Any) -> Result:
    content = "".join(f"{json.dumps(value, indent=1)}\n" for value in values)
    return importer(content, name="paddle.json", **{"store": "shop"} | options)


def page(*entities: dict[str, Any], next_page: str = "https://api.paddle.com/transactions?after=x") -> dict[str, Any]:
    return {"data": list(entities), "meta": {"request_id": "r", "pagination": {"next": next_page, "has_more": False}}}


@pytest.mark.parametrize("wrap", [lambda value: value, event, lambda value: {"data": value, "meta": {}}, page])
def test_an_order_is_the_same_in_every_wrapping(importer: Importer, wrap: Any) -> None:
    assert load(importer, wrap(transaction())).tally == (1, 0, 0, 0)
    order = the_order(NUMBER)
    assert (order.status, order.currency, order.is_test) == ("completed", "EUR", False)
    assert order.placed_at == datetime(2026, 11, 1, 9, 0, 0, 123456, UTC)
    assert (order.subtotal, order.discount, order.tax, order.total) == (200, 10, Decimal("36.10"), Decimal("226.10"))
    assert (order.payment_method, order.card_brand, order.card_last4) == ("card", "amex", "0005")
    assert (order.invoice_number, str(order.invoice_issued_on)) == ("77-1001", "2026-11-01")
    first, second = order.lines.all()
    assert (first.store_line_id, first.name, first.sku, first.quantity) == (ITEM_1, "Maximum Security", "pri_max", 3)
    assert (first.discount, first.tax, first.tax_rate, first.total) == (10, Decimal("34.20"), 19, Decimal("214.20"))
    assert (second.name, second.total) == ("Extended Download", Decimal("11.90"))
    assert load(importer, wrap(transaction())).tally == (0, 0, 1, 0)


def test_a_transaction_exported_with_its_customer_identifies_the_buyer(importer: Importer) -> None:
    address = {"first_line": "Weg 1", "second_line": "", "city": "Köln", "postal_code": "50667", "country_code": "DE"}
    business = {"name": "Beispiel GmbH", "tax_identifier": "DE123456789"}
    load(importer, transaction(customer=CUSTOMER, address=address, business=business))
    order = the_order(NUMBER)
    assert (order.store_email, order.billing_name, order.language) == ("ann@example.com", "Ann Beispiel", "de")
    assert (order.billing_address, order.billing_city, order.billing_postcode) == ("Weg 1", "Köln", "50667")
    assert (order.billing_country, order.billing_company, order.billing_vat_id) == (
        "DE",
        "Beispiel GmbH",
        "DE123456789",
    )


def test_a_notification_without_the_customer_blanks_nothing(importer: Importer) -> None:
    load(importer, transaction(customer=CUSTOMER))
    later = transaction(updated_at="2026-11-05T09:00:00Z", customer=None, address=None, payments=[])
    assert load(importer, event(later)).tally == (0, 0, 1, 0)
    order = the_order(NUMBER)
    assert (order.store_email, order.billing_name, order.card_last4) == ("ann@example.com", "Ann Beispiel", "0005")


def test_a_customer_by_itself_is_joined_to_all_of_its_orders(importer: Importer) -> None:
    other = transaction(id=NUMBER[:-1] + "b", customer_id="ctm_other")
    load(importer, transaction(), transaction(id=NUMBER[:-1] + "c"), other)
    assert load(importer, event(CUSTOMER, "customer.created")).tally == (0, 1, 0, 0)
    emails = dict(Order.objects.values_list("number", "store_email"))
    assert emails == {NUMBER: "ann@example.com", NUMBER[:-1] + "c": "ann@example.com", NUMBER[:-1] + "b": ""}
    assert the_order(NUMBER).email_key == "ann@example.com"


def test_a_later_order_of_a_known_customer_gets_its_address(importer: Importer) -> None:
    load(importer, transaction(customer=CUSTOMER))
    load(importer, event(transaction(id=NUMBER[:-1] + "b")))
    order = the_order(NUMBER[:-1] + "b")
    assert (order.store_email, order.email_key) == ("ann@example.com", "ann@example.com")
    assert order.billing_name == "Ann Beispiel"


def test_a_customer_of_another_store_is_not_joined(importer: Importer) -> None:
    load(importer, transaction(customer=CUSTOMER))
    load(importer, transaction(), store="other")
    assert Order.objects.get(store__slug="other").store_email == ""


def test_an_older_version_of_a_customer_changes_nothing(importer: Importer) -> None:
    load(importer, transaction())
    newer = CUSTOMER | {"email": "new@example.com", "updated_at": "2026-11-09T08:00:00Z"}
    load(importer, event(newer, "customer.updated"))
    load(importer, event(CUSTOMER, "customer.created"))
    assert the_order(NUMBER).store_email == "new@example.com"


def test_a_customer_without_an_order_is_tried_again_later(importer: Importer) -> None:
    result = load(importer, event(CUSTOMER, "customer.created"))
    assert result.tally == (0, 0, 0, 1)
    assert result.counts["rejects"][0]["code"] == "order_not_found"


def test_an_approved_refund_is_recorded_once_with_its_date(importer: Importer) -> None:
    load(importer, transaction())
    assert load(importer, event(adjustment(), "adjustment.updated")).tally == (0, 1, 0, 0)
    assert load(importer, page(adjustment())).tally == (0, 0, 1, 0)
    order = the_order(NUMBER)
    refund = order.refunds.get()
    assert (refund.store_refund_id, refund.amount) == (ADJUSTMENT["id"], Decimal("11.90"))
    assert refund.refunded_at == datetime(2026, 11, 4, 9, tzinfo=UTC)
    assert order.status == "partially_refunded"


def test_the_order_itself_does_not_undo_its_refunds(importer: Importer) -> None:
    """Paddle reports a transaction as completed even after it was refunded."""
    load(importer, transaction())
    load(importer, adjustment(totals=ADJUSTMENT["totals"] | {"total": "22610"}))
    load(importer, event(transaction(updated_at="2026-11-06T09:00:00Z", invoice_number="77-1002")))
    order = the_order(NUMBER)
    assert (order.status, order.invoice_number) == ("refunded", "77-1002")


@pytest.mark.parametrize("status", ["pending_approval", "rejected"])
def test_an_unapproved_refund_does_not_count(importer: Importer, status: str) -> None:
    load(importer, transaction())
    result = load(importer, event(adjustment(status=status), "adjustment.created"))
    assert result.tally == (0, 0, 0, 1)
    assert result.counts["rejects"][0]["code"] == "not_an_order"
    assert not the_order(NUMBER).refunds.exists()


def test_a_credit_is_not_a_refund(importer: Importer) -> None:
    load(importer, transaction())
    assert load(importer, adjustment(action="credit")).counts["rejects"][0]["code"] == "not_an_order"
    assert not the_order(NUMBER).refunds.exists()


def test_refunds_exported_with_their_order_say_what_was_returned(importer: Importer) -> None:
    pending = adjustment(id="adj_2", status="pending_approval")
    load(importer, transaction(adjustments=[adjustment(), pending]))
    order = the_order(NUMBER)
    assert order.status == "partially_refunded"
    assert order.refunds.get().lines == [{"id": ITEM_2, "quantity": 1}]
    assert order.lines.get(store_line_id=ITEM_2).quantity_returned == 1


def test_a_chargeback_and_its_reversal_in_any_order(importer: Importer) -> None:
    load(importer, transaction())
    chargeback = adjustment(action="chargeback")
    reversal = adjustment(id="adj_2", action="chargeback_reverse", updated_at="2026-11-20T09:00:00Z")
    load(importer, chargeback)
    assert the_order(NUMBER).status == "charged_back"
    load(importer, transaction(updated_at="2026-11-10T09:00:00Z"))
    assert the_order(NUMBER).status == "charged_back"
    load(importer, reversal)
    assert the_order(NUMBER).status == "completed"
    load(importer, chargeback)
    assert the_order(NUMBER).status == "completed"


def test_a_refund_before_its_order_is_tried_again_later(importer: Importer) -> None:
    result = load(importer, event(adjustment(), "adjustment.updated"))
    assert (result.tally, result.counts["rejects"][0]["code"]) == ((0, 0, 0, 1), "order_not_found")
    load(importer, transaction())
    assert load(importer, event(adjustment(), "adjustment.updated")).tally == (0, 1, 0, 0)


def test_a_file_may_hold_refunds_and_customers_before_their_orders(importer: Importer) -> None:
    assert load(importer, adjustment(), CUSTOMER, transaction()).tally == (1, 2, 0, 0)
    order = the_order(NUMBER)
    assert (order.store_email, order.refunds.count(), order.status) == ("ann@example.com", 1, "partially_refunded")


def test_a_dry_run_joins_customers_and_writes_nothing(importer: Importer) -> None:
    assert load(importer, CUSTOMER, adjustment(), transaction(), dry_run=True).tally == (1, 2, 0, 0)
    assert not Order.objects.exists()


def test_a_confirmation_is_sent_once_the_address_is_known(importer: Importer) -> None:
    now = timezone.now().isoformat()
    load(importer, event(transaction(billed_at=now, updated_at=now)))
    assert not Message.objects.filter(kind="order_confirmation").exists()
    load(importer, event(CUSTOMER, "customer.updated"))
    assert Message.objects.get(kind="order_confirmation").recipient == "ann@example.com"
    load(importer, event(transaction(id=NUMBER[:-1] + "b", billed_at=now, updated_at=now)))
    assert Message.objects.filter(kind="order_confirmation").count() == 2


def test_events_out_of_order_end_in_the_last_state(importer: Importer) -> None:
    load(importer, event(transaction()))
    load(importer, event(transaction(status="billed", updated_at="2026-11-01T09:00:01Z", invoice_number=None)))
    order = the_order(NUMBER)
    assert (order.status, order.invoice_number) == ("completed", "77-1001")


@pytest.mark.parametrize("status", ["draft", "ready"])
def test_an_open_checkout_is_not_an_order(importer: Importer, status: str) -> None:
    result = load(importer, transaction(status=status, billed_at=None))
    assert (result.tally, result.counts["rejects"][0]["code"]) == ((0, 0, 0, 1), "not_an_order")
    assert "isn’t an order yet" in result.said


@pytest.mark.parametrize(
    ("word", "status"), [("billed", "pending"), ("past_due", "pending"), ("canceled", "cancelled")]
)
def test_what_the_other_statuses_mean(importer: Importer, word: str, status: str) -> None:
    load(importer, transaction(status=word))
    assert the_order(NUMBER).status == status


def test_an_unknown_status_is_asked(importer: Importer) -> None:
    assert load(importer, transaction(status="on_fire")).counts["rejects"][0]["code"] == "unknown_status"
    assert StatusMeaning.objects.get().word == "on-fire"


@pytest.mark.parametrize("changes", [{"status": "on_fire"}, {"action": "present"}], ids=["status", "action"])
def test_unknown_words_of_an_adjustment_are_refused(importer: Importer, changes: dict[str, str]) -> None:
    load(importer, transaction())
    result = load(importer, adjustment(**changes))
    assert result.tally == (0, 0, 0, 1)
    assert "Unknown adjustment" in result.said


@pytest.mark.parametrize(("currency", "total"), [("JPY", "22610"), ("KWD", "22.61"), ("EUR", "226.1")])
def test_amounts_are_in_the_smallest_unit_of_the_currency(importer: Importer, currency: str, total: str) -> None:
    load(importer, transaction(currency_code=currency))
    order = the_order(NUMBER)
    assert order.total == Decimal(total)
    assert sum(line.total for line in order.lines.all()) == order.total


@pytest.mark.parametrize("currency", ["ZZZ", "", None, "euro"])
def test_an_unknown_currency_is_refused(importer: Importer, currency: str | None) -> None:
    result = load(importer, transaction(currency_code=currency), format="paddle")
    assert result.counts["rejects"][0]["code"] == "unknown_currency"
    assert not Order.objects.exists()


def test_credit_of_the_customer_lowers_what_was_paid(importer: Importer) -> None:
    details = deepcopy(TRANSACTION["details"])
    details["totals"] |= {"credit": "5000", "grand_total": "17610"}
    load(importer, transaction(details=details))
    order = the_order(NUMBER)
    assert order.total == Decimal("176.10") == sum(line.total for line in order.lines.all())


def test_a_sandbox_page_and_a_simulated_event_are_tests(importer: Importer) -> None:
    load(importer, page(transaction(), next_page="https://sandbox-api.paddle.com/transactions?after=x"))
    load(importer, event(transaction(id=NUMBER[:-1] + "b"), event_id="ntfsimevt_1"))
    assert list(Order.objects.values_list("is_test", flat=True)) == [True, True]


def test_a_renewal_extends_the_serial_number_that_the_vendor_stored(importer: Importer) -> None:
    details = deepcopy(TRANSACTION["details"]) | {"line_items": TRANSACTION["details"]["line_items"][:1]}
    custom = {"license_key": "XAAB-1234-5678"}
    load(importer, transaction(origin="subscription_recurring", details=details, custom_data=custom))
    line = the_order(NUMBER).lines.get()
    assert (line.kind, line.extends_serial) == ("renewal", "XAAB-1234-5678")


def test_a_wallet_is_distinguished_from_its_card(importer: Importer) -> None:
    details = {"type": "apple_pay", "card": None, "underlying_details": {"card": {"type": "visa", "last4": "4242"}}}
    paid = {"status": "captured", "captured_at": "2026-11-01T09:00:00Z", "method_details": details}
    load(importer, transaction(payments=[paid]))
    order = the_order(NUMBER)
    assert (order.payment_method, order.wallet, order.card_last4) == ("card", "apple_pay", "4242")


def test_more_digits_of_a_card_than_four_are_refused(importer: Importer) -> None:
    details = {"type": "card", "card": {"type": "visa", "last4": "4242424242424242"}}
    paid = {"status": "captured", "captured_at": "2026-11-01T09:00:00Z", "method_details": details}
    result = load(importer, transaction(payments=[paid]))
    assert result.tally == (0, 0, 0, 1)
    assert "4242424242424242" not in result.said


@pytest.mark.parametrize(
    "changes",
    [
        {"details": None},
        {"details": {"totals": {"total": "1"}, "line_items": []}},
        {"created_at": "yesterday", "billed_at": None},
        {"billed_at": None, "created_at": None},
        {"updated_at": "2026-11-01T09:00:00"},
        {"details": TRANSACTION["details"] | {"totals": {"subtotal": "1", "tax": "1", "total": "12.5"}}},
    ],
)
def test_missing_values_are_refused_and_not_made_up(importer: Importer, changes: dict[str, Any]) -> None:
    result = load(importer, transaction(**changes), format="paddle")
    assert result.tally == (0, 0, 0, 1)
    assert not Order.objects.exists()


@pytest.mark.parametrize("kind", ["subscription.created", "address.created", "payout.paid"])
def test_other_events_are_refused_with_a_sentence(importer: Importer, kind: str) -> None:
    result = load(importer, event({"id": "sub_1", "updated_at": "2026-11-01T09:00:00Z"}, kind))
    assert (result.tally, result.counts["rejects"][0]["code"]) == ((0, 0, 0, 1), "not_an_order")
    assert kind in result.said
