"""Opens orders on the find page, whose ways unfold."""

from typing import Literal

from playwright.sync_api import Locator, Page

from orders.models import Order
from orders.passwords import portal_password

Way = Literal["number", "card", "link"]


def unfold(page: Page, way: Way) -> Locator:
    """Return the form of this way to find an order, which is open then."""
    form = page.locator(f"form[action='/orders/find/{way}/']")
    if not form.is_visible():
        page.locator(f"#{way}-title").click()
    return form


def find_by_number(page: Page, order: Order, number: str = "", password: str = "") -> None:
    form = unfold(page, "number")
    form.locator("[name=order_number]").fill(number or order.number)
    form.locator("[name=password]").fill(password or portal_password(order) or "")
    form.locator("[type=submit]").click()


def find_by_card(page: Page, digits: str = "4242", email: str = "buyer@example.com") -> None:
    form = unfold(page, "card")
    form.locator("[name=email]").fill(email)
    form.locator("[name=card_last4]").fill(digits)
    form.locator("[type=submit]").click()


def ask_for_link(page: Page, email: str = "buyer@example.com") -> None:
    form = unfold(page, "link")
    form.locator("[name=email]").fill(email)
    form.locator("[type=submit]").click()
