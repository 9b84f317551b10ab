"""Staff search from the home page, with the command palette, and without scripts."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_axe_finds_nothing_on_the_desk import fits, problems
from tests.desk.searching import make_shop
from tests.desk.staff import signed_in
from tests.factories import make_agent

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def open_context(browser: Browser, live_server: Any, **options: Any) -> Any:
    context = browser.new_context(locale="en", base_url=live_server.url, **options)
    session = signed_in(make_agent()).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    return context


@pytest.fixture(params=[(360, "light"), (1280, "dark")], ids=str)
def page(request: Any, browser: Browser, live_server: Any) -> Iterator[Page]:
    width, scheme = request.param
    context = open_context(browser, live_server, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []  # also of content that the Content-Security-Policy blocked
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def test_the_box_on_the_home_page_leads_to_results(page: Page) -> None:
    make_shop()
    page.goto("/admin/")
    page.get_by_label("Search people, orders").fill("Ann Acher")
    page.get_by_label("Search people, orders").press("Enter")
    expect(page.get_by_role("link", name="Ann Archer · ann.archer@example.com")).to_be_visible()
    assert problems(page) == []
    assert fits(page)
    page.get_by_role("link", name="Ann Archer · ann.archer@example.com").click()
    expect(page.get_by_role("heading", name="ann.archer@example.com")).to_be_visible()


def test_the_palette_opens_a_result_by_keyboard_alone(page: Page) -> None:
    make_shop()
    page.goto("/admin/")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("a-100234")
    result = page.locator("#command-results-list a", has_text="A-100234 · Ann Archer")
    expect(result).to_be_visible()
    expect(page.locator("#command-results-list a").first).to_contain_text("Ann Archer")
    assert page.evaluate("JSON.stringify({...localStorage})").count("Archer") == 0
    page.locator("#search-input-command").press("ArrowDown")
    page.locator("#search-input-command").press("Enter")
    expect(page.get_by_role("heading", name="ann.archer@example.com")).to_be_visible()


def test_the_search_works_without_scripts(browser: Browser, live_server: Any) -> None:
    make_shop()
    context = open_context(browser, live_server, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto("/admin/")
    page.get_by_label("Search people, orders").fill("visa 4242")
    page.get_by_label("Search people, orders").press("Enter")
    expect(page.get_by_role("link", name="A-100234 · Ann Archer")).to_be_visible()
    context.close()


def test_a_list_with_short_classes_has_its_cells_in_rows(page: Page) -> None:
    make_shop()
    page.goto("/admin/orders/order/")
    cells = page.locator("#result_list .data-row").first.locator("th, td")
    tops = cells.evaluate_all("cells => cells.map(cell => Math.round(cell.getBoundingClientRect().top))")
    is_phone = bool(page.viewport_size and page.viewport_size["width"] < 1024)
    assert (len(set(tops)) == 1) != is_phone  # a table on wide screens, a card per row on phones
    assert fits(page)
