"""Nothing overflows at 320 px, in any language.

No page and no email for buyers scrolls sideways, and no text is cut off or sticks out of its box.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import translation
from django.views import defaults
from playwright.sync_api import Browser, Page

from notifications import kinds, rendering
from notifications.models import Message
from notifications.services import send
from orders.models import AccessLink, Order
from portal.demo import vendor
from portal.views import csrf_failure
from tests.browser.finding import find_by_number
from tests.browser.test_axe_finds_nothing import is_page, paths
from tests.production.shop import fill_shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTH = 320
LANGUAGES = [code for code, _name in settings.LANGUAGES]

# What sticks out of the page, of its own box or of a box that hides it. Takes nothing, returns a line for each.
# Texts are measured by their lines: a box has the width of its place even if the text in it is wider. In headings,
# buttons and labels, only words of 18 letters and more may be divided: by the browser or at a soft hyphen.
FIND_OVERFLOW = """() => {
  document.querySelectorAll("details").forEach(each => { each.open = true; });
  const root = document.documentElement, page = { left: 0, right: root.clientWidth }, found = new Set();
  if (root.scrollWidth > root.clientWidth) found.add(`The page is ${root.scrollWidth} px wide`);
  const told = (element, what) => found.add(`${element.localName}.${element.className}: ${what}: ` +
    element.innerText.trim().slice(0, 60));
  const isUnseen = element => !element.checkVisibility() ||
    element.closest(".visually-hidden, .skip-link, script, style, option, .items thead");  // for screen readers
  const sticksOut = (inner, outer) => inner.left < outer.left - 1 || inner.right > outer.right + 1;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || isUnseen(element)) continue;
    const range = document.createRange();
    if (element.closest("button, summary, .btn, h1, h2, h3, label, legend, dt, .task-label")) {
      for (const word of texts.currentNode.data.matchAll(/[\\p{L}\\u00ad]+/gu)) {
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map(line => line.top));
        if (lines.size > 1 && word[0].length < 18) told(element, `“${word[0]}” is broken`);
      }
    }
    range.selectNodeContents(texts.currentNode);
    for (const line of range.getClientRects()) {
      if (!line.width) continue;
      if (sticksOut(line, page)) told(element, "outside of the page");
      for (let box = element; box !== document.body; box = box.parentElement) {
        const hides = getComputedStyle(box).overflowX !== "visible";
        const isBox = box === element || box.matches("button, summary, .btn, h1, h2, h3");
        if (!hides && !isBox || getComputedStyle(box).display.startsWith("inline") && box.clientWidth === 0) continue;
        const frame = box.getBoundingClientRect();
        if (sticksOut(line, frame) || (hides && line.bottom > frame.bottom + 1)) told(box, "too narrow for its text");
      }
    }
  }
  const boxes = "a, button, input:not([type=hidden]), select, textarea, summary, img, svg";
  for (const each of document.querySelectorAll(boxes)) {
    if (!isUnseen(each) && sticksOut(each.getBoundingClientRect(), page)) told(each, "outside of the page");
  }
  return [...found];
}"""


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order of the demo with licenses, devices and a download, in a shop with requests in many states."""
    fill_shop(tmp_path / "orders.jsonl")
    return Order.objects.get(number=vendor.PASSWORD_ORDER)


