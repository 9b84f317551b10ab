"""Stripe's refunds and disputes count in any order of arrival, and a refund reported by two systems counts once."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from orders.models import Order, PaymentReference
from tests.intake.exports import Importer
from tests.intake.test_shopify_orders_as_json import ORDER
from tests.intake.test_shopify_orders_as_json import load as load_shopify
from tests.intake.test_shopify_orders_as_json import refund as shopify_refund
from tests.intake.test_stripe_payments import CHARGE, bare_order, charge, load

pytestmark = pytest.mark.django_db

AT = CHARGE["created"] + 4 * 86400


def event(value: dict[str, Any], seconds: int = 0, kind: str = "refund.updated") -> dict[str, Any]:
    """Return an event this many seconds after the fourth day."""
    return {
        "id": f"evt_{kind}_{seconds}",
        "object": "event",
        "created": AT + seconds,
        "livemode": True,
        "type": kind,
        "data": {"object": value},
    }


def refund(refund_id: str = "re_1", units: int = 1000, status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    return {
        "id": refund_id,
        "object": "refund",
        "amount": units,
        "currency": "eur",
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "created": AT,
        "status": status,
        "metadata": {},
    } | changes


def dispute(status: str = "needs_response", **changes: Any) -> dict[str, Any]:
    value = {"id": "dp_1", "object": "dispute", "amount": 7995, "currency": "eur", "charge": "ch_1", "status": status}
    return value | {"created": AT} | changes


@pytest.fixture
def order() -> Order:
    """An order whose payment is known."""
    order = bare_order()
    PaymentReference.objects.create(order=order, reference="ch_1")
    PaymentReference.objects.create(order=order, reference="pi_1")
    return order


def state(order: Order) -> tuple[str, list[tuple[str, Decimal, bool]]]:
    """Return the status, and the refunds with whether they are missing from the store's list."""
    order.refresh_from_db()
    refunds = order.refunds.order_by("store_refund_id")
    return order.status, [(each.store_refund_id, each.amount, each.missing_since is not None) for each in refunds]


def test_a_refund_that_succeeded_is_recorded_with_its_id_amount_and_time(importer: Importer, order: Order) -> None:
    assert load(importer, event(refund())).tally == (0, 1, 0, 0)
    assert state(order) == ("partially_refunded", [("re_1", Decimal("10.00"), False)])
    refunded_at = order.refunds.get().refunded_at
    assert refunded_at is not None
    assert refunded_at.timestamp() == AT
    assert load(importer, event(refund())).tally == (0, 0, 1, 0)
    assert load(importer, event(refund("re_2", 6995), 1)).tally == (0, 1, 0, 0)
    assert state(order)[0] == "refunded"


@pytest.mark.parametrize("status", ["pending", "requires_action", "", None])
def test_a_refund_that_is_not_made_changes_nothing(importer: Importer, order: Order, status: Any) -> None:
    result = load(importer, event(refund(status=status)))
    assert result.counts["rejects"][0]["code"] == "not_an_order"
    assert state(order) == ("completed", [])


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_failed_later_is_shown_to_staff(importer: Importer, order: Order, status: str) -> None:
    load(importer, event(refund()))
    load(importer, event(refund(status=status), 60, "refund.failed"))
    assert state(order)[1] == [("re_1", Decimal("10.00"), True)]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_only_failed_is_not_recorded(importer: Importer, order: Order, status: str) -> None:
    load(importer, event(refund(status=status), 60, "refund.failed"))
    load(importer, event(refund(), 0))  # an earlier event
    assert state(order) == ("completed", [])


def test_a_refund_waits_for_its_payment(importer: Importer) -> None:
    bare_order()
    assert load(importer, event(refund())).counts["rejects"][0]["code"] == "order_not_found"


def test_a_refund_in_another_currency_is_refused(importer: Importer, order: Order) -> None:
    assert load(importer, event(refund(currency="usd"))).counts["rejects"][0]["code"] == "payment_differs"
    assert state(order) == ("completed", [])


@pytest.mark.parametrize("changes", [{"charge": None, "payment_intent": None}, {"amount": None}, {"status": "new"}])
def test_unknown_values_are_refused(importer: Importer, order: Order, changes: dict[str, Any]) -> None:
    assert load(importer, event(refund(**changes))).counts["rejects"][0]["code"] == "invalid"
    assert state(order) == ("completed", [])


