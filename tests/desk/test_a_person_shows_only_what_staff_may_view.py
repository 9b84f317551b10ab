"""Each tab and figure of a person needs the permission of what it shows; without any of them there's no page."""

import pytest

from orders.models import Order
from tests.desk.people import bounce, make_busy_person, person_url, unsubscribe
from tests.desk.staff import staff_with
from tests.factories import make_order

pytestmark = pytest.mark.django_db

PERMISSIONS = {
    "orders.view_order": {"orders"},
    "licenses.view_license": {"licenses"},
    "refunds.view_return": {"cases"},
    "refunds.view_withdrawal": {"cases"},
    "refunds.view_swap": {"cases"},
    "refunds.view_cashbackclaim": {"cases"},
    "support.view_thread": {"cases", "threads"},
    "notifications.view_message": {"emails"},
    "orders.view_attempt": {"attempts"},
}
TABS = {"orders", "licenses", "cases", "threads", "emails", "attempts"}
# What only one permission shows.
ONLY = {
    "orders.view_order": ("Ann Archer", "€79.95", "Billing addresses", "Possibly the same person", "Show the orders"),
    "licenses.view_license": ("XAAB-",),
    "refunds.view_return": (">R-",),
    "refunds.view_withdrawal": (">W-",),
    "refunds.view_swap": (">S-",),
    "support.view_thread": (">M-", ">B-", "Open the newest thread"),
    "notifications.view_message": ("Bounced emails",),
    "orders.view_attempt": ("192.0.2.1",),
}


@pytest.fixture
def order() -> Order:
    bounce()
    unsubscribe()
    make_order(store_email="ann.a@example.com", billing_name="Ann Archer")
    [order] = make_busy_person()
    return order


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_one_permission_shows_its_tabs_and_nothing_else(order: Order, permission: str) -> None:
    browser = staff_with(permission)
    page = browser.get(person_url()).content.decode()
    assert {tab for tab in TABS if f'data-tab="{tab}"' in page} == PERMISSIONS[permission]
    for tab in TABS:
        expected = 200 if tab in PERMISSIONS[permission] else 403
        assert browser.get(f"{person_url()}{tab}/").status_code == expected
    for other, texts in ONLY.items():
        for text in texts:
            assert (text in page) == (other == permission), text


def test_without_a_permission_there_is_no_page(order: Order) -> None:
    assert staff_with("licenses.view_product", "notifications.view_optout").get(person_url()).status_code == 403
    assert staff_with().get(f"{person_url()}orders/").status_code == 403


def test_devices_need_their_own_permission(order: Order) -> None:
    assert "Office" not in staff_with("licenses.view_license").get(person_url()).content.decode()
    page = staff_with("licenses.view_license", "licenses.view_device").get(person_url()).content.decode()
    assert "Office" in page
    assert order.number not in page


def test_opting_out_and_stores_need_their_own_permissions(order: Order) -> None:
    assert "unsubscribed" not in staff_with("notifications.view_message").get(person_url()).content.decode()
    page = staff_with("notifications.view_message", "notifications.view_optout").get(person_url()).content.decode()
    assert "unsubscribed since" in page
    assert ">Stores<" not in staff_with("orders.view_order").get(person_url()).content.decode()


def test_the_correction_is_offered_to_those_who_may_correct(order: Order) -> None:
    assert "Correct the address" not in staff_with("orders.view_order").get(person_url()).content.decode()
    page = staff_with("orders.view_order", "orders.add_addresscorrection").get(person_url()).content.decode()
    assert "Correct the address" in page
