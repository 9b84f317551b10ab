from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.services import assign
from notifications.models import Message
from support.models import Thread
from support.services import threads
from tests.factories import make_agent, make_order
from tests.files.factories import jpeg, upload
from tests.pages import inside, marks, text
from tests.support.submissions import latest_email, logged_in, make_claim, submit_message

pytestmark = pytest.mark.django_db

QUEUE = "/admin/support/thread/"


@pytest.fixture
def agent_client() -> Client:
    return logged_in(make_agent(username="ada"))


@pytest.fixture
def thread(client: Client) -> Thread:
    return submit_message(client, files=upload(jpeg(), "screen.jpg"))


def admin_url(thread: Thread) -> str:
    return f"{QUEUE}{thread.pk}/change/"


def last_message_id(thread: Thread) -> int:
    return thread.events.filter(note="").latest("pk").pk


def decide(agent_client: Client, thread: Thread, action: str, **fields: Any) -> str:
    """Submit an action with the newest message as read. Returns the text of the next page."""
    typed = {f"{action}-{name}": value for name, value in ({"last_seen_id": last_message_id(thread)} | fields).items()}
    answer = agent_client.post(f"{QUEUE}{thread.pk}/decide/", {"action": action} | typed, follow=True)
    assert answer.status_code == 200
    thread.refresh_from_db()
    return text(answer)


def test_the_admin_page_shows_the_whole_thread(agent_client: Client, client: Client) -> None:
    order = make_order(number="A-1001")
    browser = inside(order)
    thread = submit_message(browser, order=str(order.public_id), files=upload(jpeg(), "screen.jpg"))
    other = submit_message(client, subject="Another matter")
    threads.add_note(thread, User.objects.get(username="ada"), "called us before")
    page = agent_client.get(admin_url(thread))
    content = text(page)
    shown = ("A-1001", "€79.95", "It says error 7.", "called us before", "screen.jpg", other.reference)
    for fact in (*shown, "contact_received"):
        assert fact in content, fact
    upload_id = thread.events.first().files.get().upload_id
    assert f"/files/{upload_id}/" in page.content.decode()
    assert agent_client.get(f"/files/{upload_id}/").status_code == 200
    assert marks(page, "data-action") == [
        "answer",
        "ask",
        "note",
        "take",
        "assign",
        "snooze",
        "tag",
        "attach",
        "merge",
        "close",
    ]


def test_the_queue_shows_waiting_threads_and_overdue_ones_first(agent_client: Client, client: Client) -> None:
    late, answered, today = (submit_message(client, subject=subject) for subject in ("Late", "Answered", "Today"))
    Thread.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=1))
    threads.answer(answered, make_agent(), "Done.")
    content = text(agent_client.get(QUEUE))
    assert content.index("Late") < content.index("Today")
    assert answered.reference not in content
    assert "!" in content
    assert answered.reference in text(agent_client.get(f"{QUEUE}?todo=all"))
    assert today.reference not in text(agent_client.get(f"{QUEUE}?todo=overdue"))
    assert late.reference in text(agent_client.get(f"{QUEUE}?todo=overdue"))


@pytest.mark.parametrize("word", ["reference", "BEA@example.com", "#a-1001"])
def test_staff_find_a_thread_by_reference_address_or_order_number(agent_client: Client, word: str) -> None:
    order = make_order(number="A-1001")
    thread = submit_message(inside(order), order=str(order.public_id))
    asked = thread.reference.lower() if word == "reference" else word
    assert thread.reference in text(agent_client.get(QUEUE, {"q": asked}))
    assert thread.reference not in text(agent_client.get(QUEUE, {"q": "elsewhere@example.com"}))


def test_an_answer_is_emailed_completely(agent_client: Client, client: Client, thread: Thread) -> None:
    words = "Please restart.\n\nThen <b>try</b> again & tell us."
    assert f"{thread.reference}: saved" in decide(agent_client, thread, "answer", text=words)
    assert thread.status == "answered"
    assert thread.assigned_to is not None
    email = latest_email("thread_answered")
    assert words in email.body
    assert "&lt;b&gt;try&lt;/b&gt;" in email.alternatives[0][0]
    assert "Please restart." in text(client.get(thread.path))
    assert LogEntry.objects.filter(object_id=str(thread.pk)).count() == 1


def test_a_thread_waits_again_once_a_question_is_answered(agent_client: Client, client: Client, thread: Thread) -> None:
    decide(agent_client, thread, "ask", text="Which version?")
    assert thread.status == "question_asked"
    assert "Which version?" in latest_email("thread_question_asked").body
    assert client.post(thread.path, {"message": "17.8"}).status_code == 302
    thread.refresh_from_db()
    assert thread.status == "waiting"
    assert "17.8" in text(agent_client.get(admin_url(thread)))


def test_a_note_is_visible_to_staff_only(agent_client: Client, client: Client, thread: Thread) -> None:
    mails = Message.objects.count()
    decide(agent_client, thread, "note", note="looks like a bot")
    assert "looks like a bot" in text(agent_client.get(admin_url(thread)))
    assert "looks like a bot" not in text(client.get(thread.path))
    assert Message.objects.count() == mails


