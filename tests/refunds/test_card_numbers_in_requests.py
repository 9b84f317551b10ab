"""Card numbers in texts of buyers and staff about requests are masked, and the authors are informed."""

import pytest
from django.test import Client
from django.utils import timezone

from cases import services
from cases.refusals import NotPossible
from orders.models import Order, OrderLine, Refund
from refunds.models import Return, Swap, SwapOffer
from refunds.services import returns
from refunds.services.returns import RequestedLine
from refunds.services.transactions import clean_reference
from tests.factories import make_agent, make_line, make_order, make_product, make_reason
from tests.pages import inside, text

pytestmark = pytest.mark.django_db

WRITTEN = "card4242  4242–4242.4242exp"
MASKED = "card••••4242exp"
TOLD = "We kept only its last 4 digits"


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now())


@pytest.fixture
def line(order: Order) -> OrderLine:
    return make_line(order)


@pytest.fixture
def return_case(order: Order, line: OrderLine) -> Return:
    return returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason(), "")


def test_the_comment_of_a_return(order: Order, line: OrderLine) -> None:
    typed = {f"line-{line.pk}-quantity": "1", "reason": make_reason().pk, "comment": WRITTEN, "submission_id": "a"}
    check = inside(order).post(f"/orders/{order.public_id}/return/", typed)
    assert TOLD in text(check)
    assert MASKED in text(check)
    assert "4242–4242" not in check.content.decode()
    page = inside(order).post(f"/orders/{order.public_id}/return/", typed | {"confirm": "1"}, follow=True)
    assert TOLD in text(page)
    assert Return.objects.get().comment == MASKED


def test_the_comment_of_a_swap(order: Order, line: OrderLine) -> None:
    offer = SwapOffer.objects.create(
        store=order.store, product=make_product(), name="Antivirus+", price="29.95", currency="EUR"
    )
    typed = {"line": line.pk, "wanted": offer.pk, "comment": WRITTEN, "submission_id": "a", "confirm": "1"}
    page = inside(order).post(f"/orders/{order.public_id}/swap/", typed, follow=True)
    assert TOLD in text(page)
    assert Swap.objects.get().comment == MASKED


def test_the_answer_to_a_question(order: Order, return_case: Return) -> None:
    services.ask_question(return_case, make_agent(), "Which one?")
    page = inside(order).post(f"{return_case.path}answer/", {"answer": WRITTEN}, follow=True)
    assert TOLD in text(page)
    assert return_case.events.latest("pk").text == MASKED


@pytest.mark.parametrize("action", ["ask", "decline", "note"])
def test_what_staff_write(return_case: Return, action: str) -> None:
    browser = Client()
    browser.force_login(make_agent(), backend="django.contrib.auth.backends.ModelBackend")
    typed = {"action": action, f"{action}-text": WRITTEN, f"{action}-note": WRITTEN}
    page = browser.post(f"/admin/refunds/return/{return_case.pk}/decide/", typed, follow=True)
    assert TOLD in text(page)
    event = return_case.events.latest("pk")
    assert event.note == MASKED
    assert event.text == ("" if action == "note" else MASKED)


def test_a_reference_that_looks_like_a_card_number_needs_others_like_it(order: Order) -> None:
    with pytest.raises(NotPossible, match="only its last 8 digits"):
        clean_reference("4242 4242 4242 4242")
    with pytest.raises(NotPossible):
        clean_reference("4242424242424242")
    assert clean_reference("42424242") == "42424242"
    Refund.objects.create(order=order, store_refund_id="4242421111111111", amount=1)
    assert clean_reference("4242424242424242") == "4242424242424242"