@pytest.mark.parametrize("listed", [True, False])
def test_a_charge_contains_its_refunds_or_their_sum(importer: Importer, order: Order, listed: bool) -> None:
    value = charge(amount_refunded=1000, refunded=False, metadata={"order_id": "1001"})
    if listed:
        value["refunds"] = {"object": "list", "data": [refund()], "has_more": False}
    load(importer, event(value, kind="charge.refunded"))
    status, refunds = state(order)
    assert (status, [amount for _id, amount, _missing in refunds]) == ("partially_refunded", [Decimal("10.00")])
    load(importer, event(refund(), 1))
    assert state(order)[1] == [("re_1", Decimal("10.00"), False)]
    assert order.card_last4 == "4242"


@pytest.mark.parametrize("order_of_events", list(permutations(range(4))))
def test_events_about_two_refunds_end_in_the_same_state_in_any_order(
    importer: Importer, order: Order, order_of_events: tuple[int, ...]
) -> None:
    events = [
        event(refund("re_1", 1000), 0),
        event(charge(amount_refunded=1000, metadata={"order_id": "1001"}), 1, "charge.refunded"),
        event(refund("re_2", 2000, created=AT + 600), 600),
        event(charge(amount_refunded=3000, metadata={"order_id": "1001"}), 601, "charge.refunded"),
    ]
    for index in order_of_events:
        load(importer, events[index])
    assert state(order) == (
        "partially_refunded",
        [("re_1", Decimal("10.00"), False), ("re_2", Decimal("20.00"), False)],
    )


# --- Disputes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["needs_response", "under_review", "lost"])
def test_a_dispute_takes_the_money_back(importer: Importer, order: Order, status: str) -> None:
    assert load(importer, event(dispute(status), kind="charge.dispute.created")).tally == (0, 1, 0, 0)
    assert state(order)[0] == "charged_back"


@pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "warning_closed", "prevented"])
def test_an_inquiry_takes_nothing(importer: Importer, order: Order, status: str) -> None:
    result = load(importer, event(dispute(status), kind="charge.dispute.created"))
    assert result.counts["rejects"][0]["code"] == "not_an_order"
    assert state(order)[0] == "completed"


@pytest.mark.parametrize("events", list(permutations([("needs_response", 0), ("under_review", 60), ("won", 120)])))
def test_a_dispute_that_was_won_gives_the_order_back_in_any_order(
    importer: Importer, order: Order, events: list[tuple[str, int]]
) -> None:
    for status, seconds in events:
        load(importer, event(dispute(status), seconds, "charge.dispute.updated"))
    assert state(order)[0] == "completed"


def test_a_dispute_that_was_won_leaves_the_refunds(importer: Importer, order: Order) -> None:
    load(importer, event(refund()))
    load(importer, event(dispute(), 1))
    assert state(order)[0] == "charged_back"
    load(importer, event(dispute("won"), 2))
    assert state(order)[0] == "partially_refunded"


@pytest.mark.parametrize("status", ["cancelled", "refunded", "pending"])
def test_the_end_of_a_dispute_reopens_no_other_order(importer: Importer, order: Order, status: str) -> None:
    Order.objects.update(status=status)
    load(importer, event(dispute("won"), 2))
    assert state(order)[0] == status


def test_a_status_of_a_dispute_that_is_not_known_is_refused(importer: Importer, order: Order) -> None:
    assert load(importer, event(dispute("new"))).counts["rejects"][0]["code"] == "invalid"


# --- Together with the store -----------------------------------------------------------------------------


def pay(importer: Importer) -> None:
    load(importer, charge(metadata={"order_number": "1001"}))


def refunded_in_shopify(importer: Importer, **changes: Any) -> None:
    value = ORDER | {"financial_status": "partially_refunded", "updated_at": "2026-11-05T09:00:01+01:00"}
    load_shopify(importer, value | {"refunds": [shopify_refund("10.00", **changes)]})


def refunded_in_stripe(importer: Importer) -> None:
    load(importer, event(refund(created=AT + 3), 5))


def sum_in_stripe(importer: Importer) -> None:
    load(importer, event(charge(amount_refunded=1000, metadata={"order_number": "1001"}), 6, "charge.refunded"))


