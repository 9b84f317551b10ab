"""Correcting an email address requires order number, order password and card."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from notifications.delivery import deliver_due
from notifications.models import Message
from orders.access import SUBJECT_RATE
from orders.models import AddressCorrection, Order
from orders.services.address_corrections import (
    MAX_CORRECTIONS,
    StillUndoable,
    TooManyCorrections,
    correct_address,
)
from orders.services.confirmations import queue_confirmations
from tests.factories import make_agent, make_order
from tests.orders.correction_helpers import (
    CHECK,
    START,
    correct_and_notify,
    correct_in_browser,
    post_correction,
    sent_email,
)
from tests.pages import inside, result, text

pytestmark = pytest.mark.django_db


def test_the_new_address_gets_the_confirmation_and_the_old_one_a_notice() -> None:
    order = make_order(store_email="wrong@example.com", number="A-1001")
    browser = correct_in_browser(order)
    assert order.email == "right@example.com"
    assert order.store_email == "wrong@example.com"
    assert "A-1001" in sent_email("right@example.com", "order_confirmation").subject
    notice = sent_email("wrong@example.com", "address_corrected_old")
    assert "r…@e….com" in notice.body
    assert "right@example.com" not in notice.body
    assert "/orders/correct-email/undo/" in notice.body
    assert "The email address of this order was corrected" in text(browser.get(f"/orders/{order.public_id}/"))


def test_nothing_changes_before_the_second_step() -> None:
    order = make_order()
    browser = Client()
    assert post_correction(order, browser)["Location"] == CHECK
    page = text(browser.get(CHECK))
    assert "right@example.com" in page
    assert "buyer@example.com" not in page
    order.refresh_from_db()
    assert order.email == "buyer@example.com"
    assert not AddressCorrection.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "AAAA-AAAA-AAAA"},
        {"card_last4": "0000"},
        {"order_number": "A-404"},
    ],
)
def test_all_wrong_details_are_refused_in_the_same_way(wrong: dict[str, str]) -> None:
    order = make_order()
    browser = Client()
    answer = post_correction(order, browser, **wrong)
    assert (answer.status_code, result(answer)) == (422, "not-found")
    assert browser.get(CHECK)["Location"] == START
    assert browser.post(CHECK)["Location"] == START
    assert browser.get(f"/orders/{order.public_id}/").status_code == 302
    assert not AddressCorrection.objects.exists()


@pytest.mark.parametrize("typed", ["", "4", "424", "42424242", "4242 4242 4242 4242", "abcd"])
def test_an_order_without_a_card_cannot_be_corrected_by_form(typed: str) -> None:
    order = make_order(card_last4="", payment_method="paypal")
    assert post_correction(order, card_last4=typed).status_code == 422
    assert "support" in text(post_correction(order, card_last4="4242"))
    assert not AddressCorrection.objects.exists()


def test_the_digits_of_the_wallet_are_accepted() -> None:
    order = make_order(card_last4="", device_last4="1881")
    assert post_correction(order, card_last4="1881")["Location"] == CHECK


def test_wrong_cards_count_against_the_limit_of_the_order() -> None:
    order = make_order()
    for guess in range(SUBJECT_RATE.short):
        assert post_correction(order, card_last4=f"{guess:04}").status_code == 422
    answer = post_correction(order)
    assert (answer.status_code, result(answer)) == (429, "too-many")
    assert "Try again in 15 minutes" in text(answer)


def test_signing_out_drops_a_pending_correction() -> None:
    order = make_order()
    browser = Client()
    post_correction(order, browser)
    browser.post("/orders/sign-out/")
    assert browser.post(CHECK)["Location"] == START
    order.refresh_from_db()
    assert order.email == "buyer@example.com"


def test_access_to_the_order_alone_is_not_enough_to_correct_it() -> None:
    order = make_order()
    browser = inside(order)
    assert browser.post(CHECK, {"new_email": "thief@example.com"})["Location"] == START
    assert not AddressCorrection.objects.exists()


@pytest.mark.parametrize(
    "address", ["", "right", "right@", "a b@example.com", "right@example", "x" * 300 + "@example.com"]
)
def test_an_invalid_new_address_is_an_error_at_its_field(address: str) -> None:
    answer = post_correction(make_order(), new_email=address)
    assert (answer.status_code, result(answer)) == (422, "invalid")
    assert 'href="#id_correct_email_new_email"' in answer.content.decode()


def test_correcting_to_the_same_address_changes_nothing() -> None:
    order = make_order()
    browser = Client()
    post_correction(order, browser, new_email="Buyer@Example.com")
    assert "already" in text(browser.post(CHECK, follow=True))
    assert not AddressCorrection.objects.exists()


def test_the_number_of_corrections_per_month_is_limited() -> None:
    order, now = make_order(), timezone.now()
    for number in range(MAX_CORRECTIONS):
        with time_machine.travel(now + number * timedelta(hours=49), tick=False):
            correct_and_notify(order, f"right{number}@example.com")
    with time_machine.travel(now + timedelta(days=29), tick=False):
        with pytest.raises(TooManyCorrections):
            correct_address(order, "thief@example.com")
        correct_address(order, "support-knows@example.com", by=make_agent())
    with time_machine.travel(now + timedelta(days=45), tick=False):
        AddressCorrection.objects.update(undo_until=now)
        correct_address(order, "right@example.com")


def test_a_second_correction_while_the_first_can_be_undone_is_for_support_only() -> None:
    order = make_order()
    correct_in_browser(order, "right@example.com")
    answer = post_correction(order, new_email="buyer@example.com")
    assert (answer.status_code, result(answer)) == (422, "refused")
    page = text(answer)
    assert "b…@e….com" in page
    assert "undo the change there" in page
    assert "only support can correct it again" in page
    assert "/contact/" in answer.content.decode()
    with pytest.raises(StillUndoable):
        correct_address(order, "buyer@example.com")
    assert AddressCorrection.objects.count() == 1


def test_a_correction_that_was_checked_before_another_one_was_made_is_refused() -> None:
    order = make_order()
    late = Client()
    post_correction(order, late, new_email="late@example.com")
    correct_in_browser(order, "right@example.com")
    assert "only support can correct it again" in text(late.post(CHECK, follow=True))
    order.refresh_from_db()
    assert order.email == "right@example.com"


def test_a_pending_correction_is_not_revealed_without_the_password() -> None:
    order = make_order()
    correct_in_browser(order)
    answer = post_correction(order, card_last4="0000")
    assert (answer.status_code, result(answer)) == (422, "not-found")


def test_unsent_emails_go_to_the_new_address() -> None:
    order = make_order(placed_at=timezone.now())
    queue_confirmations([order.pk])
    correct_in_browser(order)
    deliver_due()
    received = dict(Message.objects.values_list("recipient", "kind"))
    assert received == {"right@example.com": "order_confirmation", "buyer@example.com": "address_corrected_old"}
    assert [(email.to, "A-" in email.subject) for email in mail.outbox] == [
        (["buyer@example.com"], True),
        (["right@example.com"], True),
    ]


def test_an_import_does_not_restore_the_wrong_address() -> None:
    order = make_order()
    correct_in_browser(order)
    Order.objects.filter(pk=order.pk).update(store_email="buyer@example.com", email_key="buyer@example.com")
    order.refresh_from_db()
    assert order.email == "right@example.com"


def test_the_order_page_offers_a_correction_after_a_bounce() -> None:
    order = make_order(placed_at=timezone.now())
    queue_confirmations([order.pk])
    Message.objects.update(status=Message.Status.BOUNCED)
    assert START in inside(order).get(f"/orders/{order.public_id}/").content.decode()


def test_the_find_page_offers_a_correction_when_no_order_was_found() -> None:
    answer = Client().post("/orders/find/card/", {"email": "a@example.com", "card_last4": "1234"})
    assert START in answer.content.decode()
