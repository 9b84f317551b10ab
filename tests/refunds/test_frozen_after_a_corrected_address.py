"""While a corrected address can still be undone, nothing of worth moves; a withdrawal is taken all the same."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from cases.refusals import NotPossible
from orders.models import Order
from orders.services.address_corrections import correct_address, undo_correction
from refunds.eligibility import judge
from refunds.models import CashbackClaim, RefundTransaction, StoreGateway, Withdrawal
from refunds.services import cashback, swaps, withdrawals
from refunds.services.returns import Wanted, request_return
from refunds.services.withdrawals import Statement
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.pages import inside, text
from tests.refunds.promoted import make_bought, make_claim, make_promotion, order_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    make_line(order)
    return order


def wanted(order: Order) -> list[Wanted]:
    return [Wanted(order.lines.get().pk, 1)]


def test_returns_and_swaps_wait_and_say_until_when(order: Order) -> None:
    correct_address(order, "right@example.com")
    for refused in ("return", "swap"):
        page = text(inside(order).get(f"/orders/{order.public_id}/{refused}/", follow=True))
        assert "corrected lately" in page, refused
    with pytest.raises(NotPossible, match="corrected lately"):
        request_return(order, wanted(order), make_reason())
    with pytest.raises(NotPossible, match="corrected lately"):
        swaps.request_swap(order, swaps.Wish(order.lines.get().pk, None, "Antivirus, please"))


def test_after_the_48_hours_they_go_on(order: Order) -> None:
    until = correct_address(order, "right@example.com").undo_until
    with time_machine.travel(until, tick=False):
        assert request_return(order, wanted(order), make_reason()).amount == Decimal("79.95")


def test_undoing_lets_them_go_on_at_once(order: Order) -> None:
    undo_correction(correct_address(order, "right@example.com"))
    assert request_return(order, wanted(order), make_reason()).pk


def test_a_request_before_the_correction_is_judged_as_it_was(order: Order) -> None:
    before = timezone.now() - timedelta(hours=1)
    correct_address(order, "right@example.com")
    order.refresh_from_db()
    assert not judge(order, before).refusal


def test_money_on_its_way_waits(order: Order) -> None:
    case = request_return(order, wanted(order), make_reason())
    money = RefundTransaction.objects.create(
        order=order,
        return_case=case,
        currency="EUR",
        amount=1,
        gateway=StoreGateway.Gateway.STRIPE,
    )
    assert list(RefundTransaction.objects.due(timezone.now())) == [money]
    until = correct_address(order, "right@example.com").undo_until
    assert not RefundTransaction.objects.due(timezone.now()).exists()
    assert RefundTransaction.objects.due(until).exists()


def test_cashback_is_neither_claimed_nor_paid() -> None:
    license = make_bought()
    assert license.product
    make_promotion(license.product)
    order = order_of(license)
    claim = make_claim(license)
    cashback.approve(claim, make_agent())
    correct_address(order, "right@example.com")
    with pytest.raises(cashback.NoCashback, match="corrected lately"):
        cashback.pay(claim, make_agent(), "PAY-1")
    CashbackClaim.objects.all().delete()
    order.refresh_from_db()
    [verdict] = cashback.verdicts([order], "DE", timezone.now())
    assert verdict.reason is not None
    assert verdict.reason.code == "frozen"


def test_a_withdrawal_is_taken_all_the_same(order: Order) -> None:
    correct_address(order, "right@example.com")
    withdrawals.withdraw(Statement("Bea Buyer", order.number, "right@example.com"), "en", None)
    assert Withdrawal.objects.get().status == Withdrawal.Status.RECEIVED
