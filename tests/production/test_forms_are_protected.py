"""Forms need the token of their page, reveal nothing about known data, and count guesses before they evaluate them."""

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from orders.models import Attempt, Order
from orders.passwords import portal_password
from refunds.models import Return
from tests.factories import make_reason
from tests.production.shop import make_order, open_order
from tests.production.stack import SITE, Stack
from tests.production.visitors import Headers, Page, Upload, Visitor

pytestmark = pytest.mark.xdist_group("production")

FIND = "/orders/find/"
NUMBER = "/orders/find/number/"
FORMS = [NUMBER, "/orders/find/card/", "/orders/find/link/", "/withdraw/", "/help/contact/", "/help/charged/"]
FORMS += [
    "/genuine/",
    "/cashback/",
    "/downloads/",
    "/orders/correct-email/",
    "/orders/sign-out/",
    "/admin/login/",
    "/my-data/",
]
OTHER_SITE = [("Origin", "https://evil.example"), ("Referer", "https://evil.example/")]


# --- CSRF --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("token", "headers"),
    [("", []), ("x" * 64, []), ("own", OTHER_SITE), ("own", [("Origin", "null")])],
    ids=["no token", "made up", "another site", "no origin"],
)
def test_a_form_of_another_site_is_refused(visitor: Visitor, path: str, token: str, headers: Headers) -> None:
    own = visitor.csrf_token()
    fields = {"csrfmiddlewaretoken": own if token == "own" else token}
    assert visitor.post(path, fields, headers=headers).status == 403


def test_a_token_is_of_one_browser(stack: Stack, visitor: Visitor) -> None:
    visitor.get(FIND)
    assert visitor.post(NUMBER, {"csrfmiddlewaretoken": Visitor(stack).csrf_token()}).status == 403


# --- Equal responses ---------------------------------------------------------------------------------------


def alike(page: Page, *typed: str) -> tuple[int, str, str]:
    """Return the text of a page, without the input and random parts."""
    text = re.sub(r'(csrfmiddlewaretoken|submission_id|shown_form)" value="[^"]*"', "", page.text)
    for each in typed:
        text = text.replace(each, "TYPED")
    return page.status, page.location, text


@pytest.mark.parametrize("field", ["order_number", "password"])
def test_a_known_order_number_is_answered_as_an_unknown_one(stack: Stack, field: str) -> None:
    order = make_order(stack)

    def answers(number: str) -> list[tuple[int, str, str]]:
        visitor = Visitor(stack)
        return [
            alike(visitor.post_form(FIND, NUMBER, order_number=number, password="wrong"), number) for _try in range(7)
        ]

    known, unknown = answers(order.number), answers(f"NO{order.number}")
    # Times of day may be a minute apart.
    clock = re.compile(r"\d{1,2}:\d\d( [AP]M)?")
    assert [(status, clock.sub("", text)) for status, _location, text in known] == [
        (status, clock.sub("", text)) for status, _location, text in unknown
    ]


def test_a_known_address_is_answered_as_an_unknown_one(stack: Stack) -> None:
    known = make_order(stack, store_email=f"{uuid4().hex}@example.com")
    unknown = f"{uuid4().hex}@example.com"
    for path, fields in (
        ("/orders/find/link/", {}),
        ("/orders/find/card/", {"card_last4": "0001"}),
    ):
        first, second = (
            alike(Visitor(stack).post_form(FIND, path, email=email, **fields), email)
            for email in (known.email, unknown)
        )
        assert first == second


def test_a_withdrawal_is_confirmed_alike_for_known_and_unknown_orders(stack: Stack) -> None:
    order = make_order(stack, store_email=f"{uuid4().hex}@example.com")

    def confirmed(number: str, email: str) -> tuple[int, str]:
        visitor = Visitor(stack)
        fields = {"name": "Bea Buyer", "order_number": number, "email": email, "confirm": "1"}
        sent = visitor.post_form("/withdraw/", **fields)
        assert sent.status == 302
        page = visitor.get(sent.location)
        text = re.sub(r"W-[A-Z0-9]+|\d{1,2}:\d\d( [AP]M)?", "", page.text)
        for typed in (number, email):
            text = text.replace(typed, "TYPED")
        return page.status, re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", text)

    assert confirmed(order.number, order.email) == confirmed("NO-SUCH-1", f"{uuid4().hex}@example.com")


