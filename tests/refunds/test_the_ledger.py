"""The ledger of an order, from exports of stores, requests of buyers and decisions of staff."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from cases.refusals import Refusal
from orders.models import Order, Refund
from refunds.ledger import BlockReason, OrderBlocked, load_ledger
from refunds.models import CashbackClaim, RefundTransaction, Return
from refunds.services import cashback, returns, swaps, transactions, withdrawals
from refunds.services.returns import RequestedLine
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.intake.exports import Importer, portal_order, shopify_row
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db
DONE = RefundTransaction.Status.DONE
BLOCKED = [Order.Status.CHARGED_BACK, Order.Status.CANCELLED, Order.Status.REFUNDED, Order.Status.PENDING]


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    return Importer(tmp_path)


class Shop:
    """A Shopify shop that exports one order of three items at 20.00 each, bought ten days ago."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self.exports = 0

    def export(self, refunded: str = "", **cells: str) -> Order:
        self.exports += 1
        created = (timezone.now() - timedelta(days=10)).strftime("%Y-%m-%d %H:%M:%S +0000")
        row = shopify_row(
            Created_at=created,
            Paid_at=created,
            Subtotal="60.00",
            Taxes="0.00",
            Total="60.00",
            Lineitem_quantity="3",
            Lineitem_price="20.00",
            Refunded_Amount=refunded,
            Notes=f"export {self.exports}",
            **cells,
        )
        assert self.importer.shopify(row).exit_status == 0
        return Order.objects.get()


@pytest.fixture
def shop(importer: Importer) -> Shop:
    return Shop(importer)


def request(order: Order, quantity: int = 1) -> Return:
    line = order.lines.order_by("pk").first()
    return returns.request_return(order, [RequestedLine(line.pk, quantity)], make_reason(), submission_id=uuid4())


def manual_list() -> list[RefundTransaction]:
    return list(RefundTransaction.objects.waiting_for_staff())


def outstanding() -> Any:
    output = StringIO()
    call_command("send_refunds", "--dry-run", "--json", stdout=output)
    return json.loads(output.getvalue().splitlines()[-1])


# --- Refunds reported late, without a date, again, or as a growing sum -----------------------------------------


def test_an_undated_refund_completes_the_return_that_was_approved_before(shop: Shop) -> None:
    case = request(shop.export())
    returns.approve(case, make_agent())
    order = shop.export(refunded="20.00")
    case.refresh_from_db()
    assert case.status == Return.Status.REFUNDED
    assert manual_list() == []
    assert load_ledger(order).refunded == 20
    assert load_ledger(order).left == 40
    shop.export(refunded="20.00")
    assert Refund.objects.count() == 1


def test_an_undated_refund_closes_an_open_return_so_that_it_is_not_paid_again(shop: Shop) -> None:
    case = request(shop.export())
    order = shop.export(refunded="20.00")
    with pytest.raises(Refusal):
        returns.approve(case, make_agent())
    assert load_ledger(order).refunded == 20


def test_a_refund_marked_done_and_then_reported_without_a_date_counts_once(shop: Shop) -> None:
    case = request(shop.export())
    returns.approve(case, make_agent())
    transactions.mark_done(manual_list()[0], "back office 7", make_agent())
    marked_at = Refund.objects.get().refunded_at
    order = shop.export(refunded="20.00")
    refund = Refund.objects.get()
    assert (refund.amount, refund.refunded_at) == (Decimal("20.00"), marked_at)
    assert load_ledger(order).left == 40


def test_a_sum_that_grows_completes_one_promise_after_the_other(shop: Shop) -> None:
    order = shop.export()
    for _number in range(2):
        returns.approve(request(order), make_agent())
    for told, open_promises in (("20.00", 1), ("40.00", 0)):
        order = shop.export(refunded=told)
        assert len(manual_list()) == open_promises
        assert load_ledger(order).refunded == Decimal(told)


def test_a_sum_of_two_refunds_marked_done_counts_each_once(shop: Shop) -> None:
    order = shop.export()
    for number in range(2):
        returns.approve(request(order), make_agent())
        transactions.mark_done(manual_list()[0], f"back office {number}", make_agent())
    order = shop.export(refunded="40.00")
    assert load_ledger(order).refunded == 40
    assert load_ledger(order).left == 20
    order = shop.export(refunded="60.00")
    assert load_ledger(order).left == 0


def test_an_older_export_that_arrives_later_takes_no_refund_away(shop: Shop) -> None:
    shop.export(refunded="40.00")
    order = shop.export(refunded="20.00")
    assert load_ledger(order).refunded == 40
    assert Refund.objects.get().missing_since is not None


