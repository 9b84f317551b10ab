"""At the time of sending, the kind of an email decides about its recipient, a delay, and what
follows from its result.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from notifications import delivery, kinds, services
from notifications.bounces import Bounce, record_bounce
from notifications.models import Message
from tests.notifications.conftest import NoteMaker
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db
Status = Message.Status


@pytest.fixture
def make_kind(note_kinds: None) -> Callable[..., None]:
    """Register a kind named `asked` that sends a note."""

    def make(**options: Any) -> None:
        note = kinds.get("test_note")
        kinds.register(kinds.EmailKind("asked", note.template, options.pop("context", note.context), **options))

    return make


def test_an_email_without_a_recipient_is_canceled(
    make_kind: Callable[..., None], make_note: NoteMaker, mail_server: MailServer
) -> None:
    make_kind(recipient=lambda message: None)
    make_note(kind="asked")
    assert delivery.deliver_due() == {"cancelled": 1}
    assert mail_server.emails == []


def test_what_was_written_for_one_address_does_not_go_to_another(
    make_kind: Callable[..., None], make_note: NoteMaker, mail_server: MailServer
) -> None:
    """The address changes while the email is rendered, so its content already belongs to the new one."""
    state = {"address": "old@example.com", "secret": "none"}

    def context(message: Message) -> dict[str, Any]:
        state["address"], state["secret"] = "new@example.com", "fresh"
        return {"name": state["secret"], "number": 1, "url": "https://orders.example.com/", "quote": state["secret"]}

    make_kind(recipient=lambda message: state["address"], context=context)
    make_note(kind="asked", recipient="old@example.com")
    assert delivery.deliver_due() == {"sent": 1}
    assert mail_server.recipients == ["new@example.com"]
    assert Message.objects.get().recipient == "new@example.com"


def test_an_email_waits_until_its_kind_says(
    make_kind: Callable[..., None], make_note: NoteMaker, mail_server: MailServer
) -> None:
    until = timezone.now() + timedelta(hours=1)
    state: dict[str, datetime | None] = {"until": until}
    make_kind(not_before=lambda message: state["until"])
    note = make_note(kind="asked")
    assert delivery.deliver_due() == {"waiting": 1}
    note.refresh_from_db()
    assert (note.due_at, note.attempts, note.leased_until) == (until, 0, None)
    state["until"] = None
    services.deliver_now(Message.objects.all())
    assert delivery.deliver_due() == {"sent": 1}


def test_a_kind_hears_of_every_final_result_in_the_transaction_that_stores_it(
    make_kind: Callable[..., None], make_note: NoteMaker, mail_server: MailServer
) -> None:
    heard: list[tuple[str, str, bool]] = []

    def on_result(message: Message, status: Message.Status, at: datetime) -> None:
        stored = Message.objects.get(pk=message.pk).status
        heard.append((message.key, f"{stored} → {status}", connection.in_atomic_block and bool(at)))

    make_kind(on_result=on_result)
    mail_server.at("RCPT", lambda envelope: "550 unknown" if "bad" in envelope.rcpt_tos[-1] else None)
    make_note(kind="asked", key="good")
    make_note(kind="asked", key="bad", recipient="bad@example.com")
    delivery.deliver_due()
    message_id: UUID = Message.objects.get(key="good").message_id
    for _report in range(2):
        record_bounce(Bounce("", "full", is_final=True, message_id=message_id), timezone.now())
    assert sorted(heard) == [
        ("bad", "waiting → failed", True),
        ("good", "sent → bounced", True),
        ("good", "waiting → sent", True),
    ]


@pytest.mark.parametrize("trouble", ["later", "down"])
def test_a_kind_that_never_gives_up_is_tried_until_it_is_sent(
    make_kind: Callable[..., None], make_note: NoteMaker, mail_server: MailServer, trouble: str
) -> None:
    make_kind(gives_up=False)
    if trouble == "later":
        mail_server.at("RCPT", lambda envelope: "451 later")
    else:
        mail_server.stop()
    note = make_note(kind="asked", first_failed_at=timezone.now() - 3 * delivery.GIVE_UP_AFTER, attempts=70)
    assert delivery.deliver_due() == {"waiting": 1}
    note.refresh_from_db()
    assert note.due_at > timezone.now()
    if trouble == "down":
        mail_server.start()
    mail_server.behave()
    services.deliver_now(Message.objects.all())
    assert delivery.deliver_due() == {"sent": 1}


def test_one_that_waits_is_sent_at_once_to_the_current_address_instead_of_a_second_one(
    make_kind: Callable[..., None], make_note: NoteMaker
) -> None:
    make_kind(recipient=lambda message: "new@example.com")
    waiting = make_note(kind="asked", recipient="old@example.com", due_at=timezone.now() + timedelta(days=1))
    about = Message(pk=waiting.object_id)
    assert not services.send_again("asked", about, "new@example.com")
    Message.objects.update(leased_until=timezone.now() + timedelta(minutes=1))  # it is being sent to the old one
    assert services.send_again("asked", about, "new@example.com")


def test_the_order_page_shows_where_a_waiting_email_will_go(
    make_kind: Callable[..., None], make_note: NoteMaker
) -> None:
    make_kind(recipient=lambda message: "new@example.com")
    make_note(kind="asked", order_id=5, recipient="old@example.com")
    make_note(kind="asked", order_id=5, recipient="old@example.com", status=Status.SENT)
    make_note(order_id=5, recipient="fixed@example.com")
    shown = [each.address for each in services.mails_about_order(5, "new@example.com")]
    assert shown == ["f…@e….com", "o…@e….com", "n…@e….com"]
