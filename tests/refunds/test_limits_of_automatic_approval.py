"""Automatic approval counts everything that was refunded for the order, and to its address within 30 days."""

import json
import threading
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from orders.models import Order, OrderLine, Refund, Store
from refunds.models import AutoApprovalLimit, Return, ReturnPolicy, ReturnReason
from refunds.services import cashback, returns, transactions, withdrawals
from refunds.services.returns import RequestedLine
from refunds.services.withdrawals import WithdrawalStatement
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_store
from tests.pages import inside, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db

LIMIT = Decimal(50)


@pytest.fixture
def store() -> Store:
    store = make_store()
    policy = ReturnPolicy.objects.create(store=store, in_force_from=timezone.now() - timedelta(days=400))
    AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=LIMIT)
    AutoApprovalLimit.objects.create(policy=policy, currency="USD", up_to=LIMIT)
    return store


@pytest.fixture
def reason() -> ReturnReason:
    return make_reason()


def make_purchase(store: Store, *prices: int, **fields: object) -> Order:
    """Create an order of today with a line for each price."""
    order = make_order(store=store, **{"placed_at": timezone.now(), "total": Decimal(sum(prices))} | fields)
    for price in prices:
        make_line(order, unit_price=Decimal(price), tax=Decimal(0), tax_rate=None, total=Decimal(price))
    return order


def send_return(line: OrderLine, reason: ReturnReason, quantity: int = 1) -> Return:
    return returns.request_return(line.order, [RequestedLine(line.pk, quantity)], reason)


def is_approved(case: Return) -> bool:
    return case.status == Return.Status.APPROVED


def test_returns_of_one_order_are_added_up(store: Store, reason: ReturnReason) -> None:
    lines = make_purchase(store, 30, 20, 10).lines.order_by("position")
    assert [is_approved(send_return(line, reason)) for line in lines] == [True, True, False]


def test_ten_returns_of_one_address_share_one_limit(store: Store, reason: ReturnReason) -> None:
    cases = [send_return(make_purchase(store, 40).lines.get(), reason) for _number in range(10)]
    assert [is_approved(case) for case in cases] == [True] + [False] * 9


def test_other_stores_of_the_same_address_count(store: Store, reason: ReturnReason) -> None:
    elsewhere = send_return(make_purchase(make_store(), 40).lines.get(), reason)
    returns.approve(elsewhere, make_agent())
    assert not is_approved(send_return(make_purchase(store, 40).lines.get(), reason))


def test_another_address_does_not_count(store: Store, reason: ReturnReason) -> None:
    assert is_approved(send_return(make_purchase(store, 40).lines.get(), reason))
    other = make_purchase(store, 40, store_email="somebody@example.org")
    assert is_approved(send_return(other.lines.get(), reason))


def test_orders_without_an_address_count_alone(store: Store, reason: ReturnReason) -> None:
    first, second = make_purchase(store, 40, 20, store_email=""), make_purchase(store, 40, store_email="")
    lines = list(first.lines.order_by("position"))
    assert is_approved(send_return(lines[0], reason))
    assert not is_approved(send_return(lines[1], reason))
    assert is_approved(send_return(second.lines.get(), reason))


def test_after_thirty_days_a_refund_of_another_order_counts_no_more(store: Store, reason: ReturnReason) -> None:
    earlier = make_purchase(store, 40)
    refund = Refund.objects.create(
        order=earlier, store_refund_id="R-1", amount=40, refunded_at=timezone.now() - timedelta(days=29)
    )
    order = make_purchase(store, 40, 40)
    lines = list(order.lines.order_by("position"))
    assert not is_approved(send_return(lines[0], reason))
    refund.refunded_at = timezone.now() - timedelta(days=30)
    refund.save()
    assert is_approved(send_return(lines[1], reason))


def test_an_approved_refund_that_has_not_moved_counts_however_old_it_is(store: Store, reason: ReturnReason) -> None:
    assert is_approved(send_return(make_purchase(store, 40).lines.get(), reason))
    Return.objects.update(decided_at=timezone.now() - timedelta(days=90))
    assert not is_approved(send_return(make_purchase(store, 40).lines.get(), reason))


def test_everything_of_the_order_counts_at_any_age(store: Store, reason: ReturnReason) -> None:
    order = make_purchase(store, 40, 20)
    lines = list(order.lines.order_by("position"))
    long_ago = timezone.now() - timedelta(days=90)
    Refund.objects.create(order=order, store_refund_id="R-1", amount=40, refunded_at=long_ago)
    assert not is_approved(send_return(lines[1], reason))


def test_a_refund_that_the_store_made_itself_counts_even_without_a_date(store: Store, reason: ReturnReason) -> None:
    order = make_purchase(store, 20, 40)
    Refund.objects.create(order=order, store_refund_id="R-1", amount=20)
    assert not is_approved(send_return(order.lines.get(position=2), reason))


@pytest.mark.parametrize("status", [Order.Status.REFUNDED, Order.Status.CHARGED_BACK])
def test_a_reversed_order_counts_even_if_the_store_reports_no_refund(
    store: Store, reason: ReturnReason, status: str
) -> None:
    make_purchase(store, 40, status=status)
    assert not is_approved(send_return(make_purchase(store, 40).lines.get(), reason))