@pytest.mark.parametrize("steps", list(permutations([refunded_in_shopify, refunded_in_stripe, sum_in_stripe])))
def test_a_refund_reported_by_shopify_and_stripe_counts_once(
    importer: Importer, steps: tuple[Callable[[Importer], None], ...]
) -> None:
    load_shopify(importer, ORDER)
    pay(importer)
    for _round in range(2):
        for step in steps:
            step(importer)
    order = Order.objects.get()
    status, refunds = state(order)
    assert status == "partially_refunded"
    assert [(amount, missing) for _id, amount, missing in refunds] == [(Decimal("10.00"), False)]


def test_two_refunds_of_the_same_amount_stay_two(importer: Importer) -> None:
    load_shopify(importer, ORDER)
    pay(importer)
    refunded_in_shopify(importer)
    refunded_in_stripe(importer)
    load(importer, event(refund("re_2", created=AT + 600), 600))
    assert [amount for _id, amount, _missing in state(Order.objects.get())[1]] == [Decimal("10.00"), Decimal("10.00")]


def test_refunds_of_the_same_amount_far_apart_are_two(importer: Importer) -> None:
    load_shopify(importer, ORDER)
    pay(importer)
    refunded_in_shopify(importer)
    load(importer, event(refund(created=AT + 30 * 86400), 30 * 86400))
    assert len(state(Order.objects.get())[1]) == 2


@pytest.mark.parametrize("stripe_first", [True, False])
def test_the_part_of_a_refund_that_went_to_the_card_counts_once(importer: Importer, stripe_first: bool) -> None:
    load_shopify(importer, ORDER)
    pay(importer)
    parts = [
        {"kind": "refund", "status": "success", "amount": "10.00", "currency": "EUR"},
        {"kind": "refund", "status": "success", "amount": "5.00", "currency": "EUR"},
    ]
    details = {"transactions": parts, "processed_at": "2026-11-05T10:00:01+01:00"}
    steps = [refunded_in_stripe, lambda importer: refunded_in_shopify(importer, **details)]
    for step in steps if stripe_first else steps[::-1]:
        step(importer)
    assert sum(amount for _id, amount, _missing in state(Order.objects.get())[1]) == Decimal("15.00")


@pytest.mark.parametrize("steps", list(permutations(range(4))))
def test_two_refunds_within_minutes_stay_two_in_any_order_of_reports(
    importer: Importer, steps: tuple[int, ...]
) -> None:
    load_shopify(importer, ORDER)
    pay(importer)
    first = shopify_refund("10.00", processed_at="2026-11-05T10:00:01+01:00")
    second = shopify_refund("20.00", id=900000000002, processed_at="2026-11-05T10:05:00+01:00")
    reports: list[Callable[[], object]] = [
        lambda: load_shopify(importer, first),
        lambda: load_shopify(importer, second),
        lambda: load(importer, event(refund("re_1", 1000, created=AT + 2), 3)),
        lambda: load(importer, event(refund("re_2", 2000, created=AT + 301), 302)),
    ]
    for step in steps:
        reports[step]()
    amounts = sorted(amount for _id, amount, _missing in state(Order.objects.get())[1])
    assert amounts == [Decimal("10.00"), Decimal("20.00")]


def test_units_of_a_refund_are_counted_even_if_stripe_reported_it_first(importer: Importer) -> None:
    load_shopify(importer, ORDER)
    pay(importer)
    refunded_in_stripe(importer)
    refunded_in_shopify(importer, refund_line_items=[{"line_item_id": 14000000000001, "quantity": 1}])
    order = Order.objects.get()
    assert order.lines.get().quantity_returned == 1
    assert len(state(order)[1]) == 1


@pytest.mark.parametrize("status", ["paid", "partially_refunded"])
def test_a_later_event_of_the_store_does_not_end_a_dispute(importer: Importer, status: str) -> None:
    load_shopify(importer, ORDER)
    pay(importer)
    load(importer, event(dispute(), 1))
    later = ORDER | {"financial_status": status, "updated_at": "2026-11-20T09:00:01+01:00"}
    load_shopify(importer, later)
    assert Order.objects.get().status == "charged_back"
    load(importer, event(dispute("won"), 2))
    assert Order.objects.get().status == "completed"
