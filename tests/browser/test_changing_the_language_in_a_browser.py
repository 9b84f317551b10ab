"""The language buttons keep what was typed, with and without JavaScript, on a phone and on a wide screen."""

import pytest
from playwright.sync_api import Page, expect

from orders.models import Order
from tests.browser.conftest import PHONE, Open
from tests.browser.finding import find_by_number, unfold

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def switch(page: Page) -> None:
    menu = page.locator(".menu summary, .languages:not(.menu) summary").locator("visible=true")
    menu.click()
    page.get_by_role("button", name="Deutsch").locator("visible=true").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


@pytest.mark.parametrize("width", [360, 1280])
def test_each_way_to_find_an_order(open_page: Open, scripts: bool, width: int) -> None:
    page = open_page("/orders/find/", java_script_enabled=scripts, viewport=PHONE | {"width": width})
    form = unfold(page, "card")
    form.locator("[name=email]").fill("typed@example.com")
    form.locator("[name=card_last4]").fill("7531")
    switch(page)
    form = page.locator("form[action='/orders/find/card/']")
    expect(form.locator("[name=email]")).to_be_visible()  # the same way is open
    expect(form.locator("[name=email]")).to_have_value("typed@example.com")
    expect(form.locator("[name=card_last4]")).to_have_value("")
    expect(page.locator(".notice-warn")).to_contain_text("4 Ziffern")
    assert "typed" not in page.url
    assert "7531" not in page.url


def test_a_message_after_an_error(open_page: Open, scripts: bool) -> None:
    page = open_page("/help/contact/", java_script_enabled=scripts)
    page.locator("[name=message]").fill("My typed words")
    page.locator("[name=files]").set_input_files(
        files=[{"name": "a.png", "mimeType": "image/png", "buffer": b"0" * 3_000_000}]
    )
    page.get_by_role("button", name="Send message").click()
    expect(page.locator("[data-result=invalid]")).to_be_visible()
    page.locator("[name=subject]").fill("It stops")
    switch(page)
    expect(page.locator("[name=message]")).to_have_value("My typed words")
    expect(page.locator("[name=subject]")).to_have_value("It stops")
    expect(page.locator("[data-result=invalid]")).to_be_visible()  # the email address is still missing


def test_a_large_file_is_not_sent_with_the_language(open_page: Open, scripts: bool) -> None:
    page = open_page("/help/charged/", java_script_enabled=scripts)
    page.locator("[name=amount]").fill("71.35")
    page.locator("[name=proof]").set_input_files(
        files=[{"name": "a.png", "mimeType": "image/png", "buffer": b"0" * 4_000_000}]
    )
    switch(page)
    expect(page.locator("[name=amount]")).to_have_value("71.35")
    expect(page.locator(".invalid-feedback")).to_have_count(0 if not scripts else 1)  # the script's empty place


def test_the_enter_key_sends_the_form(open_page: Open, order: Order, scripts: bool) -> None:
    """The language buttons stand before the form, and the first button is the one that the Enter key presses."""
    page = open_page("/orders/find/", java_script_enabled=scripts)
    form = unfold(page, "number")
    form.locator("[name=order_number]").fill(order.number)
    form.locator("[name=order_number]").press("Enter")
    expect(page.locator("[data-result=invalid]")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_check_page_stays(open_page: Open, order: Order, scripts: bool) -> None:
    page = open_page("/orders/find/", java_script_enabled=scripts)
    find_by_number(page, order)
    expect(page.locator("[data-order-number]")).to_be_visible()
    page.goto("/withdraw/")
    page.locator("[name=email]").fill("typed@example.com")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-step=confirm]")).to_be_visible()
    switch(page)
    expect(page.locator("[data-step=confirm]")).to_be_visible()
    expect(page.get_by_text("typed@example.com").first).to_be_visible()


def test_a_second_change_of_the_language(open_page: Open, scripts: bool) -> None:
    page = open_page("/withdraw/", java_script_enabled=scripts)
    page.locator("[name=name]").fill("Bea Typed")
    switch(page)
    page.locator("[name=order_number]").fill("A-TYPED")
    switch(page)
    expect(page.locator("[name=name]")).to_have_value("Bea Typed")
    expect(page.locator("[name=order_number]")).to_have_value("A-TYPED")


def test_back_shows_what_was_typed(open_page: Open, scripts: bool) -> None:
    page = open_page("/withdraw/", java_script_enabled=scripts)
    page.locator("[name=name]").fill("Bea Typed")
    switch(page)
    page.goto("/help/")
    page.go_back()
    expect(page.locator("[name=name]")).to_have_value("Bea Typed")
