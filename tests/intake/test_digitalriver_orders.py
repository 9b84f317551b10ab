"""Orders, refunds, charges and invoices of Digital River, from its API and from its events."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from intake.models import StatusMeaning
from licenses.models import License
from orders.models import Order
from tests.intake.exports import Importer, Result, the_order

pytestmark = pytest.mark.django_db

NUMBER = "205550000336"
CHARGE: dict[str, Any] = {
    "id": "charge-1",
    "createdTime": "2022-07-05T13:00:21Z",
    "currency": "EUR",
    "amount": 117.81,
    "state": "complete",
    "captured": True,
    "refunded": False,
    "sourceId": "source-1",
    "type": "customer_initiated",
}
ORDER: dict[str, Any] = {
    "id": NUMBER,
    "createdTime": "2022-07-05T13:00:16Z",
    "updatedTime": "2022-07-05T13:00:17Z",
    "currency": "EUR",
    "email": "ann@example.com",
    "billTo": {
        "name": "Ann Beispiel",
        "organization": "Beispiel GmbH",
        "address": {"line1": "Weg 1", "city": "Köln", "postalCode": "50667", "state": "NRW", "country": "DE"},
    },
    "totalAmount": 117.81,
    "subtotal": 99.0,
    "totalFees": 0.0,
    "totalTax": 18.81,
    "totalImporterTax": 0.0,
    "totalDuty": 0.0,
    "totalDiscount": 6.0,
    "totalShipping": 5.0,
    "items": [
        {
            "id": "1589000336",
            "skuId": "MAX-3D",
            "productDetails": {"id": "MAX-3D", "name": "Maximum Security"},
            "amount": 54.0,
            "quantity": 2,
            "discount": {"percentOff": 10.0, "quantity": 2},
            "tax": {"rate": 0.19, "amount": 10.26},
            "fees": {"amount": 0.0, "taxAmount": 0.0},
            "metadata": {"licenseKey": "XAAB-1234-5678", "color": "red"},
        },
        {
            "id": "1589010336",
            "productDetails": {"id": "EDS", "name": "Extended Download"},
            "amount": 40.0,
            "quantity": 1,
            "tax": {"rate": 0.19, "amount": 7.6},
        },
    ],
    "shippingChoice": {"amount": 5.0, "taxAmount": 0.95},
    "locale": "de_DE",
    "sellingEntity": {"id": "DR_IRELAND-ENTITY", "name": "Digital River Ireland Ltd."},
    "liveMode": True,
    "payment": {
        "charges": [CHARGE],
        "sources": [
            {
                "id": "source-1",
                "type": "creditCard",
                "amount": 117.81,
                "creditCard": {"brand": "MasterCard", "expirationYear": 2027, "lastFourDigits": "0008"},
            }
        ],
    },
    "state": "accepted",
    "stateTransitions": {"accepted": "2022-07-05T13:00:22Z"},
    "capturedAmount": 117.81,
    "availableToRefundAmount": 117.81,
}
REFUND: dict[str, Any] = {
    "id": "re_252eb3f4",
    "amount": 47.6,
    "createdTime": "2022-08-01T16:17:54Z",
    "currency": "EUR",
    "items": [{"itemId": "1589010336", "quantity": 1, "amount": 47.6, "refundedAmount": 47.6}],
    "orderId": NUMBER,
    "refundedAmount": 47.6,
    "state": "succeeded",
    "liveMode": True,
    "charges": [
        {"id": "charge-1", "refunds": [{"createdTime": "2022-08-01T16:22:14Z", "amount": 47.6, "state": "complete"}]}
    ],
}
PART = {"createdTime": "2022-08-01T16:22:14Z", "amount": 47.6, "state": "complete"}


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def refund(**changes: Any) -> dict[str, Any]:
    return deepcopy(REFUND) | changes


def paid_with(*refunds: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return ORDER["payment"] | {"charges": [CHARGE | {"refunded": bool(refunds), "refunds": list(refunds)} | changes]}


def event(entity: dict[str, Any], kind: str = "order.accepted") -> dict[str, Any]:
    mode = entity.get("liveMode", True)
    return {"id": "e", "type": kind, "data": {"object": entity}, "liveMode": mode, "digitalriverVersion": "2021-12-13"}


def load(importer: Importer, *values: object, **options: Any) -> Result:
    content = "".join(f"{json.dumps(value, indent=1)}\n" for value in values)
    return importer(content, name="dr.json", **{"store": "shop"} | options)


@pytest.mark.parametrize(
    "wrap", [lambda value: value, event, lambda value: {"hasMore": False, "data": [value]}, lambda value: [value]]
)
def test_an_order_is_the_same_in_every_wrapping(importer: Importer, wrap: Any) -> None:
    assert load(importer, wrap(order())).tally == (1, 0, 0, 0)
    found = the_order(NUMBER)
    assert (found.status, found.currency, found.is_test, found.language) == ("completed", "EUR", False, "de")
    assert found.placed_at == datetime(2022, 7, 5, 13, 0, 16, tzinfo=UTC)
    assert (found.subtotal, found.discount, found.tax, found.total) == (99, 6, Decimal("18.81"), Decimal("117.81"))
    assert (found.store_email, found.billing_name, found.billing_company) == (
        "ann@example.com",
        "Ann Beispiel",
        "Beispiel GmbH",
    )
    assert (found.billing_city, found.billing_country) == ("Köln, NRW", "DE")
    assert (found.payment_method, found.card_brand, found.card_last4) == ("card", "mastercard", "0008")
    assert found.invoice_seller == "Digital River Ireland Ltd."
    first, second, shipping = found.lines.all()
    assert (first.store_line_id, first.name, first.sku) == ("1589000336", "Maximum Security", "MAX-3D")
    assert (first.quantity, first.unit_price, first.discount, first.total) == (2, 30, 6, Decimal("64.26"))
    assert (second.sku, second.discount, second.tax_rate) == ("EDS", 0, 19)
    assert (shipping.kind, shipping.tax, shipping.total) == ("other", Decimal("0.95"), Decimal("5.95"))
    assert License.objects.get().serial == "XAAB-1234-5678"
    assert load(importer, wrap(order())).tally == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending_payment", "pending"),
        ("in_review", "pending"),
        ("fulfilled", "completed"),
        ("complete", "completed"),
        ("cancelled", "cancelled"),
        ("blocked", "cancelled"),
        ("dispute", "charged_back"),
        ("returned", "refunded"),
    ],
)
def test_what_the_states_mean(importer: Importer, state: str, status: str) -> None:
    load(importer, order(state=state))
    assert the_order(NUMBER).status == status


def test_an_unknown_state_is_asked(importer: Importer) -> None:
    assert load(importer, order(state="teleported")).counts["rejects"][0]["code"] == "unknown_status"
    assert StatusMeaning.objects.get().word == "teleported"


def test_test_mode_is_recognized(importer: Importer) -> None:
    load(importer, order(liveMode=False))
    assert the_order(NUMBER).is_test


def test_duties_and_import_taxes_are_a_line_if_they_were_paid(importer: Importer) -> None:
    load(importer, order(totalDuty=2.4, totalImporterTax=4.7, totalAmount=124.91))
    found = the_order(NUMBER)
    assert sum(line.total for line in found.lines.all()) == found.total
    assert sum(line.tax for line in found.lines.all()) == found.tax


def test_items_that_were_canceled_before_the_charge_were_not_paid(importer: Importer) -> None:
    load(importer, order(state="fulfilled", cancelledAmount=47.6))
    found = the_order(NUMBER)
    assert found.total == Decimal("70.21") == sum(line.total for line in found.lines.all())


def test_a_refund_of_some_items_is_recorded_once(importer: Importer) -> None:
    load(importer, order())
    assert load(importer, event(refund(), "refund.complete")).tally == (0, 1, 0, 0)
    assert load(importer, refund()).tally == (0, 0, 1, 0)
    found = the_order(NUMBER)
    recorded = found.refunds.get()
    assert (recorded.store_refund_id, recorded.amount) == ("re_252eb3f4", Decimal("47.6"))
    assert recorded.refunded_at == datetime(2022, 8, 1, 16, 22, 14, tzinfo=UTC)
    assert (found.status, found.lines.get(sku="EDS").quantity_returned) == ("partially_refunded", 1)


@pytest.mark.parametrize("refund_first", [True, False])
def test_a_refund_in_order_charge_and_refund_counts_once(importer: Importer, refund_first: bool) -> None:
    load(importer, order())
    told = [refund(), order(payment=paid_with(PART), availableToRefundAmount=70.21)]
    charge = CHARGE | {
        "orderId": NUMBER,
        "refunded": True,
        "refunds": [PART],
        "liveMode": True,
        "paymentSessionId": "s",
    }
    for value in (*(told if refund_first else reversed(told)), event(charge, "order.charge.refund.complete")):
        assert load(importer, value).counts["rejected"] == 0
    recorded = the_order(NUMBER).refunds.get()
    assert (recorded.store_refund_id, recorded.amount) == ("re_252eb3f4", Decimal("47.6"))
    assert the_order(NUMBER).status == "partially_refunded"


def test_what_the_order_embeds_is_enough_for_a_refund(importer: Importer) -> None:
    load(importer, order(state="complete", payment=paid_with(PART), availableToRefundAmount=70.21))
    found = the_order(NUMBER)
    recorded = found.refunds.get()
    assert (found.status, recorded.amount) == ("partially_refunded", Decimal("47.6"))
    assert recorded.refunded_at == datetime(2022, 8, 1, 16, 22, 14, tzinfo=UTC)


def test_a_refund_that_failed_later_is_available_again(importer: Importer) -> None:
    parts = (PART, PART | {"createdTime": "2022-08-01T17:00:00Z"})
    load(importer, order(payment=paid_with(*parts), availableToRefundAmount=70.21))
    assert the_order(NUMBER).refunds.get().amount == Decimal("47.6")


@pytest.mark.parametrize("state", ["pending", "pending_information", "failed"])
def test_a_refund_that_was_not_made_is_refused(importer: Importer, state: str) -> None:
    load(importer, order(payment=paid_with(PART | {"state": "pending"})))
    assert load(importer, refund(state=state)).counts["rejects"][0]["code"] == "not_an_order"
    assert not the_order(NUMBER).refunds.exists()


def test_an_unknown_state_of_a_refund_is_refused(importer: Importer) -> None:
    load(importer, order())
    result = load(importer, refund(state="teleported"))
    assert result.tally == (0, 0, 0, 1)
    assert "Unknown refund state" in result.said


def test_a_refund_before_its_order_is_tried_again_later(importer: Importer) -> None:
    assert load(importer, refund()).counts["rejects"][0]["code"] == "order_not_found"
    assert load(importer, refund(), order()).tally == (1, 1, 0, 0)


def test_a_refund_in_test_mode_does_not_affect_a_real_order(importer: Importer) -> None:
    load(importer, order())
    assert load(importer, event(refund(liveMode=False), "refund.complete")).tally == (0, 0, 0, 1)
    assert not the_order(NUMBER).refunds.exists()


def test_states_out_of_order_end_in_the_last_one(importer: Importer) -> None:
    """Digital River doesn't update `updatedTime`."""
    later = {"accepted": "2022-07-05T13:00:22Z", "cancelled": "2022-07-06T13:00:00Z"}
    load(importer, event(order(state="cancelled", stateTransitions=later), "order.cancelled"))
    load(importer, event(order()))
    assert the_order(NUMBER).status == "cancelled"


