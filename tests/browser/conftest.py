"""Fixtures that open pages in Chromium, against the live server."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from orders.models import Order
from tests.factories import make_license, make_line, make_order

# Playwright runs an event loop in this thread, so Django would refuse the ORM calls of the tests.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

PHONE = {"width": 360, "height": 740}
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
# Console messages about status codes that the tests expect.
EXPECTED_CONSOLE_MESSAGES = ("status of 422", "status of 410", "status of 404")

Open = Callable[..., Page]


# Not session-scoped: other tests of the process cannot run an event loop while Playwright's is running.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def browser_errors() -> list[str]:
    """Errors and warnings of the browser: failed scripts, and content blocked by the Content-Security-Policy."""
    return []


@pytest.fixture
def open_page(browser: Browser, live_server: Any, browser_errors: list[str]) -> Iterator[Open]:
    """Return a function that opens a path in a new browser context. Options are those of Playwright's new_context.

    The test fails if the browser reported an error.
    """
    contexts: list[BrowserContext] = []

    def opened(path: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": PHONE, "locale": "en-GB", "base_url": live_server.url} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: _record_error(browser_errors, message.type, message.text))
        page.on("pageerror", lambda error: browser_errors.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not browser_errors


def _record_error(browser_errors: list[str], kind: str, text: str) -> None:
    if kind in ("error", "warning") and not any(expected in text for expected in EXPECTED_CONSOLE_MESSAGES):
        browser_errors.append(text)


@pytest.fixture
def order(transactional_db: None) -> Order:
    order = make_order(number="A-1001")
    make_license(make_line(order), serial="XAAB-1234-5678-9012-3456")
    return order
