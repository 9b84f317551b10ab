"""Refund amounts on the pages of a return: taxes, currencies, and totals."""

from decimal import Decimal

import pytest
from django.utils import timezone

from orders.models import Order, OrderLine
from refunds.models import AutoApprovalLimit, RefundTransaction, Return, ReturnPolicy, ReturnReason
from tests.factories import make_line, make_order, make_reason
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
        ("JPY", "1000", "91", "333", "¥333 each, with ¥30 tax in it; ¥1,000 for all 3."),
        ("EUR", "100.00", "15.97", "33.33", "€33.33 each, with €5.32 tax in it; €100.00 for all 3."),
        ("KWD", "10.000", "0.500", "3.333", "KWD 3.333 each, with KWD 0.167 tax in it; KWD 10.000 for all 3."),
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
    for fact in ("1 × Maximum Security with €1.60 tax in it", "€10.00", "1 × Other with €4.79 tax in it", "€30.00"):
        assert fact in page_text
    assert "Tax in it €6.39" in page_text


def test_a_return_within_the_auto_approval_limit_is_approved_immediately(reason: ReturnReason) -> None:
    line = make_priced_line("EUR", 1, "20.00", "3.20")
    policy = ReturnPolicy.objects.create(store=line.order.store, in_force_from=line.order.placed_at)
    AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=Decimal("20.00"))
    browser = inside(line.order)
    form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk}
    assert "The return is approved at once" in text(browser.post(page_url(line.order), form))
    status = browser.post(page_url(line.order), form | {"confirm": "1"}, follow=True)
    assert marks(status, "data-status") == ["approved"]
    assert RefundTransaction.objects.get().amount == Decimal("20.00")