def test_a_refund_in_another_currency_counts_as_over_the_limit(store: Store, reason: ReturnReason) -> None:
    dollars = make_purchase(store, 5, currency="USD")
    assert is_approved(send_return(dollars.lines.get(), reason))
    assert not is_approved(send_return(make_purchase(store, 5).lines.get(), reason))


def test_after_a_partly_accepted_withdrawal_the_rest_is_not_returned_automatically(
    store: Store, reason: ReturnReason
) -> None:
    order = make_purchase(store, 60, 40)
    case = withdraw(WithdrawalStatement("Bea", order.number, "buyer@example.com"), "en")
    withdrawals.approve(case, make_agent(), Decimal(60))
    transactions.mark_done(case.transactions.get(), "BO-1", make_agent())
    assert not is_approved(send_return(order.lines.get(position=2), reason))


def test_a_withdrawal_of_another_order_counts_from_the_moment_it_was_sent(store: Store, reason: ReturnReason) -> None:
    order = make_purchase(store, 40)
    withdrawals.withdraw(WithdrawalStatement("Bea", order.number, "buyer@example.com"), "en")
    assert not is_approved(send_return(make_purchase(store, 40).lines.get(), reason))


def test_cashback_of_another_order_counts(store: Store, reason: ReturnReason) -> None:
    license = make_purchased_license()
    make_promotion(license.product)
    claim = make_claim(license)
    line = make_purchase(store, 45).lines.get()
    assert not is_approved(send_return(line, reason))
    cashback.decline(claim, make_agent(), "Not this time.")
    assert is_approved(send_return(make_purchase(store, 45).lines.get(), reason))


def test_a_unit_with_cashback_is_left_to_staff_who_see_a_warning(store: Store, reason: ReturnReason) -> None:
    order = make_purchase(store, 20)
    license = make_license(order.lines.get(), product=make_product(), activated_at=timezone.now())
    make_promotion(license.product)
    claim = make_claim(license)
    cashback.approve(claim, make_agent())
    cashback.record_payout(claim, make_agent(), "PAY-1")
    case = send_return(order.lines.get(), reason)
    assert not is_approved(case)
    staff = inside(order)
    staff.force_login(make_agent(), backend="django.contrib.auth.backends.ModelBackend")
    page_text = text(staff.get(f"/admin/refunds/return/{case.pk}/change/"))
    assert f"{claim.reference} €10.00, paid" in page_text


def test_the_check_page_promises_automatic_approval_only_within_the_limit(store: Store, reason: ReturnReason) -> None:
    order = make_purchase(store, 40, 20)
    first, second = order.lines.order_by("position")
    url = f"/orders/{order.public_id}/return/"
    form = {f"line-{second.pk}-quantity": 1, "reason": reason.pk}
    assert "approve it right away" in text(inside(order).post(url, form))
    send_return(first, reason)
    assert "approve it right away" not in text(inside(order).post(url, form))


@pytest.mark.django_db(transaction=True)
def test_of_two_returns_of_two_orders_at_once_one_passes(store: Store, reason: ReturnReason) -> None:
    lines = [make_purchase(store, 40).lines.get() for _number in range(4)]
    begin = threading.Barrier(len(lines))

    def run(line: OrderLine) -> None:
        try:
            begin.wait(10)
            send_return(line, reason)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(Return.objects.values_list("status", flat=True)) == ["approved"] + ["received"] * 3


def test_replaying_a_policy_adds_up_in_the_same_way(reason: ReturnReason, tmp_path: Path) -> None:
    cases = [send_return(make_purchase(make_store(), 40).lines.get(), reason) for _number in range(3)]
    alone = send_return(make_purchase(make_store(), 40, store_email="somebody@example.org").lines.get(), reason)
    file = tmp_path / "policy.json"
    file.write_text('{"auto_approve": {"EUR": "80"}}')
    output = StringIO()
    call_command("replay_policy", str(file), "--json", stdout=output)
    flips = [flip["reference"] for flip in json.loads(output.getvalue())["flips"]]
    assert flips == [cases[0].reference, cases[1].reference, alone.reference]


def test_replaying_counts_other_refunds_before_the_return(reason: ReturnReason, tmp_path: Path) -> None:
    case = send_return(make_purchase(make_store(), 40).lines.get(), reason)
    earlier = make_purchase(make_store(), 50)
    refund = Refund.objects.create(
        order=earlier, store_refund_id="R-1", amount=50, refunded_at=timezone.now() - timedelta(days=1)
    )
    file = tmp_path / "policy.json"
    file.write_text('{"auto_approve": {"EUR": "80"}}')

    def flips() -> list[str]:
        output = StringIO()
        call_command("replay_policy", str(file), "--json", stdout=output)
        return [flip["reference"] for flip in json.loads(output.getvalue())["flips"]]

    assert flips() == []
    later = timezone.now() + timedelta(days=1)
    Refund.objects.filter(pk=refund.pk).update(refunded_at=later, recorded_at=later)
    assert flips() == [case.reference]
