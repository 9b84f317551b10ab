"""Refunds that a store reports are matched to the portal's refunds and open returns."""

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
from refunds.services import returns, transactions
from tests.factories import make_agent, make_reason

pytestmark = pytest.mark.django_db
Status = RefundTransaction.Status

PRICE = Decimal("20.00")
ImportOrder = Callable[..., Order]


@pytest.fixture
def import_order(tmp_path: Path) -> ImportOrder:
    """Return a function that imports a newer version of an order of three units, with these refunds."""
    versions = iter(range(1, 100))

    def import_order(*refunds: dict[str, Any], **changes: Any) -> Order:
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

    return import_order


def refund_record(id: str, amount: str = "20.00", **units: int) -> dict[str, Any]:
    record: dict[str, Any] = {"id": id, "amount": amount, "at": timezone.now().isoformat()}
    return record | ({"lines": [{"id": line[1:], "quantity": count} for line, count in units.items()]} if units else {})


def request_return(order: Order, line: str = "1", quantity: int = 1) -> Return:
    reason = ReturnReason.objects.first() or make_reason()
    return returns.request_return(
        order, [returns.RequestedLine(order.lines.get(store_line_id=line).pk, quantity)], reason
    )


def request_and_approve(order: Order, **fields: Any) -> Return:
    case = request_return(order, **fields)
    returns.approve(case, make_agent())
    return case


def mark_done(case: Return) -> Return:
    transactions.mark_done(case.transactions.get(), "BO-7", make_agent())
    return case


def returned_units(order: Order) -> dict[str, int]:
    return dict(order.lines.values_list("store_line_id", "quantity_returned"))


def refund_amounts(order: Order) -> list[tuple[str, Decimal]]:
    return sorted(order.refunds.values_list("store_refund_id", "amount"))


def status_of(case: Return) -> str:
    case.refresh_from_db()
    return case.status


def test_an_own_refund_reported_by_the_store_is_counted_once(import_order: ImportOrder) -> None:
    order = import_order()
    case = mark_done(request_and_approve(order))
    order = import_order(refund_record("812", _1=1))
    assert refund_amounts(order) == [("812", PRICE)]
    assert returned_units(order) == {"1": 1, "2": 0}
    assert case.transactions.get().refund == order.refunds.get()
    assert order.status == Order.Status.PARTIALLY_REFUNDED
    assert Message.objects.filter(kind="return_refunded").count() == 1


def test_an_own_refund_reported_without_items_keeps_its_units(import_order: ImportOrder) -> None:
    mark_done(request_and_approve(import_order()))
    order = import_order(refund_record("812"))
    assert refund_amounts(order) == [("812", PRICE)]
    assert returned_units(order) == {"1": 1, "2": 0}


def test_the_reference_identifies_an_own_refund_among_equal_amounts(import_order: ImportOrder) -> None:
    mark_done(request_and_approve(import_order()))
    order = import_order(refund_record("BO-6", _2=1), refund_record("BO-7", _1=1))
    assert refund_amounts(order) == [("BO-6", PRICE), ("BO-7", PRICE)]
    assert returned_units(order) == {"1": 1, "2": 1}


def test_a_later_import_keeps_own_refunds_and_the_order_status(import_order: ImportOrder) -> None:
    mark_done(request_and_approve(import_order()))
    order = import_order(language="de")
    assert [amount for _id, amount in refund_amounts(order)] == [PRICE]
    assert order.status == Order.Status.PARTIALLY_REFUNDED
    assert returned_units(order) == {"1": 1, "2": 0}
    order = import_order(refund_record("812", _1=1))
    order = import_order()
    assert refund_amounts(order) == [("812", PRICE)]
    assert returned_units(order) == {"1": 1, "2": 0}


