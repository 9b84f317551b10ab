"""A real Chromium before the running portal."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from orders.models import Order
from tests.factories import make_license, make_line, make_order

# Playwright runs an event loop in this thread; Django's ORM is called between its steps, never inside.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

PHONE = {"width": 360, "height": 740}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
# The browser's own note about a status that is meant so.
EXPECTED_IN_CONSOLE = ("status of 422", "status of 410", "status of 404")

Open = Callable[..., Page]


# Not for the session: while Playwright's event loop lives, no other test of this process may run one.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: scripts that failed, content that the policy stopped."""
    return []


@pytest.fixture
def open_page(browser: Browser, live_server: Any, complaints: list[str]) -> Iterator[Open]:
    """Opens a path in a browser of its own. Options are Playwright's, as in `color_scheme="dark"`."""
    contexts: list[BrowserContext] = []

    def opened(path: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": PHONE, "locale": "en-GB", "base_url": live_server.url} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: _note(complaints, message.type, message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def _note(complaints: list[str], kind: str, text: str) -> None:
    if kind in ("error", "warning") and not any(expected in text for expected in EXPECTED_IN_CONSOLE):
        complaints.append(text)


@pytest.fixture
def order(transactional_db: None) -> Order:
    order = make_order(number="A-1001")
    make_license(make_line(order), serial="XAAB-1234-5678-9012-3456")
    return order
