"""The menu fits in every language: on a phone with all languages unfolded, and in one row on a wide screen."""

import pytest
from django.conf import settings
from playwright.sync_api import Page

from orders.models import Order
from tests.browser.conftest import Open
from tests.browser.finding import find_by_number

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LANGUAGES = [code for code, _name in settings.LANGUAGES]
MENU, ONE_ROW = 520, 70  # pixels


def open_order(open_page: Open, order: Order, width: int, height: int) -> Page:
    """With an open order, the menu has the most entries."""
    page = open_page("/orders/find/", viewport={"width": width, "height": height}, locale=None)
    find_by_number(page, order)
    page.locator("[data-order-number]").wait_for()
    return page


def open_help(page: Page, language: str) -> None:
    page.context.set_extra_http_headers({"Accept-Language": language})
    page.goto("/help/")
    assert page.locator("html").get_attribute("lang") == language


def test_on_a_small_phone_all_pages_and_languages_are_seen_at_once(open_page: Open, order: Order) -> None:
    page = open_order(open_page, order, 320, 640)
    for language in LANGUAGES:
        open_help(page, language)
        page.locator(".menu > summary").click()
        box = page.locator(".menu-content").bounding_box()
        assert box is not None
        assert box["x"] >= 0, language
        assert box["x"] + box["width"] <= 320, language
        assert box["height"] <= MENU, language
        assert page.locator(".menu [name=language]").locator("visible=true").count() == len(LANGUAGES)


def test_on_a_wide_screen_the_pages_are_in_one_row(open_page: Open, order: Order) -> None:
    page = open_order(open_page, order, 1200, 800)
    for language in LANGUAGES:
        open_help(page, language)
        box = page.locator(".site-header > .container").bounding_box()
        assert box is not None
        assert box["height"] <= ONE_ROW, language
        assert page.evaluate("document.documentElement.scrollWidth") <= 1200, language
