"""Opting out with one click, as email programs expect, only from follow-ups, and only for oneself."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications import delivery, kinds, opt_outs
from notifications.models import FollowUp, Message, OptOut
from notifications.rendering import build
from tests.factories import make_line, make_order
from tests.pages import text

pytestmark = pytest.mark.django_db

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def a_follow_up() -> Message:
    order = make_order()
    make_line(order)
    return Message.objects.create(kind="serial_missing", object_id=order.pk, order_id=order.pk, recipient=order.email)


def path_of(message: Message) -> str:
    return opt_outs.opt_out_url(message).removeprefix("http://testserver")


def built(message: Message) -> Any:
    return build(message, kinds.get(message.kind))


def test_a_follow_up_carries_the_headers_and_a_link_to_see() -> None:
    message = a_follow_up()
    mail = built(message)
    assert mail.extra_headers["List-Unsubscribe"] == f"<{opt_outs.opt_out_url(message)}>"
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert opt_outs.opt_out_url(message) in mail.body
    assert opt_outs.opt_out_url(message) in mail.alternatives[0][0]
    assert "example.com" not in opt_outs.opt_out_url(message)


def test_other_emails_have_no_opt_out_link_and_are_always_sent() -> None:
    order = make_order()
    message = Message.objects.create(kind="order_confirmation", object_id=order.pk, recipient=order.email)
    opt_outs.switch_off(order.email, OptOut.Source.PAGE)
    assert "List-Unsubscribe" not in built(message).extra_headers
    assert opt_outs.is_allowed(message, kinds.get(message.kind), timezone.now())


def test_the_mail_programs_click_needs_no_session_and_no_cookie() -> None:
    message = a_follow_up()
    browser = Client(enforce_csrf_checks=True)
    for _click in range(2):
        answer = browser.post(path_of(message), ONE_CLICK)
        assert answer.status_code == 200
        assert not answer.cookies
    assert OptOut.objects.get().email_key == "buyer@example.com"
    assert not opt_outs.is_allowed(message, kinds.get(message.kind), timezone.now())


def test_looking_changes_nothing_and_the_page_switches_off_and_on() -> None:
    path, browser = path_of(a_follow_up()), Client()
    page = browser.get(path)
    assert "Subscribed: b…@e….com" in text(page)
    assert "Your serial number is late" in text(page)
    assert not OptOut.objects.exists()
    assert "Unsubscribed: b…@e….com" in text(browser.post(path, {"wanted": "off"}, follow=True))
    assert "Subscribed: b…@e….com" in text(browser.post(path, {"wanted": "on"}, follow=True))
    assert not OptOut.objects.exists()


def test_another_site_cannot_press_the_pages_button() -> None:
    path = path_of(a_follow_up())
    assert Client(enforce_csrf_checks=True).post(path, {"wanted": "off"}).status_code == 403
    assert not OptOut.objects.exists()


@pytest.mark.parametrize("token", ["1", "1.abc", "%00", "buyer@example.com", "x" * 300])
def test_a_made_up_link_opts_nobody_out(token: str) -> None:
    a_follow_up()
    for data in (ONE_CLICK, {"wanted": "off"}):
        assert Client().post(f"/mail/follow-ups/{token}/", data).status_code == 404
    assert Client().get(f"/mail/follow-ups/{token}/").status_code == 404
    assert not OptOut.objects.exists()


def test_the_signature_of_one_email_fits_no_other() -> None:
    first, second = a_follow_up(), a_follow_up()
    signature = path_of(first).rstrip("/").split(".")[-1]
    assert Client().post(f"/mail/follow-ups/{second.pk}.{signature}/", ONE_CLICK).status_code == 404


def test_one_that_waits_is_not_sent_any_more() -> None:
    message = a_follow_up()
    opt_outs.switch_off("Buyer@Example.com", OptOut.Source.PAGE)
    delivery.deliver_due()
    message.refresh_from_db()
    assert message.status == Message.Status.CANCELLED


def test_nor_one_whose_time_is_over_when_the_server_answers_at_last() -> None:
    message = a_follow_up()
    now = timezone.now()
    FollowUp.objects.create(
        kind=message.kind,
        object_id=message.object_id,
        recipient=message.recipient,
        due_at=now - timedelta(days=9),
        closes_at=now - timedelta(days=1),
        status=FollowUp.Status.SENT,
        message=message,
    )
    assert not opt_outs.is_allowed(message, kinds.get(message.kind), now)


def test_the_longest_address_without_a_key_is_switched_off_and_on() -> None:
    address = f"{'a' * 65}@{'b' * 180}.example"
    assert opt_outs.switch_off(address, OptOut.Source.PAGE)
    assert opt_outs.is_off(address)
    assert opt_outs.switch_on(address)
