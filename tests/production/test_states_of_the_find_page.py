"""The results of the forms for finding an order, in each state: no error 500, no missing file."""

import pytest
from django.utils import timezone

from orders.access import site_card_rate
from orders.models import RateLimitCounter, Store
from orders.rate_limits import Rate, RateLimit
from tests.production.shop import make_order, open_order
from tests.production.stack import Stack
from tests.production.visitors import Visitor

pytestmark = pytest.mark.xdist_group("production")

FIND = "/orders/find/"
# The counter of failed cards of the whole site; its key does not depend on the rate.
SITE_COUNTER = RateLimit("site", "card", Rate(short=1, long=1))


def test_an_order_opens_and_its_owner_signs_out(stack: Stack, visitor: Visitor) -> None:
    page = open_order(visitor, make_order(stack))
    assert page.status == 200
    assert visitor.post_form(page.path, "/orders/sign-out/").status == 302
    assert visitor.get(page.path).location.startswith(FIND)


def test_a_wrong_password_and_too_many_of_them(stack: Stack, visitor: Visitor) -> None:
    statuses = []
    for number in range(32):
        wrong = {"order_number": f"NO-{number}", "password": "wrong"}
        statuses.append(visitor.post_form(FIND, "/orders/find/number/", **wrong).status)
    assert statuses[0] == 422
    assert statuses[-1] == 429


def test_a_card_that_asks_for_an_emailed_code(stack: Stack, visitor: Visitor) -> None:
    order = make_order(stack, store_email="code@example.com", card_last4="7777")
    with stack.orm():
        Store.objects.filter(pk=order.store_id).update(confirm_card_lookup=Store.ConfirmCardLookup.ALWAYS)
    found = visitor.post_form(FIND, "/orders/find/card/", email="code@example.com", card_last4="7777")
    assert found.status == 302
    code_path = f"/orders/{order.public_id}/code/"
    assert visitor.get(code_path).status == 200
    assert visitor.post_form(code_path, code="000000").status == 422
    assert "code" in stack.email_to("code@example.com").lower()


@pytest.fixture
def _enumerated(stack: Stack) -> object:
    with stack.orm():
        tries = [timezone.now()] * site_card_rate().short
        RateLimitCounter.objects.update_or_create(key=SITE_COUNTER.key, defaults={"tries": tries, "allowed": True})
    yield
    with stack.orm():
        RateLimitCounter.objects.filter(key=SITE_COUNTER.key).delete()


@pytest.mark.usefixtures("_enumerated")
def test_a_card_that_asks_for_a_proof_of_work(stack: Stack, visitor: Visitor) -> None:
    asked = visitor.post_form(FIND, "/orders/find/card/", email="somebody@example.com", card_last4="4242")
    assert asked.status == 422
    assert "data-proof-of-work" in asked.text
    scripts = {link for link in asked.links("src") if link.startswith("/static/")}
    assert any("proof-of-work" in script for script in scripts)
    assert {visitor.get(script).status for script in scripts} == {200}
