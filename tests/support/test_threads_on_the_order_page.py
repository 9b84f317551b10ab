"""What was written about an order stands on its page: to its own address, and to staff all of it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from support import panels
from tests.factories import make_agent, make_order
from tests.pages import inside, text
from tests.support.threads import send_message, signed_in

pytestmark = pytest.mark.django_db


def test_the_buyer_sees_what_came_from_the_orders_own_address(client: Client) -> None:
    order = make_order()
    browser = inside(order)
    own = send_message(browser, email="Buyer@example.com", order=str(order.public_id), subject="My own words")
    other = send_message(browser, order=str(order.public_id), subject="From elsewhere")
    page = text(browser.get(f"/orders/{order.public_id}/"))
    assert own.reference in page
    assert "My own words" in page
    assert other.reference not in page
    staff = text(signed_in(make_agent()).get(f"/admin/orders/order/{order.pk}/change/"))
    assert own.reference in staff
    assert other.reference in staff


def test_an_order_without_letters_shows_nothing(client: Client) -> None:
    order = make_order()
    assert "Messages to support" not in text(inside(order).get(f"/orders/{order.public_id}/"))


def test_staff_find_the_order_by_a_reference(client: Client) -> None:
    order = make_order(number="A-1001")
    make_order(number="A-2002")
    thread = send_message(inside(order), order=str(order.public_id))
    page = text(signed_in(make_agent()).get("/admin/orders/order/", {"q": thread.reference.lower()}))
    assert "A-1001" in page
    assert "A-2002" not in page


def test_many_orders_cost_one_query(client: Client) -> None:
    orders = [make_order(number=f"A-{number}") for number in range(5)]
    for order in orders:
        send_message(inside(order), order=str(order.public_id))
    with CaptureQueriesContext(connection) as asked:
        assert len(panels.load(orders)) == 5
    assert len(asked) == 1
