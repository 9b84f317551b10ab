"""Multi-step forms keep the input in the session: never in the URL, for one tab, for 30 minutes."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from orders.drafts import MAX_DRAFTS, NEW_SESSION_RATE
from orders.models import Order, OrderLine
from refunds.models import CashbackClaim, Return, SwapOffer, Withdrawal
from tests.factories import make_license, make_line, make_order, make_product, make_reason, make_store
from tests.files import factories
from tests.pages import Browser, inside, marks, result, text
from tests.refunds.cashback import make_promotion

pytestmark = pytest.mark.django_db

STATED = {"name": "Bea Buyer", "order_number": "A-1001", "email": "buyer@example.com"}
CARD = "4242 4242 4242 4242"


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now(), total="159.90")


@pytest.fixture
def line(order: Order) -> OrderLine:
    return make_line(order)


def return_page(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def return_form(line: OrderLine, **fields: Any) -> dict[str, Any]:
    return {f"line-{line.pk}-quantity": "1", "reason": make_reason().pk, "comment": "It is slow."} | fields


def stored_sessions() -> str:
    return json.dumps([session.get_decoded() for session in Session.objects.all()])


def follow(browser: Client, answer: Any) -> Any:
    assert answer.status_code == 303
    return browser.get(answer["Location"])


# --- Redirects ---------------------------------------------------------------------------------------------


def test_a_page_that_was_posted_is_always_read_by_a_redirect(order: Order, line: OrderLine) -> None:
    offer = SwapOffer.objects.create(
        store=order.store, product=make_product(), name="Other", currency="EUR", price="1.00"
    )
    browser, base = inside(order, Client()), f"/orders/{order.public_id}/"
    swap = {"line": line.pk, "wanted": offer.pk, "comment": "Secret words"}
    for page, right in [
        (f"{base}return/", return_form(line, comment="Secret words")),
        (f"{base}swap/", swap),
        ("/withdraw/", STATED | {"name": "Secret Words"}),
    ]:
        start = browser.get(page)["Location"]
        assert start.startswith(f"{page}?draft=")
        answer = browser.post(start, right)
        assert (answer.status_code, "ecret" in answer["Location"]) == (303, False)
        assert answer["Location"] == start.replace("?", "check/?")
        assert marks(browser.get(answer["Location"]), "data-step") == ["change", "confirm"]
        assert "ecret" in browser.get(start).content.decode()  # the browser's Back
        wrong = browser.post(start, dict.fromkeys(right, ""))
        assert (wrong.status_code, wrong["Location"]) == (303, start)
        shown = browser.get(start)
        assert (shown.status_code, result(shown)) == (422, "invalid")


def test_the_check_page_without_a_draft_leads_to_the_form(order: Order, line: OrderLine) -> None:
    browser = inside(order, Client())
    for draft in ("", "?draft=", "?draft=x", f"?draft={32 * 'a'}", "?draft=../../"):
        for page in ("/withdraw/", return_page(order), f"/orders/{order.public_id}/swap/"):
            assert browser.get(f"{page}check/{draft}")["Location"].startswith(page + "?draft=")
        assert browser.get(f"/orders/correct-email/check/{draft}")["Location"] == "/orders/correct-email/"


def test_all_errors_of_a_return_are_shown_at_once(order: Order, line: OrderLine) -> None:
    browser = inside(order)
    page = text(browser.post(return_page(order), {"reason": "", "comment": "x" * 2001}))
    for sentence in ("Choose at least one item to return.", "Select a reason.", "This is too long."):
        assert sentence in page


# --- Tabs --------------------------------------------------------------------------------------------------


def test_two_tabs_do_not_mix(order: Order, line: OrderLine) -> None:
    browser = inside(order, Client())
    first, second = (browser.get(return_page(order))["Location"] for _tab in range(2))
    assert first != second
    for tab, comment in ((first, "First words"), (second, "Second words")):
        browser.post(tab, return_form(line, comment=comment))
    for tab, comment, other in ((first, "First words", "Second words"), (second, "Second words", "First words")):
        for page in (tab, tab.replace("?", "check/?")):
            shown = browser.get(page).content.decode()
            assert comment in shown
            assert other not in shown


def test_a_draft_of_one_order_is_not_shown_on_another(order: Order, line: OrderLine) -> None:
    other = make_order(placed_at=timezone.now(), store=order.store)
    make_line(other)
    browser = inside(other, inside(order, Client()))
    start = browser.get(return_page(order))["Location"]
    browser.post(start, return_form(line, comment="Words of the first"))
    moved = start.replace(str(order.public_id), str(other.public_id))
    assert "Words of the first" not in browser.get(moved).content.decode()
    assert browser.get(moved.replace("?", "check/?")).status_code == 302


def test_only_the_newest_drafts_are_kept(order: Order, line: OrderLine) -> None:
    browser = inside(order, Client())
    tabs = [browser.get(return_page(order))["Location"] for _tab in range(MAX_DRAFTS + 1)]
    for number, tab in enumerate(tabs):
        browser.post(tab, return_form(line, comment=f"Words {number}."))
    assert len(browser.session["drafts"]) == MAX_DRAFTS
    assert "Words 0." not in browser.get(tabs[0]).content.decode()
    assert f"Words {MAX_DRAFTS}." in browser.get(tabs[-1]).content.decode()


# --- The end of a draft ------------------------------------------------------------------------------------


def test_a_stranger_with_the_address_sees_nothing_of_a_draft(order: Order, line: OrderLine) -> None:
    browser = inside(order, Client())
    tab = browser.post(return_page(order), return_form(line))["Location"]
    assert Client().get(tab)["Location"].startswith("/orders/find/")
    assert "It is slow." not in inside(order, Client()).get(tab, follow=True).content.decode()
    stated = Client().post("/withdraw/", STATED)["Location"]
    assert "Bea Buyer" not in Client().get(stated, follow=True).content.decode()


def test_a_draft_ends_after_thirty_minutes_and_when_it_is_sent(order: Order, line: OrderLine) -> None:
    stranger = Client()
    check = stranger.post("/withdraw/", STATED)["Location"]
    assert stranger.get(check).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert stranger.get(check).status_code == 302
    browser = inside(order, Client())
    tab = browser.post(return_page(order), return_form(line))["Location"]
    browser.post(tab.replace("check/", ""), return_form(line, confirm="1"))
    assert Return.objects.exists()
    assert browser.session["drafts"] == {}


# --- What is kept ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed"),
    [("comment", CARD), ("comment", "x" * 2000 + CARD), ("reason", CARD), ("submission_id", CARD), ("other", CARD)],
)
def test_no_card_number_is_stored_in_a_draft(order: Order, line: OrderLine, field: str, typed: str) -> None:
    browser = inside(order)
    page = browser.post(return_page(order), return_form(line, **{field: typed}))
    assert CARD not in stored_sessions()
    assert CARD not in page.content.decode()
    quantity = {f"line-{line.pk}-quantity": CARD, "line-0-quantity": CARD}
    browser.post(return_page(order), return_form(line) | quantity)
    assert CARD not in stored_sessions()


@pytest.mark.parametrize("field", ["name", "order_number", "email"])
def test_no_card_number_of_a_withdrawal_is_stored(field: str) -> None:
    Browser().post("/withdraw/", STATED | {field: CARD})
    assert CARD not in stored_sessions()


def test_neither_password_nor_card_number_of_an_address_correction_are_stored() -> None:
    browser = Browser()
    typed = {"order_number": CARD, "password": "harbour-lantern", "card_last4": CARD, "new_email": "a@b@c"}
    page = browser.post("/orders/correct-email/", typed)
    assert (page.status_code, result(page)) == (422, "invalid")
    assert "Enter only the last 4 digits." in text(page)
    assert "Enter an email address with one @" in text(page)
    assert 'value="a@b@c"' in page.content.decode()
    assert "Enter your order password" not in text(page)  # it had no error
    assert "harbour" not in stored_sessions() + page.content.decode()
    assert CARD not in stored_sessions()


def test_bank_details_and_the_file_are_asked_for_again() -> None:
    order = make_order(placed_at=timezone.now())
    license = make_license(make_line(order), product=make_product(), activated_at=timezone.now())
    assert license.product
    make_promotion(license.product)
    browser = inside(order)
    typed = {
        "serial": license.serial,
        "country": "DE",
        "payout_method": "bank",
        "payout_holder": "Bea Holder",
        "payout_account": "",
        "proof": factories.upload(factories.png(), "receipt.png"),
    }
    page = browser.post("/cashback/", typed)
    assert page.status_code == 422
    assert "Choose your file again." in text(page)
    assert "Enter your IBAN" in text(page)
    assert "Enter the account holder again." in text(page)
    assert "Bea Holder" not in stored_sessions() + page.content.decode()
    page = browser.post("/cashback/", typed | {"payout_account": "DE02 1203 0000 0000 2020 51", "country": "FR"})
    assert "Enter the bank account again." in text(page)
    assert "1203" not in stored_sessions() + page.content.decode()
    assert not CashbackClaim.objects.exists()
    page = browser.post("/cashback/", typed | {"payout_method": "original", "country": "FR"})
    assert "again. For your security" not in text(page)


# --- Languages ---------------------------------------------------------------------------------------------


def test_the_check_page_in_another_language(order: Order, line: OrderLine) -> None:
    browser = inside(order, Client())
    page = follow(browser, browser.post(return_page(order), return_form(line)))
    path = marks(page, 'name="next" value')[0]
    browser.post("/language/", {"language": "de", "next": path})
    german = browser.get(path)
    assert german.status_code == 200
    assert "It is slow." in german.content.decode()
    assert 'lang="de"' in german.content.decode()


# --- Sessions ----------------------------------------------------------------------------------------------


def test_one_client_starts_only_so_many_sessions_and_loses_nothing() -> None:
    pages = [Browser().post("/withdraw/", STATED) for _session in range(NEW_SESSION_RATE.short + 2)]
    assert Session.objects.count() == NEW_SESSION_RATE.short
    assert marks(pages[-1], "data-step") == ["change", "confirm"]
    wrong = Client().post("/withdraw/", STATED | {"email": "nobody"})
    assert (wrong.status_code, result(wrong)) == (422, "invalid")
    assert 'value="A-1001"' in wrong.content.decode()
    browser = Client()
    browser.post("/withdraw/", STATED | {"confirm": "1"})
    assert Withdrawal.objects.count() == 1


def test_a_very_long_form_does_not_fill_the_session() -> None:
    browser = Browser()
    page = browser.post("/withdraw/", dict.fromkeys(STATED, "9" * 200000))
    assert page.status_code == 422
    assert len(stored_sessions()) < 110_000


# --- Confirmations -----------------------------------------------------------------------------------------


def test_the_confirmation_is_shown_once_in_each_language(order: Order, line: OrderLine) -> None:
    browser = inside(order)
    page = browser.post(return_page(order), return_form(line, confirm="1"), follow=True)
    reference = Return.objects.get().reference
    assert marks(page, "data-sent") == [reference]
    assert "We’ve received your return request" in text(page)
    assert "An email is on its way to b…@e….com." in text(page)
    path = f"/returns/{reference}/"
    assert marks(browser.get(path), "data-sent") == []
    assert marks(browser.get(path, headers={"Accept-Language": "de"}), "data-sent") == [reference]
    assert marks(browser.get(path, headers={"Accept-Language": "de"}), "data-sent") == []
    assert marks(inside(order).get(path), "data-sent") == []


# --- Effects -----------------------------------------------------------------------------------------------


def test_the_check_page_says_what_else_ends() -> None:
    order = make_order(placed_at=timezone.now(), store=make_store())
    line = make_line(order)
    license = make_license(line, product=make_product(), activated_at=timezone.now())
    assert license.product
    promotion = make_promotion(license.product)
    browser = inside(order)
    assert marks(browser.post(return_page(order), return_form(line)), "data-effect") == ["download", "cashback"]
    claim = CashbackClaim.objects.create(
        promotion=promotion, order=order, license=license, country="DE", currency="EUR", amount=10
    )
    page = browser.post(return_page(order), return_form(line))
    assert marks(page, "data-effect") == ["download", "claim"]
    assert claim.reference in text(page)