@pytest.fixture
def phone(browser: Browser, live_server: Any, order: Order) -> Iterator[Page]:
    """A narrow phone on which the order is open."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 640}, base_url=live_server.url)
    page = context.new_page()
    page.goto("/orders/find/")
    find_by_number(page, order, password=vendor.ORDER_PASSWORD)
    page.locator("[data-order-number]").wait_for()
    yield page
    context.close()


def speak(page: Page, language: str) -> None:
    page.context.set_extra_http_headers({"Accept-Language": language})


def submit(page: Page, field: str) -> None:
    """Send the form that has this field."""
    with page.expect_navigation():
        page.locator(f"main form:has({field})").first.evaluate("form => form.requestSubmit()")


def _open(path: str) -> Callable[[Page, Order], None]:
    def opened(page: Page, order: Order) -> None:
        page.goto(path.format(order=order.public_id))

    return opened


def _return_check(page: Page, order: Order) -> None:
    page.goto(f"/orders/{order.public_id}/return/")
    page.locator("[type=checkbox][name$=-quantity]").first.check()
    page.locator("[name=reason]").select_option(index=1)
    submit(page, "[name=reason]")
    page.locator("[data-amount]").wait_for()


def _swap_check(page: Page, order: Order) -> None:
    page.goto(f"/orders/{order.public_id}/swap/")
    page.locator("[name=wanted]").select_option(index=1)
    submit(page, "[name=wanted]")
    page.locator("[data-step=confirm]").wait_for()


def _withdrawal_check(page: Page, order: Order) -> None:
    page.goto("/withdraw/")
    for field, typed in (("name", "Bea Buyer"), ("order_number", order.number), ("email", order.store_email)):
        page.locator(f"main [name={field}]").fill(typed)
    submit(page, "[name=order_number]")
    page.locator("[data-step=confirm]").wait_for()


def _form_sent_empty(path: str, field: str) -> Callable[[Page, Order], None]:
    def sent(page: Page, order: Order) -> None:
        page.goto(path)
        submit(page, field)

    return sent


# The pages whose longest words, in any language, come closest to the width of the phone, and the order's page.
WIDEST: dict[str, Callable[[Page, Order], None]] = {
    "order": _open("/orders/{order}/"),
    "withdrawal, checked": _withdrawal_check,
    "downloads": _open("/downloads/"),
    "phone numbers": _open("/contacts/"),
    "article": _open("/help/no-confirmation/"),
}
STEPS: dict[str, Callable[[Page, Order], None]] = {
    "return, checked": _return_check,
    "swap, checked": _swap_check,
    "withdrawal, checked": _withdrawal_check,
    "contact, sent empty": _form_sent_empty("/help/contact/", "[name=message]"),
    "charged, sent empty": _form_sent_empty("/help/charged/", "[name=amount]"),
    "find by card, sent empty": _form_sent_empty("/orders/find/", "[name=card_last4]"),
    "withdrawal, sent empty": _form_sent_empty("/withdraw/", "[name=order_number]"),
}


def error_pages(language: str) -> Iterator[tuple[str, HttpResponse]]:
    request = RequestFactory().get("/")
    with translation.override(language):
        yield "400", defaults.bad_request(request, ValueError())
        yield "403", defaults.permission_denied(request, PermissionError())
        yield "404", defaults.page_not_found(request, LookupError())
        yield "500", defaults.server_error(request)
        yield "csrf", csrf_failure(request)


def emails(language: str) -> Iterator[tuple[str, str]]:
    """The HTML of one email of each kind that is still wanted."""
    for message in Message.objects.order_by("kind", "pk").distinct("kind"):
        kind = kinds.get(message.kind)
        if kind.still_wanted(message):
            message.language = language
            yield message.kind, str(rendering.build(message, kind).alternatives[0][0])


def problems(page: Page, language: str, name: str) -> list[str]:
    assert page.locator("html").get_attribute("lang") == language, name
    return [f"{language}, {name}: {each}" for each in page.evaluate(FIND_OVERFLOW)]


def test_the_widest_pages_fit(phone: Page, order: Order) -> None:
    found = []
    for language in LANGUAGES:
        speak(phone, language)
        for name, go in WIDEST.items():
            go(phone, order)
            found += problems(phone, language, name)
    assert found == [], "\n".join(found)


@pytest.mark.stress
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_fits(phone: Page, order: Order, language: str) -> None:
    speak(phone, language)
    found, opened = [], set()
    for path in dict.fromkeys(paths(order)):
        if is_page(phone, path):
            phone.goto(path)
            found += problems(phone, language, path)
            opened.add(path)
    for name, go in STEPS.items():
        go(phone, order)
        found += problems(phone, language, name)
    assert len(opened) > 60
    assert found == [], "\n".join(found)


@pytest.mark.stress
def test_error_pages_and_emails_fit(phone: Page, order: Order) -> None:
    send("access_link", AccessLink.objects.create(email_key=order.email_key), order.store_email)
    letter = phone.context.new_page()  # without the portal's Content-Security-Policy, which refuses styles in emails
    found, kinds_of_emails = [], set()
    for language in LANGUAGES:
        for name, answer in error_pages(language):
            phone.set_content(answer.content.decode())
            found += problems(phone, language, name)
        for name, html in emails(language):
            letter.set_content(html)
            found += problems(letter, language, name)
            kinds_of_emails.add(name)
    assert kinds_of_emails > {"access_link", "order_confirmation", "return_received"}
    assert len(kinds_of_emails) > 10
    assert found == [], "\n".join(found)
