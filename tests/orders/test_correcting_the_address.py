"""A mistyped address is mended by number, password and card together, and by nothing less."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from notifications.models import Message
from orders.access import SUBJECT_RATE
from orders.models import AddressCorrection, Order
from orders.services.address_corrections import MOST_CORRECTIONS, TooManyCorrections
from orders.services.address_corrections import correct as correct_now
from orders.services.confirmations import announce_new_orders
from tests.factories import make_order
from tests.orders.corrections import CHECK, PAGE, correct, mail_to, prove
from tests.pages import inside, result, text

pytestmark = pytest.mark.django_db


def test_the_new_address_gets_the_confirmation_and_the_old_one_is_told() -> None:
    order = make_order(store_email="wrong@example.com", number="A-1001")
    browser = correct(order)
    assert order.email == "right@example.com"
    assert order.store_email == "wrong@example.com"
    assert "A-1001" in mail_to("right@example.com", "order_confirmation").subject
    told = mail_to("wrong@example.com", "address_corrected_old")
    assert "r…@e….com" in told.body
    assert "right@example.com" not in told.body
    assert "/orders/correct-email/undo/" in told.body
    assert "The email address of this order was corrected" in text(browser.get(f"/orders/{order.public_id}/"))


def test_nothing_changes_before_the_second_look() -> None:
    order = make_order()
    browser = Client()
    assert prove(order, browser)["Location"] == CHECK
    page = text(browser.get(CHECK))
    assert "right@example.com" in page
    assert "buyer@example.com" not in page
    order.refresh_from_db()
    assert order.email == "buyer@example.com"
    assert not AddressCorrection.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"},
        {"card_last4": "0000"},
        {"order_number": "A-404"},
    ],
)
def test_whatever_is_wrong_is_refused_alike(wrong: dict[str, str]) -> None:
    order = make_order()
    browser = Client()
    answer = prove(order, browser, **wrong)
    assert (answer.status_code, result(answer)) == (422, "not-found")
    assert browser.get(CHECK)["Location"] == PAGE
    assert browser.post(CHECK)["Location"] == PAGE
    assert browser.get(f"/orders/{order.public_id}/").status_code == 302
    assert not AddressCorrection.objects.exists()


@pytest.mark.parametrize("typed", ["", "4", "424", "42424242", "4242 4242 4242 4242", "abcd"])
def test_an_order_without_a_card_is_not_corrected_by_an_empty_or_a_strange_field(typed: str) -> None:
    order = make_order(card_last4="", payment_method="paypal")
    assert prove(order, card_last4=typed).status_code == 422
    assert "support" in text(prove(order, card_last4="4242"))
    assert not AddressCorrection.objects.exists()


def test_the_wallets_digits_do_too() -> None:
    order = make_order(card_last4="", device_last4="1881")
    assert prove(order, card_last4="1881").status_code == 302


def test_guessing_the_card_is_as_hopeless_as_guessing_the_password() -> None:
    order = make_order()
    for guess in range(SUBJECT_RATE.short):
        assert prove(order, card_last4=f"{guess:04}").status_code == 422
    answer = prove(order)
    assert (answer.status_code, result(answer)) == (422, "not-found")


def test_leaving_forgets_the_wish() -> None:
    order = make_order()
    browser = Client()
    prove(order, browser)
    browser.post("/orders/sign-out/")
    assert browser.post(CHECK)["Location"] == PAGE
    order.refresh_from_db()
    assert order.email == "buyer@example.com"


def test_an_order_that_a_card_opened_cannot_be_corrected_without_its_password() -> None:
    order = make_order()
    browser = inside(order)
    assert browser.post(CHECK, {"new_email": "thief@example.com"})["Location"] == PAGE
    assert not AddressCorrection.objects.exists()


@pytest.mark.parametrize(
    "address", ["", "right", "right@", "a b@example.com", "right@example", "x" * 300 + "@example.com"]
)
def test_an_address_that_no_mail_can_go_to_is_told_at_its_field(address: str) -> None:
    answer = prove(make_order(), new_email=address)
    assert (answer.status_code, result(answer)) == (422, "invalid")
    assert 'href="#id_correct_email_new_email"' in answer.content.decode()


def test_the_same_address_changes_nothing() -> None:
    order = make_order()
    browser = Client()
    prove(order, browser, new_email="Buyer@Example.com")
    assert "already" in text(browser.post(CHECK, follow=True))
    assert not AddressCorrection.objects.exists()


def test_it_can_be_corrected_a_few_times_and_then_again_a_month_later() -> None:
    order = make_order()
    for number in range(MOST_CORRECTIONS):
        correct_now(order, f"right{number}@example.com")
    with pytest.raises(TooManyCorrections):
        correct_now(order, "thief@example.com")
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        correct_now(order, "right@example.com")


def test_what_waits_for_the_old_address_goes_to_the_new_one() -> None:
    order = make_order(placed_at=timezone.now())
    announce_new_orders([order.pk])
    correct(order)
    kinds = dict(Message.objects.values_list("recipient", "kind"))
    assert kinds == {"right@example.com": "order_confirmation", "buyer@example.com": "address_corrected_old"}


def test_an_import_does_not_bring_the_wrong_address_back() -> None:
    order = make_order()
    correct(order)
    Order.objects.filter(pk=order.pk).update(store_email="buyer@example.com", email_key="buyer@example.com")
    order.refresh_from_db()
    assert order.email == "right@example.com"


def test_a_bounced_confirmation_offers_the_correction() -> None:
    order = make_order(placed_at=timezone.now())
    announce_new_orders([order.pk])
    Message.objects.update(status=Message.Status.BOUNCED)
    assert PAGE in inside(order).get(f"/orders/{order.public_id}/").content.decode()


def test_the_find_page_offers_it_where_nothing_was_found() -> None:
    answer = Client().post("/orders/find/card/", {"email": "a@example.com", "card_last4": "1234"})
    assert PAGE in answer.content.decode()
