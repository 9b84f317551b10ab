"""Refund amounts on the pages of a return: taxes, currencies, and totals."""

from decimal import Decimal

import pytest
from django.utils import timezone

from orders.models import Order, OrderLine, Refund
from refunds.models import AutoApprovalLimit, RefundTransaction, Return, ReturnPolicy, ReturnReason
from refunds.services import returns
from refunds.services.returns import RequestedLine
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def reason() -> ReturnReason:
    return make_reason()


def page_url(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def make_priced_line(currency: str, quantity: int, total: str, tax: str, paid: str = "") -> OrderLine:
    order = make_order(placed_at=timezone.now(), currency=currency, total=Decimal(paid or total))
    return make_line(order, quantity=quantity, total=Decimal(total), tax=Decimal(tax))


@pytest.mark.parametrize(
    ("currency", "total", "tax", "one", "expected"),
    [
        ("JPY", "1000", "91", "333", "¥333 each (includes ¥30 tax); ¥1,000 for all 3."),
        ("EUR", "100.00", "15.97", "33.33", "€33.33 each (includes €5.32 tax); €100.00 for all 3."),
        ("KWD", "10.000", "0.500", "3.333", "KWD 3.333 each (includes KWD 0.167 tax); KWD 10.000 for all 3."),
    ],
)
def test_amounts_in_currencies_with_zero_two_and_three_decimals(
    currency: str, total: str, tax: str, one: str, expected: str, reason: ReturnReason
) -> None:
    line = make_priced_line(currency, 3, total, tax)
    order, browser = line.order, inside(line.order)
    assert expected in text(browser.get(page_url(order))).replace("\xa0", " ")
    form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk}
    assert marks(browser.post(page_url(order), form), "data-amount") == [one]
    sent = browser.post(page_url(order), form | {"confirm": "1"})
    assert marks(browser.get(sent["Location"]), "data-amount") == [one]


def test_units_returned_one_by_one_add_up_to_the_amount_paid(reason: ReturnReason) -> None:
    line = make_priced_line("EUR", 3, "100.00", "15.97")
    browser = inside(line.order)
    for _unit in range(3):
        form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk, "confirm": "1", "submission_id": str(_unit)}
        assert browser.post(page_url(line.order), form).status_code == 302
    amounts = list(Return.objects.order_by("pk").values_list("amount", flat=True))
    assert amounts == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]
    taxes = [case.lines.get().tax for case in Return.objects.all()]
    assert sum(taxes) == Decimal("15.97")


def test_an_order_discount_is_spread_over_the_items(reason: ReturnReason) -> None:
    line = make_priced_line("EUR", 1, "60.00", "9.58", paid="90.00")
    make_line(line.order, name="Other", total=Decimal("40.00"), tax=Decimal("6.39"))
    response = inside(line.order).post(page_url(line.order), {f"line-{line.pk}-quantity": 1, "reason": reason.pk})
    assert marks(response, "data-amount") == ["54.00"]


def test_amounts_of_several_items_add_up(reason: ReturnReason) -> None:
    line = make_priced_line("EUR", 2, "20.00", "3.20", paid="50.00")
    other = make_line(line.order, name="Other", total=Decimal("30.00"), tax=Decimal("4.79"))
    form = {f"line-{line.pk}-quantity": 1, f"line-{other.pk}-quantity": 1, "reason": reason.pk}
    response = inside(line.order).post(page_url(line.order), form)
    assert marks(response, "data-amount") == ["40.00"]
    page_text = text(response)
    for fact in ("1 × Maximum Security includes €1.60 tax", "€10.00", "1 × Other includes €4.79 tax", "€30.00"):
        assert fact in page_text
    assert "includes €6.39 tax" in page_text


def test_a_return_within_the_auto_approval_limit_is_approved_immediately(reason: ReturnReason) -> None:
    line = make_priced_line("EUR", 1, "20.00", "3.20")
    policy = ReturnPolicy.objects.create(store=line.order.store, in_force_from=line.order.placed_at)
    AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=Decimal("20.00"))
    browser = inside(line.order)
    form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk}
    assert "We’ll approve it right away" in text(browser.post(page_url(line.order), form))
    status = browser.post(page_url(line.order), form | {"confirm": "1"}, follow=True)
    assert marks(status, "data-status") == ["approved"]
    assert RefundTransaction.objects.get().amount == Decimal("20.00")


def test_after_a_goodwill_refund_the_rest_can_be_returned(reason: ReturnReason) -> None:
    line = make_priced_line("EUR", 1, "20.00", "3.19")
    order, browser = line.order, inside(line.order)
    Refund.objects.create(order=order, store_refund_id="G", amount=Decimal("5.00"), refunded_at=timezone.now())
    assert "We can refund up to €15.00 more." in text(browser.get(page_url(order)))
    form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk}
    checked = browser.post(page_url(order), form)
    assert marks(checked, "data-amount") == ["15.00"]
    assert "That leaves €15.00 for this refund." in text(checked)
    browser.post(page_url(order), form | {"confirm": "1"})
    case = Return.objects.get()
    returned = case.lines.get()
    assert (case.amount, returned.amount, returned.tax) == (Decimal("15.00"), Decimal("15.00"), Decimal("2.39"))
    returns.approve(case, make_agent())
    assert RefundTransaction.objects.get().amount == Decimal("15.00")


@pytest.mark.parametrize(
    ("currency", "totals", "refunded", "amounts"),
    [
        ("EUR", ["50.00", "30.00", "20.00"], "33.33", ["33.34", "20.00", "13.33"]),
        ("JPY", ["100", "100", "100"], "100", ["67", "67", "66"]),
        ("KWD", ["1.000", "0.000", "2.000"], "0.001", ["1.000", "0.000", "1.999"]),
    ],
)
def test_what_is_left_after_a_goodwill_refund_is_spread_over_the_items_to_the_smallest_unit(
    currency: str, totals: list[str], refunded: str, amounts: list[str], reason: ReturnReason
) -> None:
    total = sum(map(Decimal, totals))
    order = make_order(placed_at=timezone.now(), currency=currency, total=total)
    lines = [make_line(order, total=Decimal(each), tax=Decimal(0)) for each in totals]
    Refund.objects.create(order=order, store_refund_id="G", amount=Decimal(refunded), refunded_at=timezone.now())
    case = returns.request_return(order, [RequestedLine(line.pk, 1) for line in lines], reason)
    assert [each.amount for each in case.lines.order_by("pk")] == list(map(Decimal, amounts))
    assert case.amount == total - Decimal(refunded)


def test_a_return_of_one_item_is_not_reduced_by_a_refund_that_leaves_enough(reason: ReturnReason) -> None:
    order = make_order(placed_at=timezone.now(), total=Decimal("159.90"))
    first, _second = make_line(order), make_line(order)
    Refund.objects.create(order=order, store_refund_id="G", amount=Decimal("5.00"), refunded_at=timezone.now())
    assert returns.request_return(order, [RequestedLine(first.pk, 1)], reason).amount == Decimal("79.95")