def test_a_back_office_refund_completes_a_waiting_manual_refund(import_order: ImportOrder) -> None:
    case = request_and_approve(import_order())
    order = import_order(refund_record("812", _1=1))
    assert status_of(case) == Return.Status.REFUNDED
    transaction = case.transactions.get()
    assert (transaction.status, transaction.store_reference) == (Status.DONE, "812")
    assert returned_units(order) == {"1": 1, "2": 0}
    assert case.events.latest("pk").actor == ReturnEvent.Actor.STORE
    assert Message.objects.filter(kind="return_refunded").count() == 1
    with pytest.raises(transactions.WrongStatus):
        transactions.mark_done(transaction, "BO-7", make_agent())


def test_a_refund_closes_the_undecided_return_of_the_same_items(import_order: ImportOrder) -> None:
    order = import_order()
    other, case = request_return(order, line="2"), request_return(order)
    order = import_order(refund_record("812", _1=1))
    assert (status_of(case), status_of(other)) == (Return.Status.REFUNDED, Return.Status.RECEIVED)
    assert returned_units(order) == {"1": 1, "2": 0}
    assert case.amount_approved == PRICE


def test_a_refund_without_items_of_the_same_amount_closes_the_undecided_return(import_order: ImportOrder) -> None:
    case = request_return(import_order(), quantity=2)
    order = import_order(refund_record("812", "40.00"))
    assert status_of(case) == Return.Status.REFUNDED
    assert returned_units(order) == {"1": 2, "2": 0}


def test_a_refund_of_other_items_closes_nothing(import_order: ImportOrder) -> None:
    case = request_return(import_order())
    order = import_order(refund_record("812", _2=1))
    assert status_of(case) == Return.Status.RECEIVED
    assert returned_units(order) == {"1": 0, "2": 1}


def test_a_refund_of_the_items_for_another_amount_closes_the_return(import_order: ImportOrder) -> None:
    case = request_and_approve(import_order())
    order = import_order(refund_record("812", "15.00", _1=1))
    assert status_of(case) == Return.Status.REFUNDED
    assert set(case.transactions.values_list("status", flat=True)) == {Status.CANCELLED, Status.DONE}
    assert refund_amounts(order) == [("812", Decimal("15.00"))]
    assert not RefundTransaction.objects.open().exists()


def test_a_refund_before_the_request_does_not_close_it(import_order: ImportOrder) -> None:
    case = request_return(import_order())
    old = refund_record("812") | {"at": (timezone.now() - timedelta(days=3)).isoformat()}
    import_order(old)
    assert status_of(case) == Return.Status.RECEIVED


def test_a_matched_refund_is_not_matched_again_by_the_next_import(import_order: ImportOrder) -> None:
    order = import_order()
    import_order(refund_record("812", _1=1))
    case = request_return(order)
    import_order(refund_record("812", _1=1), language="de")
    assert status_of(case) == Return.Status.RECEIVED


def test_a_promised_refund_is_refused_once_the_store_has_refunded_the_money(import_order: ImportOrder) -> None:
    case = request_and_approve(import_order())
    import_order(refund_record("812", "50.00"))
    transaction = case.transactions.get()
    assert transaction.status == Status.REFUSED
    with pytest.raises(transactions.InvalidAmount):
        transactions.mark_done(transaction, "BO-7", make_agent())
    assert status_of(case) == Return.Status.APPROVED


def test_a_refund_beyond_the_amount_paid_replaces_an_own_refund(import_order: ImportOrder) -> None:
    mark_done(request_and_approve(import_order()))
    order = import_order(refund_record("812", "60.00"))
    assert refund_amounts(order) == [("812", Decimal("60.00"))]
    assert order.status == Order.Status.REFUNDED


def test_an_order_canceled_in_the_store_keeps_lines_with_requests(import_order: ImportOrder) -> None:
    case = request_return(import_order(), line="2")
    order = import_order(lines=[{"id": "1", "name": "Suite", "sku": "S", "quantity": 2, "total": "40.00"}])
    assert order.lines.count() == 2
    assert case.lines.get().line.store_line_id == "2"
