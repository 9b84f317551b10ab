"""One run of the delivery, over a real SMTP connection, in this process."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import delivery, kinds
from notifications.models import Message
from tests.notifications.conftest import NoteMaker
from tests.smtp import MailServer

Status = Message.Status


def test_due_emails_are_sent_over_one_connection_and_marked(make_note: NoteMaker, mail_server: MailServer) -> None:
    notes = [make_note() for _number in range(45)]

    assert delivery.deliver_due() == {"sent": 45}

    assert mail_server.connections == 1
    assert {str(email["Message-ID"]) for email in mail_server.emails} == {
        f"<{note.message_id}@testserver>" for note in notes
    }
    for note in Message.objects.all():
        assert note.status == Status.SENT
        assert note.sent_at is not None
        assert note.leased_until is None
        assert note.attempts == 1


def test_a_server_without_pipelining_gets_one_command_at_a_time(make_note: NoteMaker, mail_server: MailServer) -> None:
    mail_server._pipelining = False
    make_note()
    make_note()
    assert delivery.deliver_due() == {"sent": 2}
    assert len(mail_server.emails) == 2


def test_nothing_due_opens_no_connection(make_note: NoteMaker, mail_server: MailServer) -> None:
    make_note(due_at=timezone.now() + timedelta(hours=1))
    make_note(status=Status.CANCELLED)
    assert delivery.deliver_due() == {}
    assert mail_server.connections == 0


def test_links_are_sent_before_confirmations(make_note: NoteMaker, mail_server: MailServer) -> None:
    early = timezone.now() - timedelta(hours=1)
    make_note(priority=kinds.PRIORITY_SOON, due_at=early, key="confirmation")
    make_note(priority=kinds.PRIORITY_SOON, due_at=early + timedelta(minutes=1), key="later confirmation")
    make_note(priority=kinds.PRIORITY_NOW, key="link")
    delivery.deliver_due()
    names = [str(email["Subject"]).partition(" for ")[2] for email in mail_server.emails]
    assert names == ["link", "confirmation", "later confirmation"]


def test_unwanted_emails_are_not_sent(
    make_note: NoteMaker, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwanted = kinds.EmailKind("unwanted", "none", context=lambda message: {}, still_wanted=lambda message: False)
    kinds.register(unwanted)
    note = make_note(kind="unwanted")
    assert delivery.deliver_due() == {"cancelled": 1}
    note.refresh_from_db()
    assert note.status == Status.CANCELLED
    assert mail_server.emails == []


def _gone(message: Message) -> dict[str, object]:
    raise Message.DoesNotExist("Order matching query does not exist.")


def test_an_email_goes_to_the_address_that_its_kind_says_when_it_is_sent(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    moved = make_note(kind="test_moving", key="moved", recipient="old@example.com")
    make_note(kind="test_moving", key="stays", recipient="Old@example.com")
    assert delivery.deliver_due() == {"sent": 2}
    assert {str(email["To"]) for email in mail_server.emails} == {"new@example.com", "Old@example.com"}
    moved.refresh_from_db()
    assert (moved.recipient, moved.recipient_key) == ("new@example.com", "new@example.com")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "nobody_registers_this"}, "nobody_registers_this"),
        ({"kind": "gone"}, "Order matching query does not exist."),
        ({"kind": "no_template"}, "missing.html"),
        ({"recipient": "no address"}, "This isn’t a valid email address."),
        ({"recipient": "ann@example.com\nBcc: all@example.com"}, "This isn’t a valid email address."),
        ({"recipient": "jörg@example.com"}, "This isn’t a valid email address."),
    ],
)
def test_an_email_that_cannot_be_made_fails_with_its_reason_and_keeps_back_no_other(
    make_note: NoteMaker, mail_server: MailServer, fields: dict[str, object], reason: str
) -> None:
    kinds.register(kinds.EmailKind("gone", "none", context=_gone))
    kinds.register(kinds.EmailKind("no_template", "missing.html", context=lambda message: {}))
    bad = make_note(**fields)
    good = make_note()
    assert delivery.deliver_due() == {"failed": 1, "sent": 1}
    bad.refresh_from_db()
    good.refresh_from_db()
    assert bad.status == Status.FAILED
    assert reason in bad.last_error
    assert good.status == Status.SENT


def test_an_address_in_another_script_is_sent_to_its_ascii_domain(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    make_note(recipient="ann@bücher.example")
    assert delivery.deliver_due() == {"sent": 1}
    assert mail_server.recipients == ["ann@xn--bcher-kva.example"]


def test_a_stopped_run_releases_the_remaining_rows(make_note: NoteMaker, mail_server: MailServer) -> None:
    for _number in range(10):
        make_note()
    assert delivery.deliver_due(should_stop=lambda: len(mail_server.emails) >= 3) == {"sent": 3}
    assert Message.objects.waiting().filter(leased_until=None).count() == 7


def test_rows_that_another_worker_leases_are_left_alone(make_note: NoteMaker, mail_server: MailServer) -> None:
    make_note(leased_until=timezone.now() + timedelta(seconds=20))
    assert delivery.deliver_due() == {}
    assert mail_server.emails == []


def test_a_lost_lease_is_taken_back_and_counted(make_note: NoteMaker, mail_server: MailServer) -> None:
    note = make_note(leased_until=timezone.now() - timedelta(seconds=1))
    assert delivery.deliver_due() == {"sent": 1}
    note.refresh_from_db()
    assert note.attempts == 2
    assert note.last_error == ""


def test_an_email_that_keeps_ending_its_worker_is_given_up_in_the_end(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    note = make_note(
        leased_until=timezone.now() - timedelta(seconds=1),
        first_failed_at=timezone.now() - delivery.GIVE_UP_AFTER,
    )
    assert delivery.deliver_due() == {"failed": 1}
    note.refresh_from_db()
    assert "Stopped trying after 3 days. The worker stopped" in note.last_error


def test_a_slow_batch_keeps_its_lease(
    make_note: NoteMaker, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every lease is too short from the start, so that each email has to renew it first.
    monkeypatch.setattr(delivery, "LEASE_NEEDED_TIMEOUTS", delivery.LEASE_TIMEOUTS * 2)
    for _number in range(3):
        make_note()
    assert delivery.deliver_due() == {"sent": 3}


def test_a_row_claimed_by_another_worker_is_left_to_it(
    make_note: NoteMaker, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LEASE_NEEDED_TIMEOUTS", delivery.LEASE_TIMEOUTS * 2)
    note = make_note()
    theirs = timezone.now() + timedelta(minutes=1)

    def slow_context(message: Message) -> dict[str, object]:
        Message.objects.filter(pk=message.pk).update(leased_until=theirs)
        return {}

    kinds.register(kinds.EmailKind("slow", "mail_kinds/emails/note.html", context=slow_context))
    Message.objects.filter(pk=note.pk).update(kind="slow")
    assert delivery.deliver_due() == {}
    note.refresh_from_db()
    assert note.leased_until == theirs
    assert mail_server.emails == []
