from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from licenses.models import Device, LicensedLine, SerialPrefix
from orders.models import Order
from tests.browser.finding import find_by_number
from tests.factories import make_product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SERIAL = "XAAB-1234-5678-9012-3456"
LONG_NAME = "The computer with a name that nobody would give to a computer " * 2
INK = "element => getComputedStyle(element).color"
Open = Callable[..., Page]


@pytest.fixture
def licensed_order(order: Order) -> Order:
    """The order with a license of a known product, activated on two devices."""
    license = LicensedLine.objects.get(order=order).license
    license.product = make_product(
        slug="maximum-security", name="Maximum Security", serial_pattern="AAAA-0000-0000-0000-0000"
    )
    license.save()
    SerialPrefix.objects.create(product=license.product, prefix="X")
    now = timezone.now()
    for number, name in enumerate(("Kitchen laptop", LONG_NAME)):
        seen = now - timedelta(days=number)
        Device.objects.create(
            license=license, vendor_id=name, name=name, platform="Windows 11", activated_at=seen, last_seen_at=seen
        )
    return order


def open_order_page(open_page: Open, order: Order, **options: object) -> Page:
    page = open_page("/orders/find/", **options)
    find_by_number(page, order)
    return page


def test_one_click_copies_the_serial_number(open_page: Open, licensed_order: Order) -> None:
    page = open_order_page(open_page, licensed_order, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == SERIAL


def test_without_javascript_a_touch_selects_the_serial_number(open_page: Open, licensed_order: Order) -> None:
    page = open_order_page(open_page, licensed_order, java_script_enabled=False)
    serial = page.locator("[data-serial]").first
    assert serial.evaluate("element => getComputedStyle(element).userSelect") == "all"
    assert not page.locator("[data-copy]").first.is_visible()


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_device_is_released_and_the_release_undone(
    open_page: Open, licensed_order: Order, with_scripts: bool
) -> None:
    page = open_order_page(open_page, licensed_order, java_script_enabled=with_scripts)
    page.get_by_role("link", name="See devices").click()
    assert page.locator("[data-devices-used]").get_attribute("data-devices-used") == "2"
    page.get_by_role("link", name="Release Kitchen laptop").click()
    page.get_by_role("button", name="Release this device").click()
    page.get_by_text("We’ve released Kitchen laptop.").wait_for()
    assert page.locator("[data-devices-used]").get_attribute("data-devices-used") == "1"
    page.get_by_role("button", name="Undo (Kitchen laptop)").click()
    page.get_by_text("Kitchen laptop is no longer released.").wait_for()
    assert page.locator("[data-devices-used]").get_attribute("data-devices-used") == "2"


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_mistyped_serial_number_is_corrected_and_links_to_its_order(
    open_page: Open, licensed_order: Order, with_scripts: bool
) -> None:
    page = open_order_page(open_page, licensed_order, java_script_enabled=with_scripts)
    page.locator("summary", has_text="Menu").click()
    page.get_by_role("link", name="Downloads").click()
    page.get_by_label("Serial number, or just its first letter").fill("xaab l234 5678 9O12 3456")
    find = page.get_by_role("button", name="Find my installer")
    button_ink = find.evaluate(INK)
    find.click()
    answer = page.locator("[data-result=answer]")
    assert answer.locator("code").inner_text() == SERIAL
    assert "We corrected the letter" in answer.inner_text()
    assert "serial=" not in page.url
    home = answer.get_by_role("link", name=f"Open order {licensed_order.number}")
    assert home.evaluate(INK) == button_ink
    home.click()
    page.wait_for_url(f"**/orders/{licensed_order.public_id}/#downloads")


def test_license_pages_fit_a_320_pixel_screen_with_ordered_headings(open_page: Open, licensed_order: Order) -> None:
    page = open_order_page(open_page, licensed_order, viewport={"width": 320, "height": 640})
    device = Device.objects.get(name=LONG_NAME)
    for path in ("/licenses/", f"/licenses/devices/{device.pk}/release/", "/downloads/", "/downloads/?serial=X"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
        assert levels[0] == 1, path
        assert all(after - before <= 1 for before, after in pairwise(levels)), (path, levels)
        small = page.evaluate(
            "[...document.querySelectorAll('main button, main .btn, main input:not([type=hidden])')]"
            ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
        )
        assert not small, path
