"""Staff request a return for a buyer on the phone, by the buyer's own rules."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Message
from orders.models import Order
from refunds.models import Return
from tests.desk.staff import staff_with, staff_with_role
from tests.factories import make_line, make_order, make_reason
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Client:
    return staff_with_role("agent")


@pytest.fixture
def order() -> Order:
    order = make_order(placed_at=timezone.now(), language="de")
    make_line(order)
    return order


def url(order: Order) -> str:
    return f"/admin/orders/order/{order.pk}/return/"


def entered(order: Order, **changes: object) -> dict[str, object]:
    line = order.lines.first()
    assert line is not None
    return {f"line-{line.pk}-quantity": 1, "reason": make_reason().pk, "comment": "by phone"} | changes


def test_the_return_is_requested_by_staff_and_waits_for_a_decision(agent: Client, order: Order) -> None:
    answer = agent.post(url(order), entered(order), follow=True)
    case = Return.objects.get()
    assert answer.redirect_chain[-1][0] == f"/admin/refunds/return/{case.pk}/change/"
    assert (case.status, case.comment, case.language) == ("received", "by phone", "de")
    event = case.events.get()
    assert event.actor == "staff"
    assert event.by is not None
    assert Message.objects.get().kind == "return_received"


def test_the_same_form_sent_twice_is_one_return(agent: Client, order: Order) -> None:
    data = entered(order, submission_id="abc")
    for _click in range(2):
        agent.post(url(order), data)
    assert Return.objects.count() == 1


@pytest.mark.parametrize("quantity", ["", "0", "2", "-1", "x", "\x00", "9" * 40])
def test_a_quantity_that_cannot_be_is_an_error(agent: Client, order: Order, quantity: str) -> None:
    line = order.lines.get()
    answer = agent.post(url(order), entered(order) | {f"line-{line.pk}-quantity": quantity})
    assert answer.status_code == 200
    if quantity != "2":  # a checkbox that is sent with any number is one unit
        assert 'role="alert"' in answer.content.decode() or Return.objects.exists()
    assert Return.objects.count() <= 1


def test_without_an_item_or_a_reason_nothing_is_requested(agent: Client, order: Order) -> None:
    line = order.lines.get()
    for data in ({}, {"reason": make_reason().pk}, {f"line-{line.pk}-quantity": 1}):
        answer = agent.post(url(order), data)
        assert 'role="alert"' in answer.content.decode()
    assert not Return.objects.exists()


def test_after_the_period_the_page_says_so(agent: Client, order: Order) -> None:
    Order.objects.update(placed_at=timezone.now() - timedelta(days=60))
    order.lines.update(return_until=timezone.now() - timedelta(days=30))
    assert "The return period has ended." in text(agent.get(url(order)))
    agent.post(url(order), entered(order))
    assert not Return.objects.exists()


def test_both_permissions_are_needed(order: Order) -> None:
    for permissions in (["refunds.change_return"], ["orders.view_order"]):
        browser = staff_with(*permissions)
        assert browser.get(url(order)).status_code == 403
        assert browser.post(url(order), entered(order)).status_code == 403
    assert not Return.objects.exists()


def test_strangers_are_sent_to_the_login(order: Order, client: Client) -> None:
    assert "/admin/login/" in client.post(url(order), entered(order))["Location"]
    assert not Return.objects.exists()
