"""If an import adds a serial number after a confirmation without one, the buyer gets it by email."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from licenses.models import License, LicensedLine
from notifications import kinds
from notifications.delivery import deliver_due
from notifications.models import Message
from notifications.rendering import build
from notifications.services import deliver_now
from orders.models import NO_END_YET, Order
from tests.intake.exports import Importer, portal_order, the_order

pytestmark = pytest.mark.django_db

SERIAL = "XAAB-1234-5678"


def order_with(*serials: str, **changes: Any) -> dict[str, Any]:
    """Return a recent order whose first item has these serial numbers."""
    lines = portal_order()["lines"]
    lines[0]["licenses"] = [{"serial": serial, "devices": 3} for serial in serials]
    return portal_order(lines=lines, placed_at=timezone.now().isoformat(timespec="seconds")) | changes


def confirm() -> None:
    """Send the confirmation."""
    Message.objects.filter(kind="order_confirmation").update(status=Message.Status.SENT, sent_at=timezone.now())


def arrivals() -> list[Message]:
    return list(Message.objects.filter(kind="serial_arrived"))


def parts_of(message: Message) -> list[str]:
    """Return subject, text and HTML of an email."""
    mail = build(message, kinds.get(message.kind))
    assert isinstance(mail, EmailMultiAlternatives)
    return [str(mail.subject), str(mail.body), *(str(each.content) for each in mail.alternatives)]


def test_the_buyer_gets_it_once(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    confirm()
    placed = order_with(SERIAL, placed_at=placed["placed_at"])
    importer.orders(placed)
    importer.orders(placed | {"email": "ann@example.com", "test": False})
    (message,) = arrivals()
    assert (message.recipient, message.language, message.order_id) == ("ann@example.com", "de", the_order().pk)
    subject, *bodies = parts_of(message)
    for body in bodies:
        assert SERIAL in body
        assert "A-1001" in body
    assert "A-1001" in subject
    assert SERIAL not in subject


def test_one_email_covers_all_serial_numbers_of_an_import(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    confirm()
    importer.orders(order_with(SERIAL, "XAAB-0002", placed_at=placed["placed_at"]))
    (message,) = arrivals()
    for body in parts_of(message)[1:]:
        assert SERIAL in body
        assert "XAAB-0002" in body


def test_no_email_is_sent_while_the_confirmation_waits(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"]))
    assert not arrivals()


def test_a_confirmation_that_is_being_sent_was_made_without_it(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    Message.objects.update(leased_until=timezone.now())
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"]))
    assert len(arrivals()) == 1


def test_unconfirmed_orders_send_no_email(importer: Importer) -> None:
    old = "2025-01-01T10:00:00+01:00"
    importer.orders(order_with(placed_at=old))
    importer.orders(order_with(SERIAL, placed_at=old))
    assert LicensedLine.objects.exists()
    assert not Message.objects.exists()


def test_no_email_for_a_serial_number_that_came_with_the_order(importer: Importer) -> None:
    placed = order_with(SERIAL)
    importer.orders(placed)
    confirm()
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"], status="partially_refunded"))
    importer.orders(order_with(SERIAL, "XAAB-0002", placed_at=placed["placed_at"]))  # one more of the same item
    assert not arrivals()


def test_a_canceled_order_gets_none(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    confirm()
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"], status="cancelled"))
    assert not arrivals()


def test_it_goes_to_the_address_that_was_corrected_meanwhile(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    confirm()
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"]))
    Order.objects.update(contact_email="ann@example.org", email_key="ann@example.org")
    deliver_due()
    (message,) = arrivals()
    assert (message.status, message.recipient) == (Message.Status.SENT, "ann@example.org")


def test_it_is_not_sent_once_the_license_is_revoked_or_the_order_canceled(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    confirm()
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"]))
    (message,) = arrivals()
    wanted = kinds.get(message.kind).still_wanted
    License.objects.update(revoked_at=timezone.now())
    assert not wanted(message)
    License.objects.update(revoked_at=None)
    assert wanted(message)
    Order.objects.update(status=Order.Status.CANCELLED)
    assert not wanted(message)
    Order.objects.all().delete()
    assert not wanted(message)


def test_it_waits_while_a_corrected_address_can_still_be_undone(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    confirm()
    until = timezone.now() + timedelta(hours=48)
    Order.objects.update(returns_frozen_until=until)
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"]))
    assert [message.due_at for message in arrivals()] == [until]


def test_it_waits_for_a_notice_that_was_not_sent_yet(importer: Importer) -> None:
    placed = order_with()
    importer.orders(placed)
    confirm()
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"]))
    now = timezone.now()
    Order.objects.update(returns_frozen_since=now, returns_frozen_until=NO_END_YET)
    deliver_due()
    (message,) = arrivals()
    assert message.status == Message.Status.WAITING
    assert now < message.due_at < now + timedelta(hours=2)
    Order.objects.update(returns_frozen_until=now)
    deliver_now(Message.objects.all())
    deliver_due()
    assert [message.status for message in arrivals()] == [Message.Status.SENT]


def test_an_order_without_an_address_sends_no_email(importer: Importer) -> None:
    placed = order_with(email=None)
    importer.orders(placed)
    importer.orders(order_with(SERIAL, placed_at=placed["placed_at"], email=None))
    assert not Message.objects.exists()


def test_an_import_asks_nothing_more_where_nothing_arrived(importer: Importer) -> None:
    placed = order_with(SERIAL)
    importer.orders(placed)
    confirm()
    with CaptureQueriesContext(connection) as asked:
        importer.orders(placed | {"status": "partially_refunded"})
    assert not [each for each in asked.captured_queries if "notifications_message" in each["sql"]]
