from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import expect

from orders.models import AccessLink, Order
from tests.browser.finding import ask_for_link, find_by_card, find_by_number
from tests.factories import make_order

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SERIAL = "XAAB-1234-5678-9012-3456"


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_finding_an_order_by_number_and_password(open_page: Any, order: Order, scripts: bool) -> None:
    page = open_page("/", java_script_enabled=scripts)
    find_by_number(page, order, " #a-1001")
    expect(page.locator("[data-order-number]")).to_have_text("A-1001")
    expect(page.locator("[data-serial]")).to_have_text(SERIAL)
    expect(page.locator("[data-devices]")).to_contain_text("3 devices")


def test_finding_an_order_by_email_and_card_after_a_mistake(open_page: Any, order: Order, scripts: bool) -> None:
    page = open_page("/orders/find/", java_script_enabled=scripts)
    find_by_card(page, "424")
    summary = page.locator("[data-result=invalid]")
    expect(summary).to_be_focused()
    summary.locator("a").click()
    expect(page.locator("[name=card_last4]")).to_be_focused()
    find_by_card(page, "1111")
    expect(page.locator("[data-result=not-found]")).to_be_visible()
    find_by_card(page)
    expect(page.locator("[data-serial]")).to_have_text(SERIAL)


def test_finding_an_order_by_emailed_link(open_page: Any, order: Order, scripts: bool) -> None:
    page = open_page("/orders/find/", java_script_enabled=scripts)
    ask_for_link(page)
    expect(page.locator("h1")).to_have_text("Check your email")
    page.goto(f"/access/{AccessLink.objects.get().make_token()}/")
    page.locator("main [type=submit]").click()
    expect(page.locator("[data-order-number]")).to_have_text("A-1001")


def test_with_the_keyboard_alone(open_page: Any, order: Order) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    for place in (page.locator("summary", has=page.locator("#card-title")), page.locator("#card [name=email]")):
        for _step in range(30):
            page.keyboard.press("Tab")
            if place.evaluate("field => field === document.activeElement"):
                break
        if place.evaluate("element => element.localName") == "summary":
            page.keyboard.press("Enter")
    page.keyboard.type("buyer@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("4242")
    page.keyboard.press("Enter")
    expect(page.locator("[data-order-number]")).to_have_text("A-1001")


def test_going_back_after_signing_out_shows_no_order(open_page: Any, order: Order) -> None:
    page = open_page("/")
    find_by_card(page)
    page.locator("summary", has_text="Menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You’re signed out")).to_be_visible()
    page.go_back()
    expect(page.locator("[data-serial]")).to_have_count(0)


def test_switching_the_language_stays_on_the_page(open_page: Any, order: Order, scripts: bool) -> None:
    page = open_page("/", java_script_enabled=scripts)
    find_by_card(page)
    address = page.url
    page.locator("summary", has_text="Menu").click()
    page.get_by_role("button", name="Deutsch").click()
    assert page.url == address
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("h1")).to_contain_text("Bestellung")


def test_a_button_copies_the_serial_number(open_page: Any, order: Order) -> None:
    page = open_page("/", permissions=["clipboard-read", "clipboard-write"])
    find_by_card(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == SERIAL


def test_the_typed_password_can_be_shown(open_page: Any, order: Order) -> None:
    page = open_page("/")
    field = page.locator("[name=password]")
    page.get_by_role("button", name="Show").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(field).to_have_attribute("type", "password")


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_a_long_status_does_not_squeeze_the_number_and_the_date_of_an_order(
    open_page: Any, order: Order, language: str
) -> None:
    make_order(number="A-1002", status=Order.Status.PENDING)
    page = open_page("/orders/find/", locale=language, viewport={"width": 320, "height": 640})
    find_by_card(page)
    texts = page.locator(".order-list .number-word, .order-list .quiet, .order-list .badge-state")
    expect(texts).to_have_count(6)
    lines = texts.evaluate_all(
        """texts => texts.map(each => {
            const range = document.createRange();
            range.selectNodeContents(each);
            return new Set([...range.getClientRects()].map(line => line.top)).size;
        })"""
    )
    assert lines == [1] * 6
