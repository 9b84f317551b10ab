"""Staff see the buyer's page in a frame in which nothing works, as far as they may see what is on it, on record."""

import pytest
from django.test import Client

from desk.models import LookRecord
from orders.models import Order
from tests.desk.staff import staff_with, staff_with_role
from tests.factories import make_license, make_line, make_order

pytestmark = pytest.mark.django_db

SERIAL = "XAAB-1234-5678-9012-3456"
NEEDED = ("orders.view_order", "orders.view_orderline", "notifications.view_message")


@pytest.fixture
def order() -> Order:
    order = make_order()
    make_license(make_line(order), SERIAL)
    return order


def frame(order: Order) -> str:
    return f"/admin/orders/order/{order.pk}/buyers-page/"


def banner(order: Order) -> str:
    return f"/admin/orders/order/{order.pk}/as-buyer/"


def test_the_page_is_the_buyers_and_nothing_can_be_clicked(order: Order) -> None:
    browser = staff_with_role("agent")
    outer = browser.get(banner(order)).content.decode()
    assert f'src="{frame(order)}"' in outer
    assert "sandbox" in outer
    answer = browser.get(frame(order))
    shown = answer.content.decode()
    assert SERIAL in shown
    assert "<div inert>" in shown
    assert "<script" not in shown
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]


def test_it_is_recorded_and_the_buyers_session_is_not_touched(order: Order) -> None:
    browser = staff_with_role("agent")
    browser.get(banner(order))
    browser.get(frame(order))
    assert set(LookRecord.objects.values_list("kind", "object_key")) == {("as_buyer", order.number_key)}
    assert browser.get(f"/orders/{order.public_id}/").status_code == 302  # no access as a buyer


def test_without_view_license_the_page_has_no_serial_number(order: Order) -> None:
    assert SERIAL not in staff_with(*NEEDED).get(frame(order)).content.decode()
    assert SERIAL in staff_with(*NEEDED, "licenses.view_license").get(frame(order)).content.decode()


@pytest.mark.parametrize("missing", NEEDED)
def test_all_permissions_are_needed(order: Order, missing: str) -> None:
    browser = staff_with(*(each for each in NEEDED if each != missing))
    assert browser.get(banner(order)).status_code == 403
    assert browser.get(frame(order)).status_code == 403
    assert not LookRecord.objects.exists()


def test_strangers_are_sent_to_the_login(order: Order, client: Client) -> None:
    for url in (banner(order), frame(order)):
        assert "/admin/login/" in client.get(url)["Location"]


def test_an_unknown_order_is_not_found(order: Order) -> None:
    assert staff_with_role("agent").get("/admin/orders/order/999999/as-buyer/").status_code == 404