def test_a_late_event_of_the_order_does_not_undo_a_refund(importer: Importer) -> None:
    load(importer, order())
    load(importer, refund())
    fulfilled = {"accepted": "2022-07-05T13:00:22Z", "fulfilled": "2022-07-05T13:00:24Z"}
    load(importer, event(order(state="fulfilled", stateTransitions=fulfilled), "order.fulfilled"))
    assert the_order(NUMBER).status == "partially_refunded"


def test_a_fulfillment_contains_its_order(importer: Importer) -> None:
    details = {key: value for key, value in order().items() if key != "payment"}
    fulfillment = {"id": "ful_1", "orderId": NUMBER, "items": [], "orderDetails": details, "liveMode": True}
    load(importer, order())
    load(importer, event(fulfillment, "fulfillment.created"))
    assert the_order(NUMBER).card_last4 == "0008"
    assert load(importer, event(fulfillment, "fulfillment.created"), store="other").tally == (1, 0, 0, 0)


def test_the_paid_invoice_of_a_subscription_is_a_renewal(importer: Importer) -> None:
    item = ORDER["items"][1] | {"subscriptionInfo": {"subscriptionId": "s"}, "metadata": {"serial_number": "XAAB-1"}}
    invoice = order(
        id="invoice-1",
        orderId=NUMBER,
        state="paid",
        chargeType="merchant_initiated",
        collectionPeriodDays=0,
        items=[item],
    )
    extended = event({"subscription": {"id": "s"}, "invoice": invoice}, "subscription.extended")
    assert load(importer, extended).tally == (1, 0, 0, 0)
    line = the_order(NUMBER).lines.get(sku="EDS")
    assert (line.kind, line.extends_serial) == ("renewal", "XAAB-1")


