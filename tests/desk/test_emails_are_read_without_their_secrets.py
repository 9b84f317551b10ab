"""Staff read what an email said, made again from today's data, without passwords, codes and tokens of links."""

import re

import pytest
from django.urls import Resolver404, resolve

from desk.models import LookRecord
from notifications import kinds
from notifications.hidden_secrets import PLACEHOLDER
from notifications.models import Message
from notifications.rendering import read_again
from orders.access import request_link
from orders.access.links import send_link_for_staff
from orders.lookup_codes import code_digits
from orders.models import AccessLink, LookupCode, Order
from orders.passwords import portal_password
from orders.services.confirmations import resend_confirmation
from tests.desk.people import make_busy_person
from tests.desk.staff import staff_with, staff_with_role
from tests.factories import make_order
from tests.visitors import visit

pytestmark = pytest.mark.django_db

READS = (
    "notifications.view_message",
    "orders.view_order",
    "licenses.view_license",
    "refunds.view_return",
    "support.view_thread",
)


@pytest.fixture
def order() -> Order:
    return make_order(store_email="ann@example.com")


def url(message: Message) -> str:
    return f"/admin/desk/email/{message.pk}/"


def secret_arguments(text: str) -> list[str]:
    """The tokens in the links of a text that lead to a page which asks for one."""
    found = []
    for path in re.findall(r"https?://[^/\s]+(/\S*)", text):
        try:
            match = resolve(path.split("?")[0].rstrip(".,"))
        except Resolver404:
            continue
        found += [value for name, value in match.kwargs.items() if name == "token"]
    return found


def test_a_confirmation_is_read_without_its_password(order: Order) -> None:
    resend_confirmation(order)
    page = staff_with(*READS).get(url(Message.objects.get())).content.decode()
    assert order.number in page
    assert PLACEHOLDER in page
    assert (portal_password(order) or "?") not in page


def test_a_code_and_a_link_are_hidden_and_reading_does_not_start_their_lifetime(order: Order) -> None:
    code = LookupCode.objects.create(order=order, email_key=order.email_key)
    Message.objects.create(kind="lookup_code", object_id=code.pk, recipient=order.email, order_id=order.pk)
    request_link(visit("203.0.113.5"), order.email)
    for message in Message.objects.all():
        email = read_again(message)
        assert email is not None
        assert PLACEHOLDER in email.text
        assert code_digits(code) not in email.text
        assert secret_arguments(email.text) in ([], [PLACEHOLDER])
    assert AccessLink.objects.get().first_sent_at is None


def test_no_kind_of_email_shows_a_password_or_a_token() -> None:
    orders = make_busy_person()
    for order in orders:
        resend_confirmation(order)
        send_link_for_staff(order)
    passwords = {portal_password(order) for order in orders} - {None}
    read = 0
    for message in Message.objects.all():
        email = read_again(message)
        if email is not None:
            read += 1
            assert set(secret_arguments(email.text)) <= {PLACEHOLDER}, message.kind
            assert not any(password in email.text for password in passwords if password), message.kind
    assert read >= 2


def test_an_email_about_something_that_is_gone_says_so(order: Order) -> None:
    gone = Message.objects.create(kind="order_confirmation", object_id=999999, recipient="ann@example.com")
    unknown = Message.objects.create(kind="of_an_earlier_version", object_id=1, recipient="ann@example.com")
    assert "of_an_earlier_version" not in kinds.names()
    for message in (gone, unknown):
        answer = staff_with(*READS).get(url(message))
        assert answer.status_code == 200
        assert "can’t be made again" in answer.content.decode()


@pytest.mark.parametrize("missing", READS)
def test_all_permissions_for_what_emails_show_are_needed(order: Order, missing: str) -> None:
    resend_confirmation(order)
    browser = staff_with(*(each for each in READS if each != missing))
    assert browser.get(url(Message.objects.get())).status_code == 403


def test_reading_is_a_look_at_the_order_and_unknown_emails_are_not_found(order: Order) -> None:
    resend_confirmation(order)
    browser = staff_with_role("agent")
    browser.get(url(Message.objects.get()))
    assert LookRecord.objects.get().object_key == order.number_key
    assert browser.get("/admin/desk/email/999999/").status_code == 404
    assert browser.post(url(Message.objects.get())).status_code == 405


def test_strangers_are_sent_to_the_login(order: Order, client) -> None:
    resend_confirmation(order)
    assert "/admin/login/" in client.get(url(Message.objects.get()))["Location"]