def test_the_buyer_cannot_reply_to_a_closed_thread(agent_client: Client, client: Client, thread: Thread) -> None:
    decide(agent_client, thread, "close", text="It is in version 17.9.")
    assert thread.status == "closed"
    assert "It is in version 17.9." in latest_email("thread_closed").body
    assert "data-action" not in client.get(thread.path).content.decode()
    answer = client.post(thread.path, {"message": "One more thing"})
    assert "This conversation is closed." in text(answer)
    assert 'action="/help/contact/"' in answer.content.decode()  # contains the text, to be sent as a new message
    assert "One more thing" in answer.content.decode()
    assert not thread.events.filter(text="One more thing").exists()


def test_a_thread_is_taken_and_reassigned(agent_client: Client, thread: Thread) -> None:
    decide(agent_client, thread, "take")
    assert str(thread.assigned_to) == "ada"
    assert thread.reference in text(agent_client.get(f"{QUEUE}?todo=mine"))
    ben = make_agent(username="ben")
    decide(agent_client, thread, "assign", to=ben.pk)
    assert thread.assigned_to == ben
    assert "Assigned to ben." in text(agent_client.get(admin_url(thread)))
    decide(agent_client, thread, "assign", to="")
    assert thread.assigned_to is None


def test_staff_attach_an_order_to_a_thread(agent_client: Client, thread: Thread) -> None:
    order = make_order(number="A-1001")
    assert "No order has this number" in decide(agent_client, thread, "attach", number="A-9", store="")
    decide(agent_client, thread, "attach", number="a-1001", store="")
    assert thread.order == order
    make_order(number="A-1001")
    assert "Choose the store." in decide(agent_client, thread, "attach", number="a-1001", store="")


def test_an_answer_to_an_outdated_page_is_refused_and_kept_in_the_form(agent_client: Client, thread: Thread) -> None:
    last_seen_id = last_message_id(thread)
    decide(agent_client, thread, "answer", text="From ada.")
    ben = logged_in(make_agent(username="ben"))
    content = decide(ben, thread, "answer", text="From ben.", last_seen_id=last_seen_id)
    assert "There’s a new message in this thread." in content
    assert "From ben." in content
    assert not thread.events.filter(text="From ben.").exists()
    assert Message.objects.filter(kind="thread_answered").count() == 1
    assert f"{thread.reference}: saved." in decide(
        ben, thread, "answer", text="From ben."
    )  # the newest message is marked as read now


def test_an_answer_sent_twice_is_stored_once(agent_client: Client, thread: Thread) -> None:
    last_seen_id = last_message_id(thread)
    for _click in range(2):
        decide(agent_client, thread, "answer", text="Once.", last_seen_id=last_seen_id)
    assert thread.events.filter(text="Once.").count() == 1


def test_an_empty_answer_is_not_sent(agent_client: Client, thread: Thread) -> None:
    assert "Nothing was changed." in decide(agent_client, thread, "answer", text="  ")
    assert thread.status == "waiting"
    assert "This is no longer possible because the request has changed." in decide(
        agent_client, thread, "match", text="x"
    )
    assert "This is no longer possible because the request has changed." in decide(
        agent_client, thread, "burn", text="x"
    )


def test_staff_with_view_permission_cannot_decide(thread: Thread) -> None:
    auditor = User.objects.create_user("auditor", is_staff=True)
    auditor.user_permissions.add(Permission.objects.get(codename="view_thread"))
    browser = logged_in(auditor)
    assert "data-action" not in browser.get(admin_url(thread)).content.decode()
    assert browser.post(f"{QUEUE}{thread.pk}/decide/", {"action": "take"}).status_code == 403
    upload_id = thread.events.first().files.get().upload_id
    assert browser.get(f"/files/{upload_id}/").status_code == 404
    stranger = Client()
    assert stranger.get(admin_url(thread)).status_code == 302
    assert stranger.post(f"{QUEUE}{thread.pk}/decide/", {"action": "take"}).status_code == 302
    assert stranger.get(f"/files/{upload_id}/").status_code == 404
    thread.refresh_from_db()
    assert thread.assigned_to is None


@pytest.mark.parametrize("queue", [QUEUE, "/admin/support/chargeclaim/"])
def test_the_number_of_queries_of_the_queues_does_not_grow_with_their_rows(
    agent_client: Client, client: Client, queue: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as queries_captured:
            assert agent_client.get(queue).status_code == 200
        return len(queries_captured)

    def make(count: int) -> None:
        for _number in range(count):
            order = make_order()
            other = submit_message(inside(order), order=str(order.public_id))
            assign(other, User.objects.get(username="ada"), make_agent())
            make_claim()

    make(1)
    queries()  # fills caches of the process
    before = queries()
    make(5)
    assert queries() == before


def test_the_number_of_queries_does_not_grow_with_the_messages(
    agent_client: Client, thread: Thread, client: Client
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as queries_captured:
            assert agent_client.get(admin_url(thread)).status_code == 200
        return len(queries_captured)

    queries()  # fills caches of the process
    before = queries()
    for number in range(5):
        client.post(thread.path, {"message": f"more {number}", "files": upload(jpeg(), f"{number}.jpg")})
        threads.answer(thread, User.objects.get(username="ada"), f"answer {number}")
    assert queries() == before
