"""A refund that the store made itself, and that comes in with an import, meets what the portal knows of."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from notifications.models import Message
from orders.models import Order
from refunds.models import RefundTransaction, Return, ReturnEvent, ReturnReason
from refunds.services import money, returns
from tests.factories import make_agent, make_reason

pytestmark = pytest.mark.django_db
Status = RefundTransaction.Status

PRICE = Decimal("20.00")
Import = Callable[..., Order]


@pytest.fixture
def bring(tmp_path: Path) -> Import:
    """Import the order of 2 suites and 1 backup in a new version, with these refunds."""
    versions = iter(range(1, 100))

    def bring(*refunds: dict[str, Any], **changes: Any) -> Order:
        placed = timezone.now() - timedelta(days=2)
        record = {
            "store": "shop",
            "number": "M-1",
            "email": "buyer@example.com",
            "placed_at": placed.replace(microsecond=0).isoformat(),
            "updated_at": (timezone.now() + timedelta(minutes=next(versions))).isoformat(),
            "currency": "EUR",
            "status": "completed",
            "totals": {"total": "60.00"},
            "lines": [
                {"id": "1", "name": "Suite", "sku": "S", "quantity": 2, "unit_price": "20.00", "total": "40.00"},
                {"id": "2", "name": "Backup", "sku": "B", "quantity": 1, "unit_price": "20.00", "total": "20.00"},
            ],
            "refunds": list(refunds),
        } | changes
        path = tmp_path / "orders.jsonl"
        path.write_text(json.dumps(record))
        call_command("import_orders", path, format="portal", verbosity=0)
        return Order.objects.get(number="M-1")

    return bring


def refund(id: str, amount: str = "20.00", **units: int) -> dict[str, Any]:
    told: dict[str, Any] = {"id": id, "amount": amount, "at": timezone.now().isoformat()}
    return told | ({"lines": [{"id": line[1:], "quantity": count} for line, count in units.items()]} if units else {})


def request(order: Order, line: str = "1", quantity: int = 1) -> Return:
    reason = ReturnReason.objects.first() or make_reason()
    return returns.request_return(order, [returns.Wanted(order.lines.get(store_line_id=line).pk, quantity)], reason)


def approved(order: Order, **wanted: Any) -> Return:
    case = request(order, **wanted)
    returns.approve(case, make_agent())
    return case


def done(case: Return) -> Return:
    money.mark_done(case.transactions.get(), "BO-7", make_agent())
    return case


def returned(order: Order) -> dict[str, int]:
    return dict(order.lines.values_list("store_line_id", "quantity_returned"))


def amounts(order: Order) -> list[tuple[str, Decimal]]:
    return sorted(order.refunds.values_list("store_refund_id", "amount"))


def status(case: Return) -> str:
    case.refresh_from_db()
    return case.status


def test_our_own_refund_told_by_the_store_is_counted_once(bring: Import) -> None:
    order = bring()
    case = done(approved(order))
    order = bring(refund("812", _1=1))
    assert amounts(order) == [("812", PRICE)]
    assert returned(order) == {"1": 1, "2": 0}
    assert case.transactions.get().refund == order.refunds.get()
    assert order.status == Order.Status.PARTIALLY_REFUNDED
    assert Message.objects.filter(kind="return_refunded").count() == 1


def test_our_own_refund_told_without_items_keeps_its_units(bring: Import) -> None:
    done(approved(bring()))
    order = bring(refund("812"))
    assert amounts(order) == [("812", PRICE)]
    assert returned(order) == {"1": 1, "2": 0}


def test_the_same_id_tells_ours_from_another_refund_of_the_same_amount(bring: Import) -> None:
    done(approved(bring()))
    order = bring(refund("BO-6", _2=1), refund("BO-7", _1=1))
    assert amounts(order) == [("BO-6", PRICE), ("BO-7", PRICE)]
    assert returned(order) == {"1": 1, "2": 1}


def test_a_later_import_removes_nothing_of_ours_and_moves_no_status_back(bring: Import) -> None:
    done(approved(bring()))
    order = bring(language="de")
    assert [amount for _id, amount in amounts(order)] == [PRICE]
    assert order.status == Order.Status.PARTIALLY_REFUNDED
    assert returned(order) == {"1": 1, "2": 0}
    order = bring(refund("812", _1=1))
    order = bring()
    assert amounts(order) == [("812", PRICE)]
    assert returned(order) == {"1": 1, "2": 0}


def test_a_refund_made_in_the_back_office_settles_what_waits_to_be_made_by_hand(bring: Import) -> None:
    case = approved(bring())
    order = bring(refund("812", _1=1))
    assert status(case) == Return.Status.REFUNDED
    transaction = case.transactions.get()
    assert (transaction.status, transaction.store_reference) == (Status.DONE, "812")
    assert returned(order) == {"1": 1, "2": 0}
    assert case.events.latest("pk").actor == ReturnEvent.Actor.STORE
    assert Message.objects.filter(kind="return_refunded").count() == 1
    with pytest.raises(money.WrongStatus):
        money.mark_done(transaction, "BO-7", make_agent())


def test_a_refund_closes_the_undecided_return_of_the_same_items(bring: Import) -> None:
    order = bring()
    other, case = request(order, line="2"), request(order)
    order = bring(refund("812", _1=1))
    assert (status(case), status(other)) == (Return.Status.REFUNDED, Return.Status.RECEIVED)
    assert returned(order) == {"1": 1, "2": 0}
    assert case.amount_approved == PRICE


def test_a_refund_of_the_amount_alone_closes_the_undecided_return(bring: Import) -> None:
    case = request(bring(), quantity=2)
    order = bring(refund("812", "40.00"))
    assert status(case) == Return.Status.REFUNDED
    assert returned(order) == {"1": 2, "2": 0}


def test_a_refund_of_other_items_closes_nothing(bring: Import) -> None:
    case = request(bring())
    order = bring(refund("812", _2=1))
    assert status(case) == Return.Status.RECEIVED
    assert returned(order) == {"1": 0, "2": 1}


def test_a_refund_of_the_items_for_another_amount_leaves_no_second_one(bring: Import) -> None:
    case = approved(bring())
    order = bring(refund("812", "15.00", _1=1))
    assert status(case) == Return.Status.REFUNDED
    assert set(case.transactions.values_list("status", flat=True)) == {Status.CANCELLED, Status.DONE}
    assert amounts(order) == [("812", Decimal("15.00"))]
    assert not RefundTransaction.objects.open().exists()


def test_a_refund_from_before_the_request_is_not_its_refund(bring: Import) -> None:
    case = request(bring())
    old = refund("812") | {"at": (timezone.now() - timedelta(days=3)).isoformat()}
    bring(old)
    assert status(case) == Return.Status.RECEIVED


def test_what_was_met_is_not_met_again_by_the_next_import(bring: Import) -> None:
    order = bring()
    bring(refund("812", _1=1))
    case = request(order)
    bring(refund("812", _1=1), language="de")
    assert status(case) == Return.Status.RECEIVED


def test_what_the_store_gave_back_is_not_promised_any_more(bring: Import) -> None:
    case = approved(bring())
    bring(refund("812", "50.00"))
    transaction = case.transactions.get()
    assert transaction.status == Status.REFUSED
    with pytest.raises(money.WrongAmount):
        money.mark_done(transaction, "BO-7", make_agent())
    assert status(case) == Return.Status.APPROVED


def test_more_than_was_paid_cannot_have_gone_back(bring: Import) -> None:
    done(approved(bring()))
    order = bring(refund("812", "60.00"))
    assert amounts(order) == [("812", Decimal("60.00"))]
    assert order.status == Order.Status.REFUNDED


def test_an_order_canceled_in_the_store_keeps_lines_that_are_asked_for(bring: Import) -> None:
    case = request(bring(), line="2")
    order = bring(lines=[{"id": "1", "name": "Suite", "sku": "S", "quantity": 2, "total": "40.00"}])
    assert order.lines.count() == 2
    assert case.lines.get().line.store_line_id == "2"
