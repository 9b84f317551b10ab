"""Bounces: a report is matched to its email by id or address. Final ones are shown, others stored, repeated ones
ignored.
"""

import mailbox
from datetime import timedelta
from email import message_from_bytes
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications import bounces
from notifications.bounces import Bounce
from notifications.models import Message
from notifications.site import site_host
from orders.models import Order
from tests.factories import make_order
from tests.pages import inside, text

pytestmark = pytest.mark.django_db


def make_email(**fields: object) -> Message:
    order = make_order()
    values = {"kind": "order_confirmation", "object_id": order.pk, "order_id": order.pk, "recipient": order.email}
    return Message.objects.create(**values | {"status": "sent", "sent_at": timezone.now()} | fields)


def report(message: Message | None, action: str = "failed", recipient: str = "buyer@example.com") -> bytes:
    about = f"Message-ID: <{message.message_id}@{site_host()}>" if message else "Message-ID: <other@elsewhere.example>"
    return (
        "From: MAILER-DAEMON@example.com\r\nTo: orders@example.com\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such mailbox\r\n\r\n"
        f"--B\r\nContent-Type: text/rfc822-headers\r\n\r\n{about}\r\nSubject: Your order\r\n\r\n--B--\r\n"
    ).encode()


def test_a_report_finds_its_email_by_the_id_and_the_order_page_says_so() -> None:
    message = make_email()
    [bounce] = bounces.parse_reports(message_from_bytes(report(message)))
    assert (bounce.message_id, bounce.is_final) == (message.message_id, True)
    bounces.record_bounce(bounce, timezone.now())
    message.refresh_from_db()
    assert message.status == Message.Status.BOUNCED
    assert message.bounced_at is not None
    assert message.last_error == "550 5.1.1 no such mailbox"
    order = Order.objects.get(pk=message.order_id)
    said = text(inside(order).get(f"/orders/{order.public_id}/"))
    assert "bounced" in said
    assert "Correct the address" in said


def test_a_delay_report_is_only_recorded() -> None:
    message = make_email()
    [bounce] = bounces.parse_reports(message_from_bytes(report(message, action="delayed")))
    bounces.record_bounce(bounce, timezone.now())
    message.refresh_from_db()
    assert (message.status, message.bounced_at) == (Message.Status.SENT, None)
    assert "no such mailbox" in message.last_error


def test_the_same_report_again_changes_nothing() -> None:
    message = make_email()
    first = timezone.now()
    for moment in (first, first + timedelta(days=1)):
        bounces.record_bounce(Bounce("", "gone", True, message.message_id), moment)
    message.refresh_from_db()
    assert message.bounced_at == first


def test_without_an_id_it_is_the_last_email_to_the_address_of_late() -> None:
    now = timezone.now()
    make_email(sent_at=now - timedelta(days=2))
    last = make_email(sent_at=now - timedelta(days=1))
    make_email(recipient="other@example.com")
    found = bounces.record_bounce(Bounce("BUYER@example.com", "gone", True), now)
    assert found == last
    assert bounces.record_bounce(Bounce("buyer@example.com", "gone", True), now + timedelta(days=30)) is None


@pytest.mark.parametrize("status", ["waiting", "failed", "cancelled"])
def test_an_email_that_never_left_cannot_come_back(status: str) -> None:
    message = make_email(status=status)
    assert bounces.record_bounce(Bounce("", "gone", True, message.message_id), timezone.now()) is None


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"Subject: Hello\r\n\r\nOut of office",
        b"\xff\xfe\x00",
        b'Content-Type: multipart/report; boundary="B"\n\n--B\nContent-Type: message/delivery-status\n\n--B--',
        b"Content-Type: multipart/report\r\n\r\nno parts",
    ],
)
def test_emails_that_are_no_report_are_ignored(written: bytes) -> None:
    assert bounces.parse_reports(message_from_bytes(written)) == []


def test_a_message_id_of_another_system_is_ignored() -> None:
    message = make_email()
    assert bounces.find_message_id(f"<{message.message_id}@{site_host()}>") == message.message_id
    assert bounces.find_message_id(f"<{message.message_id}@evil.example>") is None


@pytest.mark.parametrize("kind", ["mbox", "maildir", "eml"])
def test_a_mailbox_of_any_kind_is_read(kind: str, tmp_path: Path) -> None:
    message, path = make_email(), tmp_path / "box"
    if kind == "eml":
        path.write_bytes(report(message))
    else:
        box = mailbox.mbox(path) if kind == "mbox" else mailbox.Maildir(path)
        box.add(report(message))
        box.flush()
    out = StringIO()
    call_command("read_bounces", str(path), "--dry-run", stdout=out)
    assert Message.objects.get().status == Message.Status.SENT
    call_command("read_bounces", str(path), stdout=out)
    assert Message.objects.get().status == Message.Status.BOUNCED
    assert "b…@e….com" in out.getvalue()
    assert "buyer@example.com" not in out.getvalue()


def test_the_command_reports_unmatched_bounces_and_unreadable_mailboxes(tmp_path: Path) -> None:
    stray = tmp_path / "stray.eml"
    stray.write_bytes(report(None, recipient="nobody@example.com"))
    with pytest.raises(CommandError) as refused:
        call_command("read_bounces", str(stray), stdout=StringIO())
    assert refused.value.returncode == 1
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CommandError) as unusable:
            call_command("read_bounces", str(path), stdout=StringIO())
        assert unusable.value.returncode == 2
