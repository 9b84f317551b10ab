"""Contacting support from an order attaches that order. Orders that are not open in this browser are ignored."""

import re

import pytest
from django.test import Client

from orders.models import Store
from tests.factories import make_order, make_store
from tests.pages import inside, text
from tests.support.submissions import MESSAGE_FORM, submit_message

pytestmark = pytest.mark.django_db
PAGE = "/help/contact/"


def selected(page: str) -> str:
    """The text of the selected order; empty if none is explicitly selected."""
    found = re.search(r"<option[^>]* selected[^>]*>([^<]*)", page)
    return found[1] if found else ""


def test_the_link_of_the_order_page_attaches_that_order_and_not_the_newest() -> None:
    first, newest = make_order(number="A-1"), make_order(number="A-2")
    browser = inside(newest, inside(first))
    order_page = browser.get(f"/orders/{first.public_id}/").content.decode()
    assert f'href="{PAGE}?order={first.public_id}"' in order_page
    assert f'"{PAGE}"' not in order_page.partition("<main")[2]
    page = browser.get(PAGE, {"order": str(first.public_id)})
    assert selected(page.content.decode()).startswith("A-1 –")
    assert "← Order A-1" in text(page)


def test_the_order_can_be_changed() -> None:
    first, newest = make_order(number="A-1"), make_order(number="A-2")
    browser = inside(newest, inside(first))
    assert "A-2 –" in browser.get(PAGE, {"order": str(first.public_id)}).content.decode()
    assert submit_message(browser, order=str(newest.public_id)).order == newest


def test_without_a_choice_only_a_single_open_order_is_attached() -> None:
    first, newest = make_order(number="A-1"), make_order(number="A-2")
    assert selected(inside(first).get(PAGE).content.decode()).startswith("A-1 –")
    both = inside(newest, inside(first)).get(PAGE)
    assert selected(both.content.decode()) == "None of these orders"


@pytest.mark.parametrize("typed", ["", "x", "\0", "5f280d07-de22-4e28-98b0-31e283aba893", "../../"])
def test_an_order_that_is_not_open_is_not_attached(typed: str) -> None:
    theirs, mine = make_order(number="B-1"), make_order(number="A-1")
    browser = inside(mine)
    for order in (typed, str(theirs.public_id)):
        for someone in (browser, Client()):
            page = someone.get(PAGE, {"order": order})
            assert page.status_code == 200
            assert "B-1" not in text(page)
            assert not selected(page.content.decode()).startswith("A-1")


def test_an_order_that_still_needs_its_code_is_not_attached() -> None:
    store = make_store(confirm_card_lookup=Store.ConfirmCardLookup.ALWAYS)
    order = make_order(number="A-1", store=store)
    browser = Client()
    browser.post("/orders/find/card/", {"email": order.email, "card_last4": order.card_last4})
    assert "A-1" not in text(browser.get(PAGE, {"order": str(order.public_id)}))


def test_what_was_typed_and_chosen_is_kept_when_the_help_is_asked_first() -> None:
    first, newest = make_order(number="A-1"), make_order(number="A-2")
    browser = inside(newest, inside(first))
    for chosen, shown in ((first, "A-1 –"), (None, "None of these")):
        order = str(chosen.public_id) if chosen else ""
        page = browser.post(PAGE, {**MESSAGE_FORM, "look": "1", "order": order})
        assert selected(page.content.decode()).startswith(shown)
