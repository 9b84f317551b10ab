from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from licenses.models import License
from orders.models import Order
from orders.passwords import portal_password
from refunds.models import CashbackClaim, Swap, SwapOffer
from tests.browser.conftest import Open
from tests.factories import make_license, make_line, make_order, make_product
from tests.files import factories
from tests.refunds.cashback import make_promotion

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def order() -> Order:
    return make_order(number="A-1001", placed_at=timezone.now())


@pytest.fixture
def license(order: Order) -> License:
    return make_license(make_line(order), product=make_product(), activated_at=timezone.now())


def open_order_page(open_page: Open, order: Order) -> Page:
    page = open_page("/orders/find/", java_script_enabled=False)
    page.fill("#id_find_number_order_number", order.number)
    page.fill("#id_find_number_password", portal_password(order) or "")
    page.locator("#number button[type=submit]").click()
    return page


def fits_the_screen(page: Page) -> bool:
    width = page.locator("main .container").bounding_box()
    return width is not None and width["x"] >= 0 and width["width"] <= 360


def test_requesting_a_swap(open_page: Open, order: Order, license: License) -> None:
    SwapOffer.objects.create(
        store=order.store, product=make_product(), name="Internet Security", currency="EUR", price=Decimal("89.95")
    )
    page = open_order_page(open_page, order)
    page.get_by_role("link", name="Swap for another product").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Select a product.").click()
    assert page.url.endswith("#id_swap_wanted")
    page.get_by_label("Which product would you like instead?").select_option(label="Internet Security – €10.00 to pay")
    page.get_by_role("button", name="Continue").click()
    assert page.get_by_text("Difference: €10.00 to pay").is_visible()
    page.get_by_role("button", name="Request this swap").click()
    assert fits_the_screen(page)
    assert page.get_by_role("heading", name=f"Product swap {Swap.objects.get().reference}").is_visible()


def test_claiming_cashback(open_page: Open, order: Order, license: License) -> None:
    assert license.product
    make_promotion(license.product)
    page = open_order_page(open_page, order)
    page.locator(".tasks").get_by_role("link", name="Cashback").click()
    assert page.get_by_label(license.serial).is_checked()
    page.get_by_label("To a bank account").check()
    page.get_by_role("button", name="Send claim").click()
    page.get_by_role("link", name="Enter the name of the account holder.").click()
    page.get_by_label("Account holder").fill("Bea Buyer")
    page.get_by_label("IBAN, or bank and account number").fill("DE89 3704 0044 0532 0130 00")
    photo = {"name": "receipt.png", "mimeType": "image/png", "buffer": factories.png()}
    page.get_by_label("Proof of purchase").set_input_files(files=[photo])
    page.get_by_role("button", name="Send claim").click()
    claim = CashbackClaim.objects.get()
    assert page.get_by_role("heading", name=f"Cashback claim {claim.reference}").is_visible()
    assert fits_the_screen(page)
    assert claim.proof is not None
