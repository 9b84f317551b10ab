"""axe-core finds nothing on any page and in any email for buyers: WCAG 2.0 A to 2.2 AA, and its best practices."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from notifications import kinds, rendering
from notifications.models import Message
from orders.models import Order
from tests.browser.finding import find_by_number
from tests.production.addresses import ADDRESSES, Shop
from tests.production.shop import fill_shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
# No pages: what they return is a file, a stylesheet or an answer for programs, or they end the access.
NO_PAGES = {"orders:theme", "orders:invoice_as_pdf", "orders:sign_out", "licenses:installer", "files:download"}
NO_PAGES |= {name for name in ADDRESSES if name.startswith("intake:")}
# Pages with forms whose errors people see.
FORMS = ["/orders/find/", "/orders/correct-email/", "/withdraw/", "/help/contact/", "/help/charged/", "/genuine/"]
FORMS += ["/downloads/", "/cashback/"]
FORM = "main form:has([type=submit])"


@dataclass(frozen=True)
class View:
    """How a page is looked at."""

    width: int
    scheme: str
    language: str

    def __str__(self) -> str:
        return f"{self.language}, {self.width} px, {self.scheme}"


QUICK = [View(320, "dark", "de")]
ALL = [View(*each) for each in product((320, 360, 1280), ("light", "dark"), ("en", "de"))]
VIEWS = [
    *QUICK,
    *(pytest.param(view, marks=pytest.mark.stress) for view in ALL if view not in QUICK),
]


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order with everything, in a shop that has requests, messages and emails in many states."""
    fill_shop(tmp_path / "orders.jsonl")
    orders = Order.objects.filter(status=Order.Status.COMPLETED, licensed_lines__isnull=False)
    order = orders.newest_first().first()
    assert order is not None
    return order


def look(browser: Browser, view: View, base_url: str = "") -> Page:
    context = browser.new_context(
        viewport={"width": view.width, "height": 800}, color_scheme=view.scheme, locale=view.language, base_url=base_url
    )
    return context.new_page()


def problems(page: Page) -> list[str]:
    """What axe finds, a line for each rule with its first element."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {each['help']} ({each['nodes'][0]['html'][:160]})" for each in found]


def is_page(page: Page, path: str) -> bool:
    """Whether people see something here that isn't on other addresses, too: no file, no refusal of a method, no 404."""
    answer = page.request.get(path)
    is_html = answer.headers.get("content-type", "").startswith("text/html") and bool(answer.body())
    return is_html and answer.status != 404


def paths(order: Order) -> Iterator[str]:
    for name, make in ADDRESSES.items():
        if name not in NO_PAGES:
            yield from make(Shop(order))


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_no_page_has_a_problem(browser: Browser, live_server: Any, order: Order, view: View) -> None:
    page = look(browser, view, live_server.url)
    found = {}
    page.goto("/orders/find/")
    find_by_number(page, order)
    for path in dict.fromkeys(paths(order)):
        if not is_page(page, path):
            continue
        page.goto(path)
        # The menu covers what is below it, and has a look of its own.
        page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => { each.open = true; })")
        found[path] = problems(page)
    page.goto("/no-such-page/")
    found["not found"] = problems(page)
    page.goto("/help/")
    page.evaluate("document.querySelectorAll('details.menu').forEach(each => { each.open = true; })")
    found["the menu"] = problems(page)
    assert len(found) > 60
    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_no_form_has_a_problem_after_it_was_sent_empty(
    browser: Browser, live_server: Any, order: Order, view: View
) -> None:
    page = look(browser, view, live_server.url)
    found = {}
    page.goto("/orders/find/")
    find_by_number(page, order)
    page.locator("[data-order-number]").wait_for()
    for path in [*FORMS, *(f"/orders/{order.public_id}/{name}/" for name in ("return", "swap"))]:
        page.goto(path)
        for number in range(page.locator(FORM).count()):
            page.goto(path)
            with page.expect_navigation():
                page.locator(FORM).nth(number).evaluate("form => form.requestSubmit()")
            found[f"{path} {number}"] = problems(page)
    assert len(found) > len(FORMS)
    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_no_email_has_a_problem(browser: Browser, order: Order, view: View) -> None:
    page = look(browser, view)
    found = {}
    for message in Message.objects.order_by("kind", "pk").distinct("kind"):
        kind = kinds.get(message.kind)
        if kind.still_wanted(message):
            message.language = view.language
            built = rendering.build(message, kind)
            html, _type = built.alternatives[0]
            page.set_content(str(html))
            found[message.kind] = problems(page)
    assert len(found) > 10
    assert {name: each for name, each in found.items() if each} == {}