def test_a_known_reference_is_answered_as_an_unknown_one(shop: Stack) -> None:
    with shop.orm():
        reference = Return.objects.values_list("reference", flat=True)[0]
    known, unknown = Visitor(shop).get(f"/returns/{reference}/"), Visitor(shop).get("/returns/R-00000000/")
    assert known.location.replace(reference, "R-00000000") == unknown.location


# --- Rate limits, simultaneous requests ----------------------------------------------------------------------


def test_simultaneous_guesses_are_evaluated_no_more_often_than_one_after_the_other(stack: Stack) -> None:
    order = make_order(stack)
    visitors = [Visitor(stack) for _guess in range(16)]
    tokens = [visitor.csrf_token() for visitor in visitors]

    def guess(number: int) -> Page:
        fields = {"order_number": order.number, "password": "wrong", "csrfmiddlewaretoken": tokens[number]}
        return visitors[number].post(NUMBER, fields)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(guess, range(16)))
    with stack.orm():
        evaluated = Attempt.objects.filter(
            client__in=[visitor.address for visitor in visitors], outcome=Attempt.Outcome.REFUSED
        )
        assert evaluated.count() == 5


def test_the_right_password_is_refused_after_five_wrong_ones_and_the_link_still_opens(stack: Stack) -> None:
    order = make_order(stack, store_email=f"{uuid4().hex}@example.com")
    for _guess in range(5):
        Visitor(stack).post_form(FIND, NUMBER, order_number=order.number, password="wrong")
    owner = Visitor(stack)
    refused = owner.post_form(FIND, NUMBER, order_number=order.number, password=portal_password(order) or "")
    assert refused.status in (422, 429)
    owner.post_form(FIND, "/orders/find/link/", email=order.email)
    link = next(word for word in stack.email_to(order.email).split() if word.startswith(f"{SITE}/access/"))
    assert owner.post_form(link.removeprefix(SITE)).location == f"/orders/{order.public_id}/"


# --- Races -------------------------------------------------------------------------------------------------


@pytest.fixture
def order(stack: Stack) -> Order:
    order = make_order(stack)
    with stack.orm():
        make_reason()
    return order


def test_ten_clicks_at_once_make_one_return(stack: Stack, visitor: Visitor, order: Order) -> None:
    open_order(visitor, order)
    path = f"/orders/{order.public_id}/return/"
    form = next(form for form in visitor.get(path, follow=True).forms if "submission_id" in form.fields)
    with stack.orm():
        line, reason = order.lines.get().pk, make_reason().pk
    fields = form.fields | {f"line-{line}-quantity": "1", "reason": str(reason), "confirm": "1"}
    with ThreadPoolExecutor(10) as pool:
        led_to = {page.location for page in pool.map(lambda _click: visitor.post(path, fields), range(10))}
    with stack.orm():
        assert led_to == {f"/returns/{order.returns.get().reference}/"}


# --- Cross-site scripting ------------------------------------------------------------------------------------


def test_what_a_store_sent_runs_nowhere(stack: Stack, visitor: Visitor) -> None:
    mark = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    order = make_order(stack, billing_name=mark, billing_company=mark, card_brand=mark[:30])
    with stack.orm():
        order.lines.update(name=mark, sku=mark[:60])
    page = open_order(visitor, order)
    for path in (page.path, f"{page.path}invoice/", f"{page.path}return/", "/licenses/", "/orders/"):
        text = visitor.get(path, follow=True).text
        assert "<img src=x" not in text
        assert "<script>alert" not in text


# --- Uploads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html><script>alert(1)</script></html>"),
        ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("program.exe", b"MZ" + b"\x00" * 200),
        ("receipt.pdf", b"<script>alert(1)</script>"),
        ("receipt.png", b"GIF89a" + b"\x00" * 20),
        ("archive.zip", b"PK\x03\x04" + b"\x00" * 50),
    ],
)
def test_a_file_that_is_not_a_picture_or_pdf_is_refused(visitor: Visitor, name: str, content: bytes) -> None:
    sent = visitor.post_form(
        "/help/contact/",
        files={"files": Upload(name, content)},
        email="buyer@example.com",
        subject="A file",
        message="Here it is.",
    )
    assert sent.status == 422
    assert sent.location == ""
