"""Each response of the mail server, or none, and its effect on the email."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications import delivery
from notifications.models import Message
from tests.notifications.conftest import NoteMaker
from tests.smtp import DROP, SILENT, MailServer, Slow

Status = Message.Status
STAGES = ["MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("stage", STAGES)
def test_a_temporary_refusal_is_tried_again_later_as_the_same_email(
    make_note: NoteMaker, mail_server: MailServer, stage: str, pipelining: bool
) -> None:
    mail_server._pipelining = pipelining
    note, other = make_note(), make_note()
    first = iter(["451 4.3.0 Come back later"])
    mail_server.at(stage, lambda envelope: next(first, None))

    assert delivery.deliver_due() == {"waiting": 1, "sent": 1}

    note.refresh_from_db()
    assert note.status == Status.WAITING
    assert note.attempts == 1
    assert note.last_error == "451 4.3.0 Come back later"
    assert timedelta(seconds=5) < note.due_at - timezone.now() < timedelta(seconds=15)
    assert note.leased_until is None
    Message.objects.update(due_at=timezone.now())
    assert delivery.deliver_due() == {"sent": 1}
    assert mail_server.times_received == {
        f"<{other.message_id}@testserver>": 1,
        f"<{note.message_id}@testserver>": 1,
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_permanent_error_fails_at_once_and_shows_the_servers_message(
    make_note: NoteMaker, mail_server: MailServer, stage: str
) -> None:
    note = make_note()
    make_note()
    first = iter(["550 5.1.1 No such mailbox"])
    mail_server.at(stage, lambda envelope: next(first, None))
    assert delivery.deliver_due() == {"failed": 1, "sent": 1}
    note.refresh_from_db()
    assert note.status == Status.FAILED
    assert note.last_error == "550 5.1.1 No such mailbox"
    assert mail_server.connections == 1


def test_the_wait_doubles_up_to_an_hour_with_jitter() -> None:
    for attempts, seconds in [(1, 10), (2, 20), (5, 160), (12, 3600), (30000, 3600)]:
        waits = {delivery.retry_wait(attempts).total_seconds() for _time in range(50)}
        assert len(waits) > 1
        assert all(seconds * 0.75 <= wait <= seconds * 1.25 for wait in waits)


def test_an_email_refused_for_days_is_given_up(make_note: NoteMaker, mail_server: MailServer) -> None:
    note = make_note(first_failed_at=timezone.now() - delivery.GIVE_UP_AFTER, attempts=70)
    mail_server.at("RCPT", lambda envelope: "452 4.2.2 Mailbox full")
    assert delivery.deliver_due() == {"failed": 1}
    note.refresh_from_db()
    assert note.last_error == "Stopped trying after 3 days. 452 4.2.2 Mailbox full"


def test_a_refused_connection_pauses_the_run_and_the_next_goes_on(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    notes = [make_note() for _number in range(5)]
    mail_server.stop()

    assert delivery.deliver_due() == {"waiting": 1}

    first = Message.objects.get(pk=notes[0].pk)
    assert first.attempts == 1
    assert "The mail server can’t be reached:" in first.last_error
    assert "Delivery paused." in first.last_error
    assert Message.objects.waiting().filter(leased_until=None, attempts=0).count() == 4
    mail_server.start()
    assert delivery.deliver_due() == {"sent": 4}


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
def test_three_silences_in_a_row_pause_the_run(make_note: NoteMaker, mail_server: MailServer, stage: str) -> None:
    for _number in range(5):
        make_note()
    mail_server.at(stage, lambda envelope: SILENT)
    assert delivery.deliver_due() == {"waiting": 3}
    assert mail_server.connections == 3
    errors = list(Message.objects.filter(attempts=1).order_by("id").values_list("last_error", flat=True))
    assert errors == ["The mail server didn’t respond in time."] * 2 + [
        "The mail server didn’t respond in time. Delivery paused."
    ]
    mail_server.behave()
    assert delivery.deliver_due() == {"sent": 2}


def test_silence_after_the_final_dot_can_double_an_email_but_under_the_same_message_id(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    note = make_note()
    first = iter([SILENT])
    mail_server.at("DATA", lambda envelope: next(first, None))
    assert delivery.deliver_due() == {"waiting": 1}
    Message.objects.update(due_at=timezone.now())
    assert delivery.deliver_due() == {"sent": 1}
    assert mail_server.times_received == {f"<{note.message_id}@testserver>": 2}


def test_a_slow_server_is_waited_for(make_note: NoteMaker, mail_server: MailServer) -> None:
    make_note()
    # Longer than the timeout for commands: whole emails get more time.
    mail_server.at("DATA", lambda envelope: Slow(0.7))
    assert delivery.deliver_due() == {"sent": 1}


def test_an_email_never_takes_longer_than_its_lease(
    make_note: NoteMaker, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.outgoing.MAIL_TIMEOUTS", 1.0)
    note = make_note()
    mail_server.at("MAIL", lambda envelope: Slow(0.4))
    mail_server.at("RCPT", lambda envelope: Slow(0.4))
    assert delivery.deliver_due() == {"waiting": 1}
    note.refresh_from_db()
    assert "The mail server didn’t respond in time." in note.last_error


def test_a_server_that_closes_after_some_emails_counts_as_no_attempt(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    notes = [make_note() for _number in range(6)]
    seen = iter(range(100))
    mail_server.at("MAIL", lambda envelope: DROP if next(seen) % 3 == 2 else None)
    assert delivery.deliver_due() == {"sent": 6}
    assert set(Message.objects.values_list("attempts", flat=True)) == {1}
    assert mail_server.times_received == {f"<{note.message_id}@testserver>": 1 for note in notes}


def test_a_server_that_closes_a_reused_connection_counts_as_no_attempt(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    for _number in range(4):
        make_note()
    seen = iter(range(100))
    goodbye = "421 4.7.0 Too many mails on this connection"
    mail_server.at("MAIL", lambda envelope: goodbye if next(seen) == 2 else None)
    assert delivery.deliver_due() == {"sent": 4}
    assert mail_server.connections == 2


def test_a_connection_dropped_after_the_email_was_sent_is_not_tried_again_at_once(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    make_note()
    make_note()
    seen = iter(range(100))
    mail_server.at("DATA", lambda envelope: DROP if next(seen) == 1 else None)
    assert delivery.deliver_due() == {"sent": 1, "waiting": 1}


def test_a_login_that_is_refused_fails_no_email(
    make_note: NoteMaker, mail_server: MailServer, settings: Settings
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "portal", "wrong"
    note = make_note()
    assert delivery.deliver_due() == {"waiting": 1}
    note.refresh_from_db()
    assert "The mail server can’t be reached:" in note.last_error


def test_a_long_server_response_is_truncated_to_the_column(make_note: NoteMaker, mail_server: MailServer) -> None:
    note = make_note()
    mail_server.at("RCPT", lambda envelope: "550 " + "no " * 160)
    assert delivery.deliver_due() == {"failed": 1}
    note.refresh_from_db()
    assert note.last_error.startswith("550 no no")
