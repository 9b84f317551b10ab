"""Returns of orders whose total is not the sum of their lines, from the request to the refund."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from cases.refusals import Refusal
from cases.services import cancel
from orders.models import Order, OrderLine
from refunds.eligibility import check_eligibility
from refunds.models import Return, Withdrawal
from refunds.refusals import InvalidAmount
from refunds.services import returns, swaps, transactions, withdrawals
from refunds.services.returns import RequestedLine
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.intake.exports import Importer, shopify_row
from tests.pages import inside, marks, text
from tests.refunds.withdrawing import withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def importer(tmp_path: object) -> Importer:
    return Importer(tmp_path)  # type: ignore[arg-type]


def make_order_of(total: str, *line_totals: str, currency: str = "EUR") -> tuple[Order, list[OrderLine]]:
    order = make_order(
        placed_at=timezone.now() - timedelta(days=1), total=Decimal(total), tax=Decimal(0), currency=currency
    )
    return order, [make_line(order, total=Decimal(each), tax=Decimal(0)) for each in line_totals]


def request(order: Order, lines: Sequence[OrderLine]) -> Return:
    return returns.request_return(order, [RequestedLine(line.pk, line.quantity) for line in lines], make_reason())


def test_each_item_of_an_order_with_a_voucher_can_be_returned() -> None:
    order, (first, second, _voucher) = make_order_of("80.00", "50.00", "50.00", "-20.00")
    amounts = []
    for line in (first, second):
        case = request(order, [line])
        returns.approve(case, make_agent())
        transactions.mark_done(case.transactions.get(), "B-1", make_agent())
        amounts.append(case.amount)
    assert amounts == [Decimal("40.00"), Decimal("40.00")]
    order.refresh_from_db()
    assert order.status == Order.Status.REFUNDED


def test_an_item_and_a_voucher_can_be_returned_together() -> None:
    order, (item, _other, voucher) = make_order_of("80.00", "50.00", "50.00", "-20.00")
    case = request(order, [item, voucher])
    assert sorted(case.lines.values_list("amount", flat=True)) == [Decimal(0), Decimal("40.00")]


def test_an_item_and_a_voucher_can_be_returned_together_on_the_page() -> None:
    order, (item, _other, voucher) = make_order_of("80.00", "50.00", "50.00", "-20.00")
    browser, url = inside(order), f"/orders/{order.public_id}/return/"
    assert "Its amount is included in the amounts of the other items." in text(browser.get(url))
    form = {f"line-{item.pk}-quantity": 1, f"line-{voucher.pk}-quantity": 1, "reason": make_reason().pk}
    assert marks(browser.post(url, form), "data-amount") == ["40.00"]
    assert browser.post(url, form | {"confirm": "1"}).status_code == 302


def test_a_voucher_alone_is_refused_with_a_reason() -> None:
    order, (_item, voucher) = make_order_of("30.00", "50.00", "-20.00")
    with pytest.raises(InvalidAmount, match="together with others"):
        request(order, [voucher])
    with pytest.raises(Refusal, match="isn’t a product"):
        swaps.request_swap(order, swaps.SwapRequest(voucher.pk, None, "another"))


def test_a_free_item_can_be_returned_together_with_others() -> None:
    order, (item, free) = make_order_of("50.00", "50.00", "0.00")
    case = request(order, [item, free])
    assert case.amount == Decimal("50.00")
    assert case.lines.count() == 2


def test_nothing_is_left_to_return_when_only_a_voucher_remains() -> None:
    order, (item, _voucher) = make_order_of("30.00", "50.00", "-20.00")
    request(order, [item])
    assert check_eligibility(order, timezone.now()).refusal


def test_no_return_is_offered_when_only_shipping_remains() -> None:
    order, (item,) = make_order_of("60.00", "50.00")
    shipping = make_line(order, total=Decimal("10.00"), kind=OrderLine.Kind.OTHER, sku="")
    return_page = f"/orders/{order.public_id}/return/"
    assert return_page in inside(order).get(f"/orders/{order.public_id}/").content.decode()
    assert request(order, [item, shipping]).amount == Decimal("60.00")
    other_order, (other_item,) = make_order_of("60.00", "50.00")
    make_line(other_order, total=Decimal("10.00"), kind=OrderLine.Kind.OTHER, sku="")
    assert request(other_order, [other_item]).amount == Decimal("60.00")
    other_page = inside(other_order).get(f"/orders/{other_order.public_id}/").content.decode()
    assert f"/orders/{other_order.public_id}/return/" not in other_page


def test_after_a_canceled_return_the_units_still_add_up() -> None:
    order, _lines = make_order_of("100.00")
    line = make_line(order, quantity=3, total=Decimal("100.00"), tax=Decimal("15.97"))

    def request_one() -> Return:
        return returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason(), submission_id=uuid4())

    first, second, third = request_one(), request_one(), request_one()
    cancel(second)
    cancel(first)
    cases = [third, request_one(), request_one()]
    assert sum(case.amount for case in cases) == Decimal("100.00")
    assert sum(case.lines.get().tax for case in cases) == Decimal("15.97")


def test_shopifys_tax_on_top_is_refunded(importer: Importer) -> None:
    placed = (timezone.now() - timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S +0000")
    importer.shopify(
        shopify_row(
            Created_at=placed,
            Paid_at=placed,
            Currency="USD",
            Subtotal="100.00",
            Shipping="0.00",
            Taxes="8.25",
            Total="108.25",
            Lineitem_price="100.00",
        )
    )
    order = Order.objects.get()
    case = request(order, list(order.lines.all()))
    assert case.amount == Decimal("108.25")
    assert case.lines.get().tax == Decimal("8.25")


@pytest.mark.parametrize(
    ("currency", "total"),
    [("JPY", "0.5"), ("RSD", "0.005"), ("ALL", "0.004"), ("RSD", "1499.99"), ("ALL", "12.5"), ("IQD", "1.234")],
)
def test_small_amounts_are_returned_approved_and_refunded_exactly(currency: str, total: str) -> None:
    order, lines = make_order_of(total, total, currency=currency)
    case = request(order, lines)
    assert case.amount == Decimal(total)
    returns.approve(case, make_agent())
    transactions.mark_done(case.transactions.get(), "B-1", make_agent())
    order.refresh_from_db()
    assert order.status == Order.Status.REFUNDED
    assert order.refunds.get().amount == Decimal(total)


def test_amounts_below_the_smallest_unit_are_not_written_as_zero() -> None:
    order, lines = make_order_of("0.5", "0.5", currency="JPY")
    case = request(order, lines)
    assert marks(inside(order).get(case.path), "data-amount") == ["0.5"]
    assert "¥0.5" in text(inside(order).get(case.path))


def test_a_withdrawal_of_a_total_below_the_smallest_unit_can_be_accepted() -> None:
    order, _lines = make_order_of("0.5", "0.5", currency="JPY")
    statement = withdrawals.WithdrawalStatement("Bea Buyer", order.number, order.email)
    withdrawals.approve(withdraw(statement, "en"), make_agent())
    assert Withdrawal.objects.get().transactions.get().amount == Decimal("0.5")


def test_staff_cannot_approve_a_fraction_that_cannot_be_paid() -> None:
    order, lines = make_order_of("500", "500", currency="JPY")
    case = request(order, lines)
    with pytest.raises(InvalidAmount):
        returns.approve(case, make_agent(), Decimal("0.5"))
