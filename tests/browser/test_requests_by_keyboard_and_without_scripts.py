"""Each request from its page to its confirmation, with the keyboard alone, and without JavaScript.

On the way, each makes a mistake, changes something on the check page, and uses the browser's Back.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from licenses.models import License
from orders.models import Order
from orders.passwords import portal_password
from refunds.models import CashbackClaim, Return, Swap, SwapOffer, Withdrawal
from support.models import Thread
from tests.browser.conftest import Open
from tests.factories import make_license, make_line, make_order, make_product, make_reason
from tests.files import factories
from tests.licenses.installers import bought
from tests.refunds.cashback import make_promotion

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_TABS = 150
PHOTO = {"name": "receipt.png", "mimeType": "image/png", "buffer": factories.png()}
FOCUSED = "element => element === document.activeElement"


class Mouse:
    """Uses a page with a pointer."""

    def press(self, target: Locator) -> None:
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        target.fill(text)

    def check(self, target: Locator) -> None:
        target.check()

    def select(self, target: Locator, label: str) -> None:
        target.select_option(label=label)

    def upload(self, target: Locator, file: Any) -> None:
        target.set_input_files(files=[file])


class Keyboard:
    """Uses a page with keys only; each element has to be reached with the Tab key."""

    def focus(self, target: Locator) -> None:
        keyboard = target.page.keyboard
        for _tab in range(MOST_TABS):
            if target.evaluate(FOCUSED):
                return
            keyboard.press("Tab")
        pytest.fail(f"not reached with the Tab key: {target}")

    def press(self, target: Locator) -> None:
        self.focus(target)
        target.page.keyboard.press("Enter")

    def fill(self, target: Locator, text: str) -> None:
        self.focus(target)
        target.page.keyboard.press("Control+A")
        target.page.keyboard.type(text)

    def check(self, target: Locator) -> None:
        if target.get_attribute("type") == "radio":
            group = target.page.locator(f"[name={target.get_attribute('name')}]")
            self.focus(group.and_(target.page.locator(":checked")).or_(group.first).first)
            for _arrow in range(group.count()):
                if target.evaluate(FOCUSED):
                    break
                target.page.keyboard.press("ArrowDown")
        else:
            self.focus(target)
        if not target.is_checked():
            target.page.keyboard.press("Space")

    def select(self, target: Locator, label: str) -> None:
        self.focus(target)
        target.page.keyboard.type(label)

    def upload(self, target: Locator, file: Any) -> None:
        self.focus(target)
        expect(target).to_be_focused()
        with target.page.expect_file_chooser(timeout=30_000) as chooser:  # slow while other browsers work
            target.press("Space")
        chooser.value.set_files([file])


@pytest.fixture(params=["keyboard", "no scripts"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hands(way: str) -> Any:
    return Keyboard() if way == "keyboard" else Mouse()


@pytest.fixture
def order(transactional_db: None) -> Order:
    return make_order(number="A-1001", placed_at=timezone.now())


@pytest.fixture
def license(order: Order) -> License:
    return make_license(make_line(order), product=make_product(), activated_at=timezone.now())


@pytest.fixture
def start(open_page: Open, way: str) -> Any:
    """Return a function that opens a page, after opening an order with its number and password."""

    def opened(path: str, order: Order | None = None) -> Page:
        page = open_page("/orders/find/" if order else path, java_script_enabled=way == "keyboard")
        if order is not None:
            page.fill("#id_find_number_order_number", order.number)
            page.fill("#id_find_number_password", portal_password(order) or "")
            page.locator("#number button[type=submit]").click()
            expect(page.locator("[data-order-number]")).to_be_visible()
            page.goto(path)
        return page

    return opened


def proceed(page: Page) -> Locator:
    return page.get_by_role("button", name="Continue", exact=True)


def confirm(page: Page) -> Locator:
    return page.locator("[data-step=confirm] [type=submit]")


def assert_confirmed(page: Page, reference: str, heading: str) -> None:
    sent = page.locator(f"[data-sent='{reference}']")
    expect(sent).to_contain_text(heading)
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_return(start: Any, hands: Any, order: Order, license: License) -> None:
    make_reason(name="It is too slow")
    page = start(f"/orders/{order.public_id}/return/", order)
    item, comment, reason = page.get_by_role("checkbox"), page.locator("[name=comment]"), page.locator("[name=reason]")
    expect(item).to_be_checked()  # the only one
    hands.fill(comment, "It is slow.")
    hands.press(proceed(page))
    expect(page.locator("[data-result=invalid]")).to_be_focused()
    hands.press(page.locator("[data-result=invalid]").get_by_role("link", name="Select a reason."))
    expect(reason).to_be_focused()
    hands.select(reason, "It is too slow")
    hands.press(proceed(page))
    expect(confirm(page)).to_be_visible()
    hands.press(page.get_by_role("link", name="Change your return"))
    expect(comment).to_have_value("It is slow.")
    hands.fill(comment, "It is very slow.")
    hands.press(proceed(page))
    expect(page.get_by_text("It is very slow.")).to_be_visible()
    page.go_back()
    expect(comment).to_have_value("It is very slow.")
    expect(item).to_be_checked()
    page.go_forward()
    hands.press(confirm(page))
    expect(page.locator("[data-reference]")).to_be_visible()
    assert_confirmed(page, Return.objects.get().reference, "We’ve received your return request")
    expect(page.locator("[data-sent]")).to_have_count(0)  # once


def test_a_swap(start: Any, hands: Any, order: Order, license: License) -> None:
    SwapOffer.objects.create(
        store=order.store, product=make_product(), name="Internet Security", currency="EUR", price="89.95"
    )
    page = start(f"/orders/{order.public_id}/swap/", order)
    hands.fill(page.locator("[name=comment]"), "Sorry.")
    hands.press(proceed(page))
    hands.press(page.locator("[data-result=invalid]").get_by_role("link", name="Select a product."))
    hands.select(page.locator("[name=wanted]"), "Internet Security – €10.00 to pay")
    hands.press(proceed(page))
    expect(page.get_by_text("Difference: €10.00 to pay")).to_be_visible()
    page.go_back()
    expect(page.locator("[name=comment]")).to_have_value("Sorry.")
    hands.press(proceed(page))
    hands.press(confirm(page))
    expect(page.locator("[data-reference]")).to_be_visible()
    assert_confirmed(page, Swap.objects.get().reference, "We’ve received your swap request")


def test_a_withdrawal(start: Any, hands: Any, order: Order) -> None:
    page = start("/withdraw/")
    hands.press(proceed(page))
    hands.press(page.locator("[data-result=invalid]").get_by_role("link", name="Enter your name."))
    expect(page.get_by_label("Your name")).to_be_focused()
    hands.fill(page.get_by_label("Your name"), "Bea Buyer")
    hands.fill(page.get_by_label("Order number"), order.number)
    hands.fill(page.get_by_label("Email address"), "buyer@exmaple.com")
    hands.press(proceed(page))
    expect(confirm(page)).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Your name")).to_have_value("Bea Buyer")
    hands.fill(page.get_by_label("Email address"), "buyer@example.com")
    hands.press(proceed(page))
    expect(confirm(page)).to_be_visible()
    hands.press(confirm(page))
    expect(page.locator("[data-reference]")).to_be_visible()
    assert Withdrawal.objects.get().email == "buyer@example.com"
    assert_confirmed(page, Withdrawal.objects.get().reference, "We’ve received your withdrawal")


def test_cashback(start: Any, hands: Any, order: Order, license: License) -> None:
    assert license.product
    make_promotion(license.product)
    page = start("/cashback/", order)
    send = page.get_by_role("button", name="Send claim")
    hands.upload(page.locator("[name=proof]"), PHOTO)
    hands.check(page.locator("[name=payout_method][value=bank]"))
    hands.fill(page.get_by_label("Account holder"), "Bea Buyer")
    hands.press(send)
    errors = page.locator("[data-result=invalid]")
    expect(errors).to_contain_text("Choose your file again.")
    hands.press(errors.get_by_role("link", name="Enter your IBAN"))
    expect(page.locator("[name=payout_account]")).to_be_focused()
    expect(errors).to_contain_text("Enter the account holder again.")
    hands.fill(page.get_by_label("Account holder"), "Bea Buyer")
    hands.fill(page.locator("[name=payout_account]"), "DE89 3704 0044 0532 0130 00")
    hands.upload(page.locator("[name=proof]"), PHOTO)
    hands.press(send)
    expect(page.locator("[data-reference]")).to_be_visible()
    assert_confirmed(page, CashbackClaim.objects.get().reference, "We’ve received your cashback claim")
    page.go_back()
    expect(page.get_by_role("heading", name="Cashback", exact=True)).to_be_visible()


def test_correcting_the_address(start: Any, hands: Any, order: Order) -> None:
    page = start("/orders/correct-email/")
    hands.fill(page.locator("[name=order_number]"), order.number)
    hands.fill(page.locator("[name=new_email]"), "right@exmaple.com")
    hands.press(proceed(page))
    errors = page.locator("[data-result=invalid]")
    expect(page.locator(".invalid-feedback", has_text="Enter your order password.")).to_be_visible()
    hands.press(errors.get_by_role("link", name="Enter your order password."))
    hands.fill(page.locator("[name=password]"), portal_password(order) or "")
    hands.fill(page.locator("[name=card_last4]"), order.card_last4)
    hands.press(proceed(page))
    expect(page.get_by_text("right@exmaple.com")).to_be_visible()
    page.go_back()
    expect(page.locator("[name=order_number]")).to_have_value(order.number)
    hands.fill(page.locator("[name=password]"), portal_password(order) or "")
    hands.fill(page.locator("[name=card_last4]"), order.card_last4)
    hands.fill(page.locator("[name=new_email]"), "right@example.com")
    hands.press(proceed(page))
    expect(page.get_by_text("right@example.com")).to_be_visible()
    hands.press(confirm(page))
    expect(page.get_by_text("is on its way to right@example.com")).to_be_visible()
    order.refresh_from_db()
    assert order.email == "right@example.com"


def test_who_has_neither_number_nor_password_is_led_to_the_claim(start: Any, hands: Any) -> None:
    page = start("/orders/correct-email/")
    hands.fill(page.locator("[name=card_last4]"), "4242")
    hands.fill(page.locator("[name=new_email]"), "right@example.com")
    hands.press(page.get_by_role("button", name="Find the order of a charge"))
    page.wait_for_url("**/help/charged/?draft=*")
    expect(page.locator("[name=email]")).to_have_value("right@example.com")
    expect(page.locator(".notice-warn")).to_contain_text("Last 4 digits of the card")
    expect(page.locator("[data-result]")).to_have_count(0)


def test_a_charge_claim(start: Any, hands: Any) -> None:
    page = start("/help/charged/")
    send = page.get_by_role("button", name="Send charge claim")
    hands.fill(page.get_by_label("Last 4 digits of the card"), "424")
    hands.press(send)
    errors = page.locator("[data-result=invalid]")
    expect(errors).to_be_focused()
    hands.press(errors.get_by_role("link", name="Enter the last 4 digits of your card"))
    hands.fill(page.get_by_label("Last 4 digits of the card"), "4242")
    hands.fill(page.get_by_label("Amount"), "79.95")
    hands.select(page.get_by_label("Currency"), "Euro (EUR)")
    hands.upload(page.locator("[name=proof]"), PHOTO)
    hands.fill(page.get_by_label("Email address", exact=True), "buyer@example.com")
    hands.press(send)
    expect(page.locator("[data-reference]")).to_be_visible()
    thread = Thread.objects.get()
    assert page.locator("[data-reference]").get_attribute("data-reference") == thread.reference
    assert (thread.charge_claim.amount, thread.charge_claim.currency) == (Decimal("79.95"), "EUR")
    expect(page.get_by_text("receipt.png")).to_be_visible()


def test_a_message_to_support_and_a_reply(start: Any, hands: Any, order: Order) -> None:
    page = start(f"/help/contact/?order={order.public_id}", order)
    hands.fill(page.get_by_label("Your message"), "It says error 7.")
    hands.press(page.get_by_role("button", name="Send message"))
    hands.press(page.locator("[data-result=invalid]").get_by_role("link", name="Enter a subject"))
    expect(page.get_by_label("Subject")).to_be_focused()
    hands.fill(page.get_by_label("Subject"), "Installer stops")
    hands.press(page.get_by_role("button", name="Look for an answer"))
    expect(page.locator("[data-result=answers]")).to_be_visible()
    expect(page.get_by_label("Your message")).to_have_value("It says error 7.")
    hands.upload(page.locator("[name=files]"), PHOTO)
    hands.press(page.get_by_role("button", name="Send message"))
    expect(page.locator("[data-reference]")).to_be_visible()
    assert Thread.objects.get().order == order
    hands.fill(page.locator("[name=message]"), "It is version 18.")
    hands.press(page.get_by_role("button", name="Send message"))
    expect(page.get_by_text("We’ve received your message.")).to_be_visible()
    expect(page.get_by_text("It is version 18.")).to_be_visible()


def test_a_download(start: Any, hands: Any) -> None:
    content = bytes(range(256)) * 50
    order, _release = bought(content)
    page = start(f"/orders/{order.public_id}/", order)
    with page.expect_download() as started:
        hands.press(page.get_by_role("link", name=re.compile(r"^Download .* for Windows")))
    assert Path(started.value.path()).read_bytes() == content


def test_another_language_keeps_errors_and_what_was_typed(start: Any, hands: Any, order: Order) -> None:
    page = start("/withdraw/")
    hands.fill(page.get_by_label("Your name"), "Bea Buyer")
    hands.press(proceed(page))
    expect(page.locator("[data-result=invalid]")).to_be_visible()
    hands.press(page.locator("summary", has_text="Menu"))
    hands.press(page.locator(".menu button[name=language][value=de]"))
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("[name=name]")).to_have_value("Bea Buyer")
    expect(page.locator("[data-result=invalid]")).to_be_visible()
