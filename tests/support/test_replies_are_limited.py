"""A thread accepts a limited number of replies, and nothing of a refused one is lost or stored."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from files.models import Upload
from notifications.models import Message
from support.models import Thread
from support.services import threads
from tests.factories import make_agent, make_store
from tests.files.factories import files_in, jpeg, upload
from tests.pages import result, text
from tests.support.submissions import submit_message
from tests.support.test_concurrent_requests import CONCURRENT_RUNS, run_concurrently

pytestmark = pytest.mark.django_db


def send_replies(thread: Thread, count: int, *, hours_ago: int = 0) -> None:
    """Add different replies. The last ones of the day may be refused."""
    with time_machine.travel(timezone.now() - timedelta(hours=hours_ago), tick=False):
        for number in range(count):
            threads.reply(thread, f"{hours_ago} {number}")


def test_ten_replies_fit_into_an_hour(client: Client, upload_folder: Path) -> None:
    thread = submit_message(client)
    send_replies(thread, 10)
    answer = client.post(thread.path, {"message": "My words", "files": upload(jpeg())})
    assert answer.status_code == 429
    assert "in an hour" in text(answer)
    assert "My words" in answer.content.decode()
    assert thread.events.count() == 11
    assert not Upload.objects.exists()
    assert files_in(upload_folder) == []
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        threads.reply(thread, "My words")
    assert thread.events.count() == 12


def test_twenty_replies_fit_into_a_day(client: Client) -> None:
    thread = submit_message(client)
    for hours_ago in (8, 6, 4, 2):
        send_replies(thread, 5, hours_ago=hours_ago)
    answer = client.post(thread.path, {"message": "My words"})
    assert answer.status_code == 429
    assert "tomorrow" in text(answer)
    with time_machine.travel(timezone.now() + timedelta(hours=17)):
        threads.reply(thread, "My words")
    assert thread.events.count() == 22


def test_a_refused_reply_is_not_forwarded(client: Client) -> None:
    make_store(support_email="desk@store.example")
    thread = submit_message(client)
    send_replies(thread, 10)
    copies = Message.objects.filter(kind="thread_forwarded").count()
    client.post(thread.path, {"message": "My words"})
    assert Message.objects.filter(kind="thread_forwarded").count() == copies == 11


def test_another_thread_takes_replies(client: Client) -> None:
    send_replies(submit_message(client), 10)
    other = submit_message(client, subject="Another")
    assert client.post(other.path, {"message": "My words"}).status_code == 302


def test_the_same_reply_again_is_not_stored_twice(client: Client) -> None:
    thread = submit_message(client)
    send_replies(thread, 10)
    threads.reply(thread, "0 9")
    assert thread.events.count() == 11


def test_staff_can_answer_a_thread_that_takes_no_more_replies(client: Client) -> None:
    thread = submit_message(client)
    send_replies(thread, 10)
    threads.answer(thread, make_agent(), "Thank you.")
    assert Message.objects.filter(kind="thread_answered").count() == 1


def test_replies_and_messages_of_one_client_are_counted_together(client: Client) -> None:
    """Checking a file is expensive, so replies are counted before their files are checked."""
    thread = submit_message(client)
    for _number in range(19):
        assert client.post(thread.path, {"message": "", "files": upload(b"MZ", "a.exe")}).status_code == 422
    answer = client.post(thread.path, {"message": "My words", "files": upload(b"MZ", "a.exe")})
    assert answer.status_code == 429
    assert result(answer) == "too-many"
    assert "My words" in answer.content.decode()
    assert client.post("/help/contact/", {"email": "bea@example.com"}).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.9").post("/help/contact/", {"email": "bea@example.com"}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_simultaneous_replies_cannot_exceed_the_limit() -> None:
    thread = submit_message(Client())
    send_replies(thread, 10 - CONCURRENT_RUNS // 2)
    results = run_concurrently(lambda number: threads.reply(thread, f"at once {number}"))
    assert results.count(None) == CONCURRENT_RUNS // 2
    assert thread.events.count() == 11
