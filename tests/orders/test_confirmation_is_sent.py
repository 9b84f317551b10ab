"""The order confirmation: once by itself for recent orders, again when asked, to the order's address only."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.test import Client
from django.utils import timezone

from notifications import kinds
from notifications.models import Message
from notifications.rendering import build
from orders.models import AccessLink, Order
from orders.passwords import portal_password
from orders.services.confirmations import CONFIRMATIONS_AGAIN_PER_HOUR, announce_new_orders
from tests.factories import make_license, make_line, make_order, make_store
from tests.pages import inside, text

pytestmark = pytest.mark.django_db


def recent(**fields: object) -> Order:
    return make_order(placed_at=timezone.now() - timedelta(hours=1), **fields)


def mail_of(kind: str) -> EmailMessage:
    message = Message.objects.filter(kind=kind).latest("pk")
    return build(message, kinds.get(kind))  # type: ignore[return-value]


def test_recent_orders_are_announced_once() -> None:
    order = recent(language="de")
    assert announce_new_orders([order.pk]) == 1
    assert announce_new_orders([order.pk]) == 0
    message = Message.objects.get()
    assert (message.kind, message.recipient, message.language) == ("order_confirmation", "buyer@example.com", "de")
    assert message.order_id == order.pk


def test_old_orders_undone_ones_and_those_without_an_address_write_to_nobody() -> None:
    orders = [
        make_order(placed_at=timezone.now() - timedelta(hours=73)),
        recent(status="cancelled"),
        recent(status="refunded"),
        recent(status="charged_back"),
        recent(store_email=""),
    ]
    assert announce_new_orders([order.pk for order in orders]) == 0
    assert not Message.objects.exists()


def test_a_corrected_address_wins_and_the_stores_language_fills_in() -> None:
    order = recent(contact_email="right@example.com", language="", store=make_store(language="de"))
    announce_new_orders([order.pk])
    message = Message.objects.get()
    assert (message.recipient, message.language) == ("right@example.com", "de")


def test_announcing_many_costs_a_few_queries(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    ids = [recent().pk for _order in range(30)]
    with django_assert_max_num_queries(5):
        assert announce_new_orders(ids) == 30


def test_it_tells_order_number_password_and_serial_number_near_its_top() -> None:
    order = recent(number="A-1001")
    line = make_line(order)
    make_license(line, serial="XAAB-1234-5678-9012-3456")
    announce_new_orders([order.pk])
    mail = mail_of("order_confirmation")
    assert "A-1001" in mail.subject  # type: ignore[attr-defined]
    for body in (mail.body, mail.alternatives[0][0]):  # type: ignore[attr-defined]
        places = [body.index(word) for word in ("A-1001", portal_password(order) or "", "XAAB-1234-5678-9012-3456")]
        assert max(places) < body.index("€79.95")
        assert f"/orders/{order.public_id}/" in body


def test_a_password_that_the_store_gave_is_not_told() -> None:
    order = recent(password_hash="keyed$x$y")
    announce_new_orders([order.pk])
    assert "Order password:" not in mail_of("order_confirmation").body  # type: ignore[attr-defined]


def test_what_stands_in_names_is_text_in_both_forms_of_the_mail() -> None:
    order = recent()
    make_line(order, name="Max & Co <b>")
    announce_new_orders([order.pk])
    mail = mail_of("order_confirmation")
    assert "Max & Co <b>" in mail.body  # type: ignore[attr-defined]
    assert "Max &amp; Co &lt;b&gt;" in mail.alternatives[0][0]  # type: ignore[attr-defined]


def test_the_button_sends_it_to_the_orders_address_and_says_where() -> None:
    order = make_order()
    answer = inside(order).post(f"/orders/{order.public_id}/confirmation/", {"email": "thief@example.com"}, follow=True)
    assert "to b…@e….com" in text(answer)
    assert Message.objects.get().recipient == "buyer@example.com"


def test_it_is_sent_at_most_a_few_times_an_hour() -> None:
    order = make_order()
    browser = inside(order)
    for _click in range(CONFIRMATIONS_AGAIN_PER_HOUR + 3):
        answer = browser.post(f"/orders/{order.public_id}/confirmation/", follow=True)
        Message.objects.update(status=Message.Status.SENT)
    assert "sent several times" in text(answer)
    assert Message.objects.count() == CONFIRMATIONS_AGAIN_PER_HOUR


def test_impatient_clicks_are_one_mail() -> None:
    order = make_order()
    browser = inside(order)
    for _click in range(5):
        browser.post(f"/orders/{order.public_id}/confirmation/")
    assert Message.objects.count() == 1


def test_an_order_without_an_address_says_so() -> None:
    order = make_order(store_email="")
    answer = inside(order).post(f"/orders/{order.public_id}/confirmation/", follow=True)
    assert "has no email address" in text(answer)
    assert not Message.objects.exists()


def test_the_access_link_is_made_when_its_mail_is() -> None:
    make_order()
    Client().post("/orders/find/link/", {"email": "buyer@example.com"})
    mail = mail_of("access_link")
    token = mail.body.split("/access/")[1].split("/")[0]  # type: ignore[attr-defined]
    assert AccessLink.read_token(token) == AccessLink.objects.get()
    assert "60 minutes" in mail.body  # type: ignore[attr-defined]


def test_unknown_addresses_get_no_mail() -> None:
    Client().post("/orders/find/link/", {"email": "nobody@example.com"})
    message = Message.objects.get()
    assert not kinds.get("access_link").still_wanted(message)
    make_order(store_email="Nobody@example.com")
    assert kinds.get("access_link").still_wanted(message)
