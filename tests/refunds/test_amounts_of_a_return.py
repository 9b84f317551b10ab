"""What comes back, as the pages say it: with the tax in it, in the currency's own coins, together never too much."""

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


def page_of(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def order_of(currency: str, quantity: int, total: str, tax: str, paid: str = "") -> OrderLine:
    order = make_order(placed_at=timezone.now(), currency=currency, total=Decimal(paid or total))
    return make_line(order, quantity=quantity, total=Decimal(total), tax=Decimal(tax))


@pytest.mark.parametrize(
    ("currency", "total", "tax", "one", "said"),
    [
        ("JPY", "1000", "91", "333", "¥333 each, with ¥30 tax in it; ¥1,000 for all 3."),
        ("EUR", "100.00", "15.97", "33.33", "€33.33 each, with €5.32 tax in it; €100.00 for all 3."),
        ("KWD", "10.000", "0.500", "3.333", "KWD 3.333 each, with KWD 0.167 tax in it; KWD 10.000 for all 3."),
    ],
)
def test_currencies_with_none_two_and_three_decimals(
    currency: str, total: str, tax: str, one: str, said: str, reason: ReturnReason
) -> None:
    line = order_of(currency, 3, total, tax)
    order, browser = line.order, inside(line.order)
    assert said in text(browser.get(page_of(order))).replace("\xa0", " ")
    form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk}
    assert marks(browser.post(page_of(order), form), "data-amount") == [one]
    sent = browser.post(page_of(order), form | {"confirm": "1"})
    assert marks(browser.get(sent["Location"]), "data-amount") == [one]


def test_units_one_after_the_other_add_up_to_what_was_paid(reason: ReturnReason) -> None:
    line = order_of("EUR", 3, "100.00", "15.97")
    browser = inside(line.order)
    for _unit in range(3):
        form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk, "confirm": "1", "submission_id": str(_unit)}
        assert browser.post(page_of(line.order), form).status_code == 302
    amounts = list(Return.objects.order_by("pk").values_list("amount", flat=True))
    assert amounts == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]
    taxes = [case.lines.get().tax for case in Return.objects.all()]
    assert sum(taxes) == Decimal("15.97")


def test_a_voucher_on_the_whole_order_is_borne_by_each_item(reason: ReturnReason) -> None:
    line = order_of("EUR", 1, "60.00", "9.58", paid="90.00")
    make_line(line.order, name="Other", total=Decimal("40.00"), tax=Decimal("6.39"))
    answer = inside(line.order).post(page_of(line.order), {f"line-{line.pk}-quantity": 1, "reason": reason.pk})
    assert marks(answer, "data-amount") == ["54.00"]


def test_several_items_together(reason: ReturnReason) -> None:
    line = order_of("EUR", 2, "20.00", "3.20", paid="50.00")
    other = make_line(line.order, name="Other", total=Decimal("30.00"), tax=Decimal("4.79"))
    form = {f"line-{line.pk}-quantity": 1, f"line-{other.pk}-quantity": 1, "reason": reason.pk}
    answer = inside(line.order).post(page_of(line.order), form)
    assert marks(answer, "data-amount") == ["40.00"]
    said = text(answer)
    for fact in ("1 × Maximum Security with €1.60 tax in it", "€10.00", "1 × Other with €4.79 tax in it", "€30.00"):
        assert fact in said
    assert "Tax in it €6.39" in said


def test_within_the_stores_limit_it_is_approved_at_once(reason: ReturnReason) -> None:
    line = order_of("EUR", 1, "20.00", "3.20")
    policy = ReturnPolicy.objects.create(store=line.order.store, in_force_from=line.order.placed_at)
    AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=Decimal("20.00"))
    browser = inside(line.order)
    form = {f"line-{line.pk}-quantity": 1, "reason": reason.pk}
    assert "The return is approved at once" in text(browser.post(page_of(line.order), form))
    status = browser.post(page_of(line.order), form | {"confirm": "1"}, follow=True)
    assert marks(status, "data-status") == ["approved"]
    assert RefundTransaction.objects.get().amount == Decimal("20.00")
