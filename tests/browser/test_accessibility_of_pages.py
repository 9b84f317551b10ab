"""What every page keeps: narrow screens, dark mode, large targets, headings in order, contrast, names for fields."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from notifications.colors import AA_CONTRAST, contrast
from orders.models import Order
from orders.services.confirmations import send_confirmation_again
from tests.factories import make_line, make_order
from tests.pages import inside
from tests.support.submissions import submit_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LARGE_TARGET = 44  # for what a form is sent by

# Each visible piece of text with its color and the first opaque ground behind it.
TEXTS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !parent.checkVisibility() || parent.closest(".skip-link, .boxes")) continue;
    let ground = parent;
    while (ground && /, 0\\)|transparent/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
    const ink = getComputedStyle(parent).color;
    found.push([walker.currentNode.data.trim(), ink, getComputedStyle(ground || document.body).backgroundColor]);
  }
  return found;
}"""


def pages_of(order: Order) -> list[str]:
    base = f"/orders/{order.public_id}/"
    found = ["/", "/orders/find/link/sent/", "/orders/", base, f"{base}invoice/", "/access/1.x/", "/nothing/here/"]
    return [*found, "/help/charged/", "/help/contact/", order.threads.get().path]


@pytest.fixture
def visited(open_page: Any, order: Order) -> Any:
    """Opens a page inside the order."""
    make_line(make_order(number="A-1002-with-a-number-that-is-very-long-and-has-no-end-at-all"))
    make_line(order, name="Maximum Security mit einem außerordentlich langen Namen " * 3)
    send_confirmation_again(order)
    buyer = inside(order)
    submit_message(buyer, order=str(order.public_id), message="A-long-word-" * 30)
    cookie = buyer.cookies["sessionid"].value

    def visit(path: str, **options: Any) -> Page:
        page: Page = open_page("/orders/find/", **options)
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "domain": "localhost", "path": "/"}])
        page.goto(path)
        assert page.url.endswith(path)
        return page

    return visit


@pytest.mark.parametrize("index", range(10))
def test_nothing_scrolls_sideways_on_the_narrowest_phone(visited: Any, order: Order, index: int) -> None:
    page = visited(pages_of(order)[index], viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("index", range(10))
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_text_is_readable_in_light_and_dark(visited: Any, order: Order, index: int, scheme: str, scripts: bool) -> None:
    page = visited(pages_of(order)[index], color_scheme=scheme, java_script_enabled=scripts)
    texts = page.evaluate(TEXTS)
    assert texts
    for text, ink, ground in texts:
        assert contrast(_hex(ink), _hex(ground)) >= AA_CONTRAST, (text, ink, ground)
    is_dark = contrast(_hex(page.evaluate("getComputedStyle(document.body).backgroundColor")), "#000000") < 4
    assert is_dark == (scheme == "dark")


def _hex(color: str) -> str:
    channels = color.removeprefix("rgba(").removeprefix("rgb(").rstrip(")").split(",")[:3]
    return "#" + "".join(f"{int(float(channel)):02x}" for channel in channels)


@pytest.mark.parametrize("index", range(10))
def test_headings_landmarks_and_names_are_in_order(visited: Any, order: Order, index: int) -> None:
    page = visited(pages_of(order)[index])
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("main").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden])')].filter(i => !i.labels.length).map(i => i.name)"
    )
    assert not unnamed
    assert page.title().strip(" –")


@pytest.mark.parametrize("index", range(10))
def test_targets_are_large_enough_for_a_thumb(visited: Any, order: Order, index: int) -> None:
    page = visited(pages_of(order)[index])
    for height, name in page.evaluate(
        "[...document.querySelectorAll('button, .btn, input:not([type=hidden]), summary')]"
        ".filter(e => e.checkVisibility()).map(e => [e.getBoundingClientRect().height, e.outerHTML])"
    ):
        assert height >= LARGE_TARGET, name


def test_the_invoice_prints_without_what_is_for_screens(visited: Any, order: Order) -> None:
    page = visited(f"/orders/{order.public_id}/invoice/", color_scheme="dark", viewport={"width": 700, "height": 900})
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".site-header").is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
    assert page.locator("thead").is_visible()