def test_an_undated_refund_reported_again_closes_no_later_return(shop: Shop) -> None:
    order = shop.export(refunded="20.00")
    case = request(order)
    shop.export(refunded="20.00")
    case.refresh_from_db()
    assert case.is_undecided


# --- Orders that receive no refunds ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", BLOCKED)
def test_nothing_of_a_blocked_order_is_approved(status: Order.Status) -> None:
    order = make_order(placed_at=timezone.now() - timedelta(days=1), number="A-1001")
    make_line(order)
    line = make_line(order)
    case = request(order)
    swap = swaps.request_swap(order, swaps.SwapRequest(line.pk, None, "Antivirus, please"))
    withdrawal = withdraw(WithdrawalStatement("Bea Buyer", "A-1001", "buyer@example.com"), "en")
    Order.objects.filter(pk=order.pk).update(status=status)
    agent = make_agent()
    for approve in (
        lambda: returns.approve(case, agent),
        lambda: swaps.approve(swap, agent),
        lambda: withdrawals.approve(withdrawal, agent),
    ):
        with pytest.raises(OrderBlocked):
            approve()
    assert not RefundTransaction.objects.exists()


@pytest.mark.parametrize("status", BLOCKED)
def test_what_was_approved_before_is_not_paid_on_a_blocked_order(status: Order.Status) -> None:
    order = make_order(placed_at=timezone.now() - timedelta(days=1))
    make_line(order)
    line = make_line(order)
    returns.approve(request(order), make_agent())
    swap = swaps.request_swap(order, swaps.SwapRequest(line.pk, None, "Antivirus, please"))
    swaps.approve(swap, make_agent())
    Order.objects.filter(pk=order.pk).update(status=status)
    assert manual_list() == []
    with pytest.raises(OrderBlocked):
        transactions.mark_done(RefundTransaction.objects.get(), "back office", make_agent())
    with pytest.raises(OrderBlocked):
        swaps.give_new_serial(swap, make_agent(), "PNEW-1111-2222")
    assert not Refund.objects.exists()


@pytest.mark.parametrize("status", BLOCKED)
def test_no_cashback_is_paid_on_a_blocked_order(status: Order.Status) -> None:
    license = make_purchased_license(order=make_order(placed_at=timezone.now()))
    make_promotion(license.product)
    claim = make_claim(license)
    agent = make_agent()
    cashback.approve(claim, agent)
    Order.objects.update(status=status)
    with pytest.raises(OrderBlocked):
        cashback.record_payout(claim, agent, "PAYOUT-7")
    assert CashbackClaim.objects.get().status == CashbackClaim.Status.APPROVED


def test_a_chargeback_stops_pending_refunds_and_notifies_staff(importer: Importer) -> None:
    placed_at = (timezone.now() - timedelta(days=3)).isoformat()
    importer.orders(portal_order(placed_at=placed_at))
    order = Order.objects.get()
    line = order.lines.get(store_line_id="1")
    case = returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason())
    returns.approve(case, make_agent())
    importer.orders(portal_order(placed_at=placed_at, status="charged_back"))
    transaction = RefundTransaction.objects.get()
    assert transaction.status == RefundTransaction.Status.REFUSED
    assert case.events.filter(note=BlockReason.CHARGED_BACK.label).exists()
    assert [row["reason"] for row in outstanding()["blocked"]] == ["charged_back"]
    with pytest.raises(OrderBlocked):
        transactions.retry(transaction)


def test_an_order_that_is_refunded_without_rows_has_nothing_left(importer: Importer) -> None:
    placed_at = (timezone.now() - timedelta(days=3)).isoformat()
    importer.orders(portal_order(placed_at=placed_at))
    order = Order.objects.get()
    case = returns.request_return(order, [RequestedLine(order.lines.get(store_line_id="1").pk, 1)], make_reason())
    returns.approve(case, make_agent())
    importer.orders(portal_order(placed_at=placed_at, status="refunded"))
    assert manual_list() == []
    ledger = load_ledger(Order.objects.get())
    assert (ledger.refunded, ledger.left, ledger.promised) == (ledger.paid, 0, 0)


def test_a_dry_run_lists_what_waits_as_one_json_object(shop: Shop) -> None:
    case = request(shop.export())
    returns.approve(case, make_agent())
    row = {"order": "#1001", "store": "shop", "case": case.reference, "amount": "20", "currency": "EUR", "reason": ""}
    assert outstanding() == {"to_send": [], "by_hand": [row], "unclear": [], "blocked": []}
    Order.objects.update(is_test=True)
    assert outstanding()["blocked"] == [row | {"reason": "test_order"}]
