"""The list of licenses can be filtered by product, order number and device, but never by serial number."""

import pytest
from django.test import Client
from django.utils import timezone

from licenses.models import Device, License
from orders.models import Order
from tests.factories import make_license, make_line, make_order, make_product
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001")
    for number in range(8):
        product = make_product(name=f"Product {'abcdefgh'[number]}")
        make_license(make_line(order), serial=f"XAAB-{number:04}", product=product)
    return order


def listed(browser: Client, typed: str = "") -> list[str]:
    return marks(browser.get("/licenses/", {"q": typed} if typed else {}), "data-serial")


def test_five_licenses_are_shown_and_the_rest_unfolds(order: Order) -> None:
    page = inside(order).get("/licenses/").content.decode()
    shown, _mark, folded = page.partition('<details class="fold mb-3"')
    assert shown.count("data-listed-license") == 5
    assert folded.count("data-listed-license") == 3
    assert 'name="q"' in page


def test_the_filter_finds_products_orders_and_devices(order: Order) -> None:
    other = make_order(number="B-7")
    make_license(make_line(other), serial="PAAB-0001", product=make_product(name="Antivirus for Mac"))
    license = License.objects.get(serial="XAAB-0003")
    now = timezone.now()
    Device.objects.create(license=license, vendor_id="1", name="Kitchen laptop", activated_at=now, last_seen_at=now)
    browser = inside(other, inside(order))
    assert listed(browser, "MAC") == ["PAAB-0001"]
    assert listed(browser, "b-7") == ["PAAB-0001"]
    assert len(listed(browser, "product A-1001")) == 8
    assert listed(browser, "kitchen") == ["XAAB-0003"]
    assert listed(browser, "XAAB-0003") == []
    assert "0 licenses match" in text(browser.get("/licenses/", {"q": "nothing"}))


def test_see_devices_leads_to_the_license_of_this_order(order: Order) -> None:
    other = make_order(number="B-7")
    license = make_license(make_line(other), serial="PAAB-0001", devices=3)
    now = timezone.now()
    Device.objects.create(license=license, vendor_id="1", name="Laptop", activated_at=now, last_seen_at=now)
    browser = inside(other, inside(order))
    order_page = browser.get(f"/orders/{other.public_id}/").content.decode()
    assert 'href="/licenses/?q=B-7#license-1"' in order_page
    page = browser.get("/licenses/?q=B-7")
    assert marks(page, "data-serial") == ["PAAB-0001"]
    assert 'id="license-1"' in page.content.decode()


def test_a_few_licenses_need_no_filter() -> None:
    order = make_order()
    make_license(make_line(order), serial="XAAB-0001")
    assert 'name="q"' not in inside(order).get("/licenses/").content.decode()


@pytest.mark.parametrize("typed", ["\0", "%", "'", "x" * 5000, "<b>"])
def test_no_input_breaks_the_filter(order: Order, typed: str) -> None:
    answer = inside(order).get("/licenses/", {"q": typed})
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode()
