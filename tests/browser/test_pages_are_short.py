"""The pages that buyers open first are short on a phone, whatever an order holds, and need few files."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Response

from orders.models import Order
from refunds.policy import return_until
from tests.browser.finding import find_by_card, find_by_number
from tests.factories import make_license, make_line, make_order, make_product, make_release

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., Page]
HEIGHT = "document.documentElement.scrollHeight"
MAX_REQUESTS = 8  # the page, two styles and the vendor's, a script, icons


def make_order_with_lines(count: int) -> Order:
    order = make_order(placed_at=timezone.now() - timedelta(days=1), number="A-50", language="en")
    product = make_product()
    make_release(product)
    for number in range(count):
        line = make_line(order, return_until=return_until(order.placed_at, order.store.tzinfo, 30))
        make_license(line, f"XAAB-1234-5678-{number:04}", product=product, activated_at=timezone.now())
    return order


def open_order(open_page: Open, order: Order) -> Page:
    page = open_page("/orders/find/")
    find_by_number(page, order)
    page.locator("[data-order-number]").wait_for()
    return page


def test_an_order_of_one_item_fits_on_two_screens(open_page: Open) -> None:
    page = open_order(open_page, make_order_with_lines(1))
    assert page.evaluate(HEIGHT) <= 1800
    assert page.get_by_role("link", name="Request a return").bounding_box()["y"] <= 1000  # type: ignore[index]


def test_fifty_items_fold(open_page: Open) -> None:
    page = open_order(open_page, make_order_with_lines(50))
    assert page.locator("[data-serial]").count() == 50
    assert page.evaluate(HEIGHT) <= 3000


def test_thirty_one_orders_fold_and_are_filtered(open_page: Open) -> None:
    for number in range(31):
        make_line(make_order(number=f"B-{number}", placed_at=timezone.now() - timedelta(days=number)))
    page = open_page("/orders/find/")
    find_by_card(page)
    page.locator("[data-order-number]").first.wait_for()
    assert page.locator("[data-order-number]").count() == 31
    assert page.evaluate(HEIGHT) <= 2600
    page.get_by_label("Filter by order number or product").fill("B-17")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("1 order matches.").wait_for()
    assert page.locator("[data-order-number]").all_inner_texts() == ["B-17"]


@pytest.mark.parametrize("path", ["/", "/help/", "/downloads/", "/help/charged/"])
def test_a_first_page_needs_few_files(open_page: Open, path: str) -> None:
    page = open_page("/help/contact/")
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(path)
    assert 1 < len(answers) <= MAX_REQUESTS
    assert {answer.url.split("/")[2] for answer in answers} == {page.url.split("/")[2]}
