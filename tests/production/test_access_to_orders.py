"""Links, ids and sessions: what opens an order, for whom, and until when."""

from uuid import uuid4

import pytest

from orders.models import Order
from orders.passwords import portal_password
from tests.production.shop import make_order, open_order
from tests.production.stack import SITE, Stack
from tests.production.visitors import Page, Visitor

pytestmark = pytest.mark.xdist_group("production")

FIND = "/orders/find/"


@pytest.fixture
def order(stack: Stack) -> Order:
    return make_order(stack, store_email=f"{uuid4().hex}@example.com")


def access_path(stack: Stack, visitor: Visitor, order: Order, number: int = 1) -> str:
    """Request a link, and read its path in the email."""
    assert visitor.post_form(FIND, "/orders/find/link/", email=order.email).location == "/orders/find/link/sent/"
    text = stack.email_to(order.email, number)
    return next(word for word in text.split() if word.startswith(f"{SITE}/access/")).removeprefix(SITE)


def is_open(visitor: Visitor, order: Order) -> bool:
    return visitor.get(f"/orders/{order.public_id}/").status == 200


def press(visitor: Visitor, path: str) -> Page:
    """Press the link's button, even if the page shows none."""
    return visitor.post(path, {"csrfmiddlewaretoken": visitor.csrf_token()})


# --- Links -------------------------------------------------------------------------------------------------


def test_a_link_opens_the_order_once_and_only_by_its_button(stack: Stack, visitor: Visitor, order: Order) -> None:
    path = access_path(stack, visitor, order)
    for _scan in range(3):  # like programs that scan email
        assert Visitor(stack).get(path).status == 200
    assert not is_open(visitor, order)
    assert press(visitor, path).status == 302
    assert is_open(visitor, order)
    thief = Visitor(stack)
    assert press(thief, path).status == 410
    assert not is_open(thief, order)


def test_a_changed_or_moved_token_opens_nothing(stack: Stack, visitor: Visitor, order: Order) -> None:
    token = access_path(stack, visitor, order).strip("/").rpartition("/")[2]
    signature = token.partition(".")[2]
    changed = [f"{int(token.partition('.')[0]) + 1}.{signature}", token[:-1], token + "A", token.swapcase(), "."]
    for path in [f"/access/{each}/" for each in changed]:
        assert press(visitor, path).status == 404
    for other in (f"/help/threads/open/{token}/", f"/orders/correct-email/undo/{token}/", f"/mail/follow-ups/{token}/"):
        assert visitor.get(other).status == 404
    assert visitor.get(f"/d/{token}/").status == 404


# --- Ids ---------------------------------------------------------------------------------------------------


PAGES = ["", "code/", "invoice/", "invoice.pdf", "return/", "swap/", "confirmation/", "download/1/"]


@pytest.mark.parametrize("page", PAGES)
def test_an_id_alone_opens_nothing_and_reveals_nothing(stack: Stack, visitor: Visitor, order: Order, page: str) -> None:
    known = visitor.get(f"/orders/{order.public_id}/{page}")
    unknown_id = str(uuid4())
    unknown = visitor.get(f"/orders/{unknown_id}/{page}")
    assert known.status == unknown.status == 302
    assert known.location.replace(str(order.public_id), unknown_id) == unknown.location
    assert known.content == unknown.content


@pytest.mark.parametrize("page", PAGES)
def test_one_order_does_not_open_another(stack: Stack, visitor: Visitor, order: Order, page: str) -> None:
    open_order(visitor, order)
    other = make_order(stack)
    assert visitor.get(f"/orders/{other.public_id}/{page}").location.startswith(FIND)


# --- Sessions ----------------------------------------------------------------------------------------------


def test_the_session_key_changes_when_an_order_opens(stack: Stack, visitor: Visitor, order: Order) -> None:
    visitor.cookies["__Host-session"] = "a" * 32  # planted by someone else
    open_order(visitor, order)
    first = visitor.cookies["__Host-session"]
    assert first != "a" * 32
    open_order(visitor, make_order(stack))
    assert visitor.cookies["__Host-session"] != first
    earlier = Visitor(stack)
    earlier.cookies["__Host-session"] = first
    assert not is_open(earlier, order)


def test_signing_out_ends_the_access_on_the_server(stack: Stack, visitor: Visitor, order: Order) -> None:
    page = open_order(visitor, order)
    kept = dict(visitor.cookies)
    visitor.post_form(page.path, "/orders/sign-out/")
    visitor.cookies = kept
    assert not is_open(visitor, order)


def test_cookies_are_of_this_host_over_https_only(visitor: Visitor, order: Order) -> None:
    page = visitor.post_form(
        FIND, "/orders/find/number/", order_number=order.number, password=portal_password(order) or ""
    )
    cookies = visitor.get(FIND).cookies | page.cookies
    assert {"__Host-session", "__Host-csrf"} <= set(cookies)
    for cookie in cookies.values():
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["path"] == "/"
        assert not cookie["domain"]
        assert cookie["samesite"] == "Lax"


# --- Caches and headers ------------------------------------------------------------------------------------


def test_no_cache_keeps_what_belongs_to_somebody(visitor: Visitor, order: Order) -> None:
    page = open_order(visitor, order)
    for path in (page.path, "/orders/", "/licenses/", f"{page.path}invoice/", f"{page.path}invoice.pdf"):
        answer = visitor.get(path)
        assert answer.status == 200
        assert "no-store" in answer.headers["Cache-Control"]
    assert (
        "no-store"
        in visitor.post_form(FIND, "/orders/find/number/", order_number="NO-1", password="wrong").headers[
            "Cache-Control"
        ]
    )


def test_every_answer_has_the_headers_that_protect_it(visitor: Visitor, order: Order) -> None:
    page = open_order(visitor, order)
    for path in (page.path, FIND, "/no-such-page/", "/orders/", "/api/activations/", "/healthz"):
        headers = visitor.get(path).headers
        if path != "/healthz":
            assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"] or "default-src 'none';"
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
