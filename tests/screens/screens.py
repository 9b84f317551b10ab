"""What `make screens` takes pictures of: the pages and emails that buyers see most, in the order of docs/screens.md."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from playwright.sync_api import Page

from notifications.delivery import deliver_due
from orders.models import Order
from portal.demo import mailbox, vendor
from refunds.models import Return
from tests.browser.finding import find_by_card, find_by_number

EMAIL_WIDTH = 640  # pixels


@dataclass(frozen=True)
class Look:
    """How a page is looked at. `suffix` ends the file's name."""

    suffix: str
    width: int  # pixels
    scheme: str = "light"

    @property
    def label(self) -> str:
        return f"{self.width} px" + (", dark" if self.scheme == "dark" else "")


PHONE = Look("", 360)
PHONE_DARK = Look("-dark", 360, "dark")
DESKTOP = Look("-wide", 1280)
MAIL = Look("", EMAIL_WIDTH)
MAIL_ON_A_PHONE = Look("-phone", 360)


@dataclass(frozen=True)
class Screen:
    """A page, and how a buyer gets there in a fresh browser."""

    name: str
    title: str
    sentence: str
    go: Callable[[Page], None]
    looks: tuple[Look, ...] = (PHONE,)
    language: str = "en-GB"

    @property
    def files(self) -> dict[str, Look]:
        return {f"{self.name}{look.suffix}.png": look for look in self.looks}


def _at(path: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.goto(path)

    return go


def _open(page: Page, order: Order) -> None:
    page.goto("/orders/find/")
    find_by_number(page, order, password=vendor.ORDER_PASSWORD if order.number == vendor.PASSWORD_ORDER else "")
    page.locator("[data-order-number]").wait_for()


def _open_printed(page: Page) -> None:
    """The order whose number and password the demo prints."""
    _open(page, Order.objects.get(number=vendor.PASSWORD_ORDER))


def _open_new(page: Page) -> None:
    _open(page, Order.objects.get(store_email=vendor.BUYER_WITH_PAYPAL.email))


def _open_pending(page: Page) -> None:
    order = Order.objects.filter(status=Order.Status.PENDING).newest_first().first()
    assert order
    _open(page, order)


def _open_with_return(page: Page) -> None:
    _open(page, Return.objects.filter(status=Return.Status.APPROVED).earliest("pk").order)


def _list(page: Page) -> None:
    page.goto("/orders/find/")
    find_by_card(page, vendor.CARD_LAST4, vendor.BUYER_WITH_CARD.email)
    page.locator("[data-order-number]").first.wait_for()


def _request_return(page: Page) -> None:
    _open_printed(page)
    page.get_by_role("link", name="Request a return").click()
    page.locator("#form_return").wait_for()


def _check_return(page: Page) -> None:
    _request_return(page)
    page.locator("[type=checkbox][name$=-quantity]").first.check()
    page.locator("[name=reason]").select_option(index=1)
    page.locator("[name=comment]").fill("It doesn’t run on my old laptop.")
    page.get_by_role("button", name="Continue").click()
    page.locator("[data-amount]").wait_for()


def _send_return(page: Page) -> None:
    _check_return(page)
    page.locator("[data-step=confirm] [type=submit]").click()
    page.locator("[data-reference]").wait_for()


def _swap(page: Page) -> None:
    _list(page)
    page.locator("[data-order-number]").first.click()
    page.get_by_role("link", name="Swap for another product").click()
    page.locator("[name=wanted]").wait_for()


def _cashback(page: Page) -> None:
    _list(page)
    page.goto("/cashback/")


def _email(recipient: str, subject: str) -> Callable[[Page], None]:
    """The newest email to this address whose subject contains this."""

    def go(page: Page) -> None:
        deliver_due()
        folder = settings.DEMO_MAIL_DIR
        for name in mailbox.list_file_names(folder):
            email = mailbox.read_email(folder, name)
            if email.recipient == recipient and subject in email.subject:
                page.goto(f"/demo/inbox/{name}/html/")
                return
        raise LookupError(f"No email to {recipient} with the subject {subject}")

    return go


SCREENS = (
    Screen(
        "find",
        "Find my order",
        "Three ways to an order; the others unfold with one press, without JavaScript, too.",
        _at("/orders/find/"),
        (PHONE, PHONE_DARK, DESKTOP),
    ),
    Screen("order-list", "My orders", "All orders of an address, the newest first.", _list),
    Screen(
        "order-new",
        "A new order",
        "Bought five hours ago: the serial number, the installer, and what to do with them.",
        _open_new,
    ),
    Screen(
        "order-pending",
        "An order without a serial number",
        "The store hasn’t confirmed the payment yet; the page says what comes next.",
        _open_pending,
    ),
    Screen(
        "order",
        "A completed order",
        "License, devices and download first, then everything that the buyer can do.",
        _open_printed,
        (PHONE, PHONE_DARK, DESKTOP),
    ),
    Screen(
        "order-german",
        "The same order in German",
        "The language follows the browser, or the menu.",
        _open_printed,
        language="de-DE",
    ),
    Screen(
        "order-with-return",
        "An order with a return in progress",
        "The progress of the request is above everything else.",
        _open_with_return,
    ),
    Screen("return-form", "Request a return", "What is returned, why, and until when.", _request_return),
    Screen("return-check", "Check the return", "The amount, and what happens to the license.", _check_return),
    Screen("return-sent", "Return sent", "The reference, what happens next, and the way back.", _send_return),
    Screen("withdrawal", "Withdraw from contract", "Needs no open order, as the law asks.", _at("/withdraw/")),
    Screen("swap", "Product swap", "Which product instead, and what it costs or returns.", _swap),
    Screen("cashback", "Cashback", "Which licenses of the open orders a promotion covers.", _cashback),
    Screen("downloads", "Downloads", "Finds the installer by the serial number.", _at("/downloads/")),
    Screen("genuine", "Is this really from us?", "Checks an email’s code or a phone number.", _at("/genuine/")),
    Screen(
        "help",
        "Help",
        "The search first, then the most common questions.",
        _at("/help/"),
        (PHONE, DESKTOP),
    ),
    Screen("help-article", "A help article", "The answer first, then details.", _at("/help/find-my-order/")),
    Screen(
        "contact",
        "Contact support",
        "The form, and what may be faster.",
        _at("/help/contact/"),
    ),
    Screen("charge-claim", "Charge claim", "For a charge without an order.", _at("/help/charged/")),
    Screen(
        "email-confirmation",
        "Email: order confirmation",
        "Order number, password and serial number.",
        _email(vendor.BUYER_WITH_PAYPAL.email, "order"),
        (MAIL, MAIL_ON_A_PHONE),
    ),
    Screen(
        "email-return",
        "Email: return received",
        "What was requested, when support replies, and how to follow it.",
        _email(vendor.BUYER_WITH_PASSWORD.email, "return"),
        (MAIL,),
    ),
)
