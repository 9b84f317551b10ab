import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from support import panels
from tests.factories import make_agent, make_order
from tests.pages import inside, text
from tests.support.submissions import logged_in, submit_message

pytestmark = pytest.mark.django_db


def test_the_buyer_sees_only_threads_from_the_address_of_the_order(client: Client) -> None:
    order = make_order()
    browser = inside(order)
    own = submit_message(browser, email="Buyer@example.com", order=str(order.public_id), subject="My own words")
    other = submit_message(browser, order=str(order.public_id), subject="From elsewhere")
    page = text(browser.get(f"/orders/{order.public_id}/"))
    assert own.reference in page
    assert "My own words" in page
    assert other.reference not in page
    staff = text(logged_in(make_agent()).get(f"/admin/orders/order/{order.pk}/change/?tab=cases"))
    assert own.reference in staff
    assert other.reference in staff


def test_an_order_without_threads_has_no_panel(client: Client) -> None:
    order = make_order()
    assert "Messages to support" not in text(inside(order).get(f"/orders/{order.public_id}/"))


def test_staff_find_an_order_by_the_reference_of_its_thread(client: Client) -> None:
    order = make_order(number="A-1001")
    make_order(number="A-2002")
    thread = submit_message(inside(order), order=str(order.public_id))
    page = text(logged_in(make_agent()).get("/admin/orders/order/", {"q": thread.reference.lower()}))
    assert "A-1001" in page
    assert "A-2002" not in page


def test_threads_of_many_orders_need_one_query(client: Client) -> None:
    orders = [make_order(number=f"A-{number}") for number in range(5)]
    for order in orders:
        submit_message(inside(order), order=str(order.public_id))
    with CaptureQueriesContext(connection) as queries_captured:
        assert len(panels.threads_by_order_id(orders)) == 5
    assert len(queries_captured) == 1