def test_an_unpaid_invoice_is_not_an_order(importer: Importer) -> None:
    invoice = order(id="invoice-1", state="open", collectionPeriodDays=0)
    failed = event({"subscription": {"id": "s"}, "invoice": invoice}, "subscription.payment_failed")
    assert load(importer, failed).counts["rejects"][0]["code"] == "not_an_order"


@pytest.mark.parametrize("kind", ["order.invoice.created", "subscription.created", "order.charge.capture.complete"])
def test_other_events_are_refused_with_a_sentence(importer: Importer, kind: str) -> None:
    entity = CHARGE | {"orderId": NUMBER} if "charge" in kind else {"id": "x", "orderId": NUMBER}
    assert load(importer, event(entity, kind)).counts["rejects"][0]["code"] == "not_an_order"


@pytest.mark.parametrize(("currency", "total"), [("JPY", 11781), ("KWD", 117.813)])
def test_amounts_are_in_whole_units_of_any_currency(importer: Importer, currency: str, total: float) -> None:
    load(importer, order(currency=currency, totalAmount=total))
    assert the_order(NUMBER).total == Decimal(str(total))


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "ZZZ"},
        {"createdTime": None},
        {"createdTime": "05.07.2022"},
        {"totalAmount": "much"},
        {"totalAmount": None},
        {"items": []},
        {"id": ""},
    ],
)
def test_missing_values_are_refused_and_not_made_up(importer: Importer, changes: dict[str, Any]) -> None:
    assert load(importer, order(**changes)).tally == (0, 0, 0, 1)
    assert not Order.objects.exists()
