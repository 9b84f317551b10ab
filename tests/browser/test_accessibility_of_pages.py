from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from notifications.colors import AA_CONTRAST, contrast
from orders.models import Order
from orders.services.confirmations import resend_confirmation
from tests.factories import make_line, make_order
from tests.pages import inside
from tests.support.submissions import submit_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MIN_TARGET_SIZE = 44  # pixels

# Returns each visible text with its color and the nearest opaque background color.
COLLECT_TEXTS = """() => {
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


def paths_of_pages(order: Order) -> list[str]:
    base = f"/orders/{order.public_id}/"
    found = ["/", "/orders/find/link/sent/", "/orders/", base, f"{base}invoice/", "/access/1.x/", "/nothing/here/"]
    return [*found, "/help/charged/", "/help/contact/", order.threads.get().path]


@pytest.fixture
def visit(open_page: Any, order: Order) -> Any:
    """Return a function that opens a page in a session that has access to the order."""
    make_line(make_order(number="A-1002-with-a-number-that-is-very-long-and-has-no-end-at-all"))
    make_line(order, name="Maximum Security mit einem außerordentlich langen Namen " * 3)
    resend_confirmation(order)
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
def test_pages_do_not_scroll_sideways_at_320_pixels(visit: Any, order: Order, index: int) -> None:
    page = visit(paths_of_pages(order)[index], viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("index", range(10))
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "scripts", [True, pytest.param(False, marks=pytest.mark.stress)], ids=["with JavaScript", "without"]
)
def test_text_has_enough_contrast_in_light_and_dark(
    visit: Any, order: Order, index: int, scheme: str, scripts: bool
) -> None:
    page = visit(paths_of_pages(order)[index], color_scheme=scheme, java_script_enabled=scripts)
    texts = page.evaluate(COLLECT_TEXTS)
    assert texts
    for text, ink, ground in texts:
        assert contrast(_to_hex(ink), _to_hex(ground)) >= AA_CONTRAST, (text, ink, ground)
    is_dark = contrast(_to_hex(page.evaluate("getComputedStyle(document.body).backgroundColor")), "#000000") < 4
    assert is_dark == (scheme == "dark")


def _to_hex(color: str) -> str:
    channels = color.removeprefix("rgba(").removeprefix("rgb(").rstrip(")").split(",")[:3]
    return "#" + "".join(f"{int(float(channel)):02x}" for channel in channels)


@pytest.mark.parametrize("index", range(10))
def test_headings_landmarks_ids_and_labels_are_correct(visit: Any, order: Order, index: int) -> None:
    page = visit(paths_of_pages(order)[index])
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
def test_touch_targets_are_large_enough(visit: Any, order: Order, index: int) -> None:
    page = visit(paths_of_pages(order)[index])
    for height, name in page.evaluate(
        "[...document.querySelectorAll('button:not([aria-hidden]), .btn, input:not([type=hidden]), summary')]"
        ".filter(e => e.checkVisibility()).map(e => [e.getBoundingClientRect().height, e.outerHTML])"
    ):
        assert height >= MIN_TARGET_SIZE, name


def test_the_printed_invoice_leaves_out_navigation_and_buttons(visit: Any, order: Order) -> None:
    page = visit(f"/orders/{order.public_id}/invoice/", color_scheme="dark", viewport={"width": 700, "height": 900})
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".site-header").is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
    assert page.locator("thead").is_visible()
