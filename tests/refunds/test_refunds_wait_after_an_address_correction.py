"""While an address correction can still be undone, returns, swaps and refunds wait; withdrawals are accepted."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from cases.refusals import NotPossible
from notifications.models import Message
from orders.models import Order
from orders.services.address_corrections import correct_address, end_freeze, undo_correction, undo_deadline
from refunds.eligibility import check_eligibility
from refunds.models import CashbackClaim, RefundTransaction, StoreGateway, Withdrawal
from refunds.services import cashback, swaps
from refunds.services.returns import RequestedLine, request_return
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.orders.correction_helpers import correct_and_notify, settle_notice
from tests.pages import inside, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license, order_of
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    make_line(order)
    return order


def requested_lines(order: Order) -> list[RequestedLine]:
    return [RequestedLine(order.lines.get().pk, 1)]


def test_returns_and_swaps_are_refused_with_the_end_of_the_wait(order: Order) -> None:
    correct_address(order, "right@example.com")
    for refused in ("return", "swap"):
        page = text(inside(order).get(f"/orders/{order.public_id}/{refused}/", follow=True))
        assert "corrected recently" in page, refused
    with pytest.raises(NotPossible, match="corrected recently"):
        request_return(order, requested_lines(order), make_reason())
    with pytest.raises(NotPossible, match="corrected recently"):
        swaps.request_swap(order, swaps.SwapRequest(order.lines.get().pk, None, "Antivirus, please"))


def test_returns_are_possible_again_after_48_hours(order: Order) -> None:
    until = correct_and_notify(order, "right@example.com").undo_until
    with time_machine.travel(until, tick=False):
        assert request_return(order, requested_lines(order), make_reason()).amount == Decimal("79.95")


def test_the_48_hours_begin_when_the_notice_was_sent(order: Order) -> None:
    now = timezone.now()
    correction = correct_address(order, "right@example.com")
    with time_machine.travel(now + timedelta(days=8), tick=False):
        page = text(inside(order).get(f"/orders/{order.public_id}/"))
        assert "48 hours after our email about it was sent to the previous address" in page
        with pytest.raises(NotPossible, match="48 hours after we’ve emailed the previous address"):
            request_return(order, requested_lines(order), make_reason())
        settle_notice(correction, Message.Status.SENT, timezone.now())
    almost = time_machine.travel(now + timedelta(days=9, hours=23), tick=False)
    with almost, pytest.raises(NotPossible, match="corrected recently"):
        request_return(order, requested_lines(order), make_reason())
    with time_machine.travel(now + timedelta(days=10, seconds=1), tick=False):
        assert request_return(order, requested_lines(order), make_reason()).pk


@pytest.mark.parametrize("status", [Message.Status.FAILED, Message.Status.BOUNCED])
def test_an_undeliverable_notice_restarts_the_48_hours(order: Order, status: Message.Status) -> None:
    now = timezone.now()
    correction = correct_address(order, "right@example.com")
    if status == Message.Status.BOUNCED:
        settle_notice(correction, Message.Status.SENT, now)
    settle_notice(correction, status, now + timedelta(hours=5))
    order.refresh_from_db()
    assert order.freeze_ends_at == now + timedelta(hours=53)


def test_a_bounce_after_the_48_hours_freezes_nothing_again(order: Order) -> None:
    now = timezone.now()
    correction = correct_and_notify(order, "right@example.com")
    settle_notice(correction, Message.Status.BOUNCED, now + timedelta(hours=49))
    order.refresh_from_db()
    assert not order.is_frozen(now + timedelta(hours=49))


def test_without_an_old_address_the_48_hours_begin_at_once(order: Order) -> None:
    Order.objects.update(store_email="", email_key="")
    correct_address(order, "right@example.com")
    order.refresh_from_db()
    assert order.freeze_ends_at == order.address_corrections.get().made_at + timedelta(hours=48)


def test_staff_end_the_freeze_while_the_notice_waits(order: Order) -> None:
    correction = correct_address(order, "right@example.com")
    assert end_freeze(order)
    assert not end_freeze(order)
    assert request_return(order, requested_lines(order), make_reason()).pk
    settle_notice(correction, Message.Status.SENT, timezone.now())
    order.refresh_from_db()
    assert not order.is_frozen(timezone.now())
    assert undo_deadline(correction, timezone.now())[0]  # it can still be undone


def test_undoing_the_correction_ends_the_wait(order: Order) -> None:
    undo_correction(correct_address(order, "right@example.com"))
    assert request_return(order, requested_lines(order), make_reason()).pk


def test_the_order_is_eligible_before_the_correction(order: Order) -> None:
    before = timezone.now() - timedelta(hours=1)
    correct_address(order, "right@example.com")
    order.refresh_from_db()
    assert not check_eligibility(order, before).refusal


def test_open_refunds_are_not_sent_meanwhile(order: Order) -> None:
    case = request_return(order, requested_lines(order), make_reason())
    transaction = RefundTransaction.objects.create(
        order=order,
        return_case=case,
        currency="EUR",
        amount=1,
        gateway=StoreGateway.Gateway.STRIPE,
    )
    assert list(RefundTransaction.objects.due(timezone.now())) == [transaction]
    until = correct_and_notify(order, "right@example.com").undo_until
    assert not RefundTransaction.objects.due(timezone.now()).exists()
    assert RefundTransaction.objects.due(until).exists()


def test_cashback_can_neither_be_claimed_nor_paid() -> None:
    license = make_purchased_license()
    assert license.product
    make_promotion(license.product)
    order = order_of(license)
    claim = make_claim(license)
    cashback.approve(claim, make_agent())
    correct_address(order, "right@example.com")
    with pytest.raises(cashback.NoCashback, match="corrected recently"):
        cashback.record_payout(claim, make_agent(), "PAY-1")
    CashbackClaim.objects.all().delete()
    order.refresh_from_db()
    [result] = cashback.check_licenses([order], "DE", timezone.now())
    assert result.reason is not None
    assert result.reason.code == "address-corrected"


def test_a_withdrawal_is_accepted_anyway(order: Order) -> None:
    correct_address(order, "right@example.com")
    withdraw(WithdrawalStatement("Bea Buyer", order.number, "right@example.com"), "en", None)
    assert Withdrawal.objects.get().status == Withdrawal.Status.RECEIVED
