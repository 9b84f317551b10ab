"""The order confirmation: sent once to recent orders, and again on request."""

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
from orders.services.confirmations import MAX_RESENDS_PER_HOUR, queue_confirmations
from tests.factories import make_license, make_line, make_order, make_store
from tests.pages import inside, text

pytestmark = pytest.mark.django_db


def make_recent_order(**fields: object) -> Order:
    return make_order(placed_at=timezone.now() - timedelta(hours=1), **fields)


def sent_email(kind: str) -> EmailMessage:
    message = Message.objects.filter(kind=kind).latest("pk")
    return build(message, kinds.get(kind))


def test_a_recent_order_is_confirmed_once() -> None:
    order = make_recent_order(language="de")
    assert queue_confirmations([order.pk]) == 1
    assert queue_confirmations([order.pk]) == 0
    message = Message.objects.get()
    assert (message.kind, message.recipient, message.language) == ("order_confirmation", "buyer@example.com", "de")
    assert message.order_id == order.pk


def test_old_orders_canceled_ones_and_those_without_an_address_are_not_confirmed() -> None:
    orders = [
        make_order(placed_at=timezone.now() - timedelta(hours=73)),
        make_recent_order(status="cancelled"),
        make_recent_order(status="refunded"),
        make_recent_order(status="charged_back"),
        make_recent_order(store_email=""),
    ]
    assert queue_confirmations([order.pk for order in orders]) == 0
    assert not Message.objects.exists()


def test_the_corrected_address_and_the_language_of_the_store_are_used() -> None:
    order = make_recent_order(contact_email="right@example.com", language="", store=make_store(language="de"))
    queue_confirmations([order.pk])
    message = Message.objects.get()
    assert (message.recipient, message.language) == ("right@example.com", "de")


def test_confirming_many_orders_needs_few_queries(django_assert_max_num_queries) -> None:
    ids = [make_recent_order().pk for _order in range(30)]
    with django_assert_max_num_queries(5):
        assert queue_confirmations(ids) == 30


def test_number_password_and_serial_number_are_near_the_top() -> None:
    order = make_recent_order(number="A-1001")
    line = make_line(order)
    make_license(line, serial="XAAB-1234-5678-9012-3456")
    queue_confirmations([order.pk])
    mail = sent_email("order_confirmation")
    assert "A-1001" in mail.subject
    for body in (mail.body, mail.alternatives[0][0]):
        places = [body.index(word) for word in ("A-1001", portal_password(order) or "", "XAAB-1234-5678-9012-3456")]
        assert max(places) < body.index("€79.95")
        assert f"/orders/{order.public_id}/" in body


def test_a_password_from_the_store_is_not_in_the_email() -> None:
    order = make_recent_order(password_hash="keyed$x$y")
    queue_confirmations([order.pk])
    assert "Order password:" not in sent_email("order_confirmation").body


def test_names_are_escaped_in_html_and_not_in_text() -> None:
    order = make_recent_order()
    make_line(order, name="Max & Co <b>")
    queue_confirmations([order.pk])
    mail = sent_email("order_confirmation")
    assert "Max & Co <b>" in mail.body
    assert "Max &amp; Co &lt;b&gt;" in mail.alternatives[0][0]


def test_the_button_resends_it_to_the_address_of_the_order_only() -> None:
    order = make_order()
    answer = inside(order).post(f"/orders/{order.public_id}/confirmation/", {"email": "thief@example.com"}, follow=True)
    assert "to b…@e….com" in text(answer)
    assert Message.objects.get().recipient == "buyer@example.com"


def test_the_number_of_resends_per_hour_is_limited() -> None:
    order = make_order()
    browser = inside(order)
    for _click in range(MAX_RESENDS_PER_HOUR + 3):
        answer = browser.post(f"/orders/{order.public_id}/confirmation/", follow=True)
        Message.objects.update(status=Message.Status.SENT)
    assert "sent the confirmation several times" in text(answer)
    assert Message.objects.count() == MAX_RESENDS_PER_HOUR


def test_repeated_clicks_send_one_email() -> None:
    order = make_order()
    browser = inside(order)
    for _click in range(5):
        browser.post(f"/orders/{order.public_id}/confirmation/")
    assert Message.objects.count() == 1


def test_resending_without_an_address_shows_an_error() -> None:
    order = make_order(store_email="")
    answer = inside(order).post(f"/orders/{order.public_id}/confirmation/", follow=True)
    assert "has no email address" in text(answer)
    assert not Message.objects.exists()


def test_the_email_with_an_access_link_contains_its_token() -> None:
    make_order()
    Client().post("/orders/find/link/", {"email": "buyer@example.com"})
    mail = sent_email("access_link")
    token = mail.body.split("/access/")[1].split("/")[0]
    assert AccessLink.get_by_token(token) == AccessLink.objects.get()
    assert "60 minutes" in mail.body


def test_no_link_is_emailed_to_an_address_without_orders() -> None:
    Client().post("/orders/find/link/", {"email": "nobody@example.com"})
    message = Message.objects.get()
    assert not kinds.get("access_link").still_wanted(message)
    make_order(store_email="Nobody@example.com")
    assert kinds.get("access_link").still_wanted(message)
