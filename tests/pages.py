"""Helpers to request pages and to read responses."""

import re
from html import unescape

from django.http import HttpResponse
from django.test import Client

from orders.models import Order
from orders.passwords import portal_password


def inside(order: Order, client: Client | None = None) -> Client:
    """A client that opened this order by its number and password."""
    browser = client or Client()
    answer = browser.post(
        "/orders/find/number/", {"order_number": order.number, "password": portal_password(order) or ""}
    )
    assert answer.status_code == 302
    return browser


def text(answer: HttpResponse) -> str:
    """The text of a page, without markup."""
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def result(answer: HttpResponse) -> str:
    """The value of `data-result`: the result of a submitted form."""
    found = re.search(r'data-result="([a-z-]+)"', answer.content.decode())
    return found[1] if found else ""


def marks(answer: HttpResponse, name: str) -> list[str]:
    """The values of a data-… attribute in the page."""
    return [unescape(value) for value in re.findall(rf'{name}="([^"]*)"', answer.content.decode())]
