"""The outbox in the admin: search by recipient or code, read-only, and retrying failed emails."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from notifications.models import Message
from tests.notifications.conftest import NoteMaker

MESSAGES = "/admin/notifications/message/"
Status = Message.Status


@pytest.fixture
def agent(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("agent", "agent@vendor.example", "a long password"))
    return client


@pytest.fixture
def auditor(client: Client, db: None) -> Client:
    """A user with view permission only."""
    user = User.objects.create_user("auditor", "auditor@vendor.example", "a long password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_message"))
    client.force_login(user)
    return client


@pytest.mark.parametrize("term", ["ann@example.com", "ANN@Example.com ", "ABCD-EFGH-JKMN", "abcd efghjkmn"])
def test_an_email_is_found_by_its_recipient_or_code(agent: Client, make_note: NoteMaker, term: str) -> None:
    make_note(recipient="Ann@example.com", code="ABCDEFGHJKMN")
    make_note(recipient="bob@example.com")
    page = agent.get(MESSAGES, {"q": term}).content.decode()
    assert "Ann@example.com" in page
    assert "bob@example.com" not in page


@pytest.mark.parametrize("term", ["\x00", "🛒", "'", "%", "x" * 5000])
def test_a_search_for_rubbish_breaks_nothing(agent: Client, make_note: NoteMaker, term: str) -> None:
    assert agent.get(MESSAGES, {"q": term}).status_code == 200


def test_filters_show_kinds_by_name_and_delivery_problems(agent: Client, make_note: NoteMaker) -> None:
    make_note(recipient="delayed@example.com", first_failed_at=timezone.now(), last_error="451 later")
    make_note(recipient="failed@example.com", status=Status.FAILED, kind="test_urgent")
    make_note(recipient="fine@example.com", status=Status.SENT)
    page = agent.get(MESSAGES, {"trouble": "delayed"}).content.decode()
    assert "delayed@example.com" in page
    assert "451 later" in page
    assert "fine@example.com" not in page
    page = agent.get(MESSAGES, {"trouble": "failed"}).content.decode()
    assert "failed@example.com" in page
    assert "Urgent note" in page
    assert "delayed@example.com" not in page
    page = agent.get(MESSAGES, {"kind": "test_urgent"}).content.decode()
    assert "failed@example.com" in page
    assert "fine@example.com" not in page


def test_an_email_cannot_be_edited_added_or_deleted(agent: Client, make_note: NoteMaker) -> None:
    note = make_note()
    assert agent.get(f"{MESSAGES}{note.pk}/change/").status_code == 200
    assert agent.post(f"{MESSAGES}{note.pk}/change/", {"recipient": "me@example.com"}).status_code == 403
    assert agent.get(f"{MESSAGES}add/").status_code == 403
    assert agent.post(f"{MESSAGES}{note.pk}/delete/", {"post": "yes"}).status_code == 403


def _act(client: Client, action: str, *notes: Message) -> str:
    answer = client.post(MESSAGES, {"action": action, "_selected_action": [note.pk for note in notes]}, follow=True)
    return answer.content.decode()


def test_failed_emails_are_sent_again_as_the_same_email(agent: Client, make_note: NoteMaker) -> None:
    failed = make_note(status=Status.FAILED, attempts=3, last_error="550 no", first_failed_at=timezone.now())
    sent = make_note(status=Status.SENT)
    assert "Sending 1 failed email again." in _act(agent, "send_failed_again", failed, sent)
    again = Message.objects.get(pk=failed.pk)
    assert (again.status, again.attempts, again.last_error) == (Status.WAITING, 0, "")
    assert again.message_id == failed.message_id
    sent.refresh_from_db()
    assert sent.status == Status.SENT


def test_delayed_emails_are_tried_now(agent: Client, make_note: NoteMaker) -> None:
    delayed = make_note(due_at=timezone.now() + timedelta(hours=1))
    assert "Sending 1 email now." in _act(agent, "try_now", delayed)
    delayed.refresh_from_db()
    assert delayed.due_at <= timezone.now()


def test_the_view_permission_is_not_enough_to_send(auditor: Client, make_note: NoteMaker) -> None:
    failed = make_note(status=Status.FAILED)
    assert auditor.get(MESSAGES).status_code == 200
    _act(auditor, "send_failed_again", failed)
    failed.refresh_from_db()
    assert failed.status == Status.FAILED
