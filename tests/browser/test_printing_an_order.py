"""The order and the invoice on paper: everything that is folded, nothing that can only be clicked."""

from io import BytesIO
from typing import Any

import pikepdf
import pytest
from playwright.sync_api import Page

from orders.models import Order
from tests.factories import make_license, make_line, make_order
from tests.pages import inside

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LINES = 50
MAX_SHEETS = 8  # of A4, for an order of that many lines with a serial number each
ZOOMED = {"width": 320, "height": 256}  # 1280 × 1024 at 400 %

WIDER_THAN_THE_PAGE = """() => [...document.querySelectorAll("main *")]
  .filter(each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture
def open_as_owner(open_page: Any) -> Any:
    def opened(order: Order, path: str = "", **options: Any) -> Page:
        cookie = inside(order).cookies["sessionid"].value
        page: Page = open_page("/orders/find/", **options)
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "domain": "localhost", "path": "/"}])
        page.goto(f"/orders/{order.public_id}/{path}")
        return page

    return opened


def test_the_order_is_printed_unfolded_and_without_what_can_only_be_clicked(open_as_owner: Any, order: Order) -> None:
    page = open_as_owner(order, viewport={"width": 800, "height": 1000}, color_scheme="dark")
    assert not page.get_by_text("Unit price").first.is_visible()
    page.emulate_media(media="print")
    for shown in ("Unit price", "Ordered on", "XAAB-1234-5678-9012-3456"):
        assert page.get_by_text(shown).first.is_visible(), shown
    for hidden in (".site-header", ".site-footer", "aside", ".back", ".btn"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"


def test_the_invoice_is_printed_without_menu_and_buttons(open_as_owner: Any, order: Order) -> None:
    page = open_as_owner(order, "invoice/", viewport={"width": 800, "height": 1000})
    page.emulate_media(media="print")
    assert page.get_by_text("Billed to").first.is_visible()
    for hidden in (".site-header", ".site-footer", ".btn"):
        assert not page.locator(hidden).first.is_visible(), hidden


def test_an_order_of_50_items_takes_few_sheets(transactional_db: None, open_as_owner: Any) -> None:
    order = make_order()
    for number in range(LINES):
        make_license(make_line(order), f"XAAB-1234-5678-{number:04}")
    printed = open_as_owner(order).pdf(format="A4")
    with pikepdf.open(BytesIO(printed)) as document:
        assert len(document.pages) <= MAX_SHEETS


@pytest.mark.parametrize("path", ["", "invoice/"])
def test_50_items_at_400_percent_do_not_scroll_sideways(transactional_db: None, open_as_owner: Any, path: str) -> None:
    order = make_order()
    for number in range(LINES):
        make_line(order, name=f"Maximum Security {number}", quantity=1000 + number, sku=f"MAX-3D-1Y-{number}")
    page = open_as_owner(order, path, viewport=ZOOMED)
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true }")
    assert page.evaluate("document.documentElement.scrollWidth") <= ZOOMED["width"]
    assert page.evaluate(WIDER_THAN_THE_PAGE) == []
