"""Helpers to request pages and to read responses."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.http import HttpResponse
from django.test import Client

from orders.drafts import PARAMETER, SHOWN_PARAMETER
from orders.models import Order
from orders.passwords import portal_password


class Browser(Client):
    """A client that follows only the redirects of drafts (orders/drafts.py), like a browser."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        kept = {name: value for name, value in request.items() if name.startswith("HTTP_") or name == "REMOTE_ADDR"}
        for _redirect in range(5):
            url = urlsplit(response.headers.get("Location", ""))
            if PARAMETER not in parse_qs(url.query):
                break
            response = super().request(
                **kept, REQUEST_METHOD="GET", PATH_INFO=unquote(url.path), QUERY_STRING=url.query
            )
        return response


def draft_url(answer: HttpResponse) -> str:
    """Return the URL of the last requested page, with its draft."""
    request = answer.wsgi_request  # type: ignore[attr-defined]
    path: str = request.get_full_path()
    return path


def inside(order: Order, client: Client | None = None) -> Client:
    """Return a client that opened this order by its number and password."""
    browser = client or Browser()
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
    """Return the values of a data-… attribute in the page."""
    return [unescape(value) for value in re.findall(rf'{name}="([^"]*)"', answer.content.decode())]


def switch_language(browser: Client, page: HttpResponse, form_id: str, typed: dict[str, Any]) -> Any:
    """Choose German on a page, as its language buttons do: they send one of its forms. Returns the redirect."""
    html = page.content.decode()
    hidden = {
        name: unescape(value)
        for name in (SHOWN_PARAMETER, PARAMETER)
        for value in re.findall(rf'name="{name}" value="([^"]*)" form="{form_id}"', html)
    }
    assert SHOWN_PARAMETER in hidden
    assert f'id="{form_id}"' in html
    return without_redirects(browser).post("/language/", typed | hidden | {"language": "de"})


def without_redirects(browser: Client) -> Client:
    """A client with the cookies of another one."""
    plain = Client()
    plain.cookies = browser.cookies
    return plain
