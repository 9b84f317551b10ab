"""The admin: the queue, one page with everything, answers, notes, and two agents at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Message
from support.models import AnswerTemplate, Thread
from support.services import threads
from tests.factories import make_agent, make_order
from tests.files.made import jpeg, upload
from tests.pages import inside, marks, text
from tests.support.threads import mail_of, make_claim, send_message, signed_in

pytestmark = pytest.mark.django_db

QUEUE = "/admin/support/thread/"


@pytest.fixture
def desk() -> Client:
    return signed_in(make_agent(username="ada"))


@pytest.fixture
def thread(client: Client) -> Thread:
    return send_message(client, files=upload(jpeg(), "screen.jpg"))


def page_of(thread: Thread) -> str:
    return f"{QUEUE}{thread.pk}/change/"


def last(thread: Thread) -> int:
    return thread.events.filter(note="").latest("pk").pk


def decide(desk: Client, thread: Thread, verb: str, **said: Any) -> str:
    """Send one decision, having read all; what the page then says."""
    typed = {f"{verb}-{name}": value for name, value in ({"seen": last(thread)} | said).items()}
    answer = desk.post(f"{QUEUE}{thread.pk}/decide/", {"action": verb} | typed, follow=True)
    assert answer.status_code == 200
    thread.refresh_from_db()
    return text(answer)


def test_one_page_shows_the_whole_thread(desk: Client, client: Client) -> None:
    order = make_order(number="A-1001")
    browser = inside(order)
    thread = send_message(browser, order=str(order.public_id), files=upload(jpeg(), "screen.jpg"))
    other = send_message(client, subject="Another matter")
    threads.note(thread, User.objects.get(username="ada"), "called us before")
    page = desk.get(page_of(thread))
    said = text(page)
    shown = ("A-1001", "€79.95", "It says error 7.", "called us before", "screen.jpg", other.reference)
    for fact in (*shown, "contact_received"):
        assert fact in said, fact
    upload_id = thread.events.first().files.get().upload_id
    assert f"/files/{upload_id}/" in page.content.decode()
    assert desk.get(f"/files/{upload_id}/").status_code == 200
    assert marks(page, "data-action") == ["answer", "ask", "note", "take", "assign", "attach", "close"]


def test_the_queue_shows_what_waits_and_what_is_late_first(desk: Client, client: Client) -> None:
    late, answered, today = (send_message(client, subject=subject) for subject in ("Late", "Answered", "Today"))
    Thread.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=1))
    threads.answer(answered, make_agent(), "Done.")
    said = text(desk.get(QUEUE))
    assert said.index("Late") < said.index("Today")
    assert answered.reference not in said
    assert "!" in said
    assert answered.reference in text(desk.get(f"{QUEUE}?todo=all"))
    assert today.reference not in text(desk.get(f"{QUEUE}?todo=overdue"))
    assert late.reference in text(desk.get(f"{QUEUE}?todo=overdue"))


@pytest.mark.parametrize("word", ["reference", "BEA@example.com", "#a-1001"])
def test_staff_find_a_thread_by_what_a_buyer_says(desk: Client, word: str) -> None:
    order = make_order(number="A-1001")
    thread = send_message(inside(order), order=str(order.public_id))
    asked = thread.reference.lower() if word == "reference" else word
    assert thread.reference in text(desk.get(QUEUE, {"q": asked}))
    assert thread.reference not in text(desk.get(QUEUE, {"q": "elsewhere@example.com"}))


def test_an_answer_goes_into_the_mail_whole(desk: Client, client: Client, thread: Thread) -> None:
    words = "Please restart.\n\nThen <b>try</b> again & tell us."
    assert f"{thread.reference}: done" in decide(desk, thread, "answer", text=words)
    assert thread.status == "answered"
    assert thread.assigned_to is not None
    mail = mail_of("thread_answered")
    assert words in mail.body
    assert "&lt;b&gt;try&lt;/b&gt;" in mail.alternatives[0][0]
    assert "Please restart." in text(client.get(thread.path))
    assert LogEntry.objects.filter(object_id=str(thread.pk)).count() == 1


def test_a_question_is_answered_and_the_thread_waits_again(desk: Client, client: Client, thread: Thread) -> None:
    decide(desk, thread, "ask", text="Which version?")
    assert thread.status == "question_asked"
    assert "Which version?" in mail_of("thread_question_asked").body
    assert client.post(thread.path, {"message": "17.8"}).status_code == 302
    thread.refresh_from_db()
    assert thread.status == "waiting"
    assert "17.8" in text(desk.get(page_of(thread)))


def test_a_note_is_seen_by_staff_only(desk: Client, client: Client, thread: Thread) -> None:
    mails = Message.objects.count()
    decide(desk, thread, "note", note="looks like a bot")
    assert "looks like a bot" in text(desk.get(page_of(thread)))
    assert "looks like a bot" not in text(client.get(thread.path))
    assert Message.objects.count() == mails


def test_closing_says_so_and_ends_the_buyers_answers(desk: Client, client: Client, thread: Thread) -> None:
    decide(desk, thread, "close", text="It is in version 17.9.")
    assert thread.status == "closed"
    assert "It is in version 17.9." in mail_of("thread_closed").body
    assert "data-action" not in client.get(thread.path).content.decode()
    answer = client.post(thread.path, {"message": "One more thing"})
    assert "This is closed" in text(answer)
    assert 'action="/help/contact/"' in answer.content.decode()  # with the words, to be sent anew
    assert "One more thing" in answer.content.decode()
    assert not thread.events.filter(text="One more thing").exists()


def test_a_thread_is_taken_on_and_handed_over(desk: Client, thread: Thread) -> None:
    decide(desk, thread, "take")
    assert str(thread.assigned_to) == "ada"
    assert thread.reference in text(desk.get(f"{QUEUE}?todo=mine"))
    ben = make_agent(username="ben")
    decide(desk, thread, "assign", to=ben.pk)
    assert thread.assigned_to == ben
    assert "Assigned to ben." in text(desk.get(page_of(thread)))
    decide(desk, thread, "assign", to="")
    assert thread.assigned_to is None


def test_its_order_is_named(desk: Client, thread: Thread) -> None:
    order = make_order(number="A-1001")
    assert "No order has this number" in decide(desk, thread, "attach", number="A-9", store="")
    decide(desk, thread, "attach", number="a-1001", store="")
    assert thread.order == order
    make_order(number="A-1001")
    assert "choose the store" in decide(desk, thread, "attach", number="a-1001", store="")


def test_the_second_agent_is_told_and_keeps_what_was_typed(desk: Client, thread: Thread) -> None:
    seen = last(thread)
    decide(desk, thread, "answer", text="From ada.")
    ben = signed_in(make_agent(username="ben"))
    said = decide(ben, thread, "answer", text="From ben.", seen=seen)
    assert "Something was said in this thread meanwhile" in said
    assert "From ben." in said
    assert not thread.events.filter(text="From ben.").exists()
    assert Message.objects.filter(kind="thread_answered").count() == 1
    assert "done" in decide(ben, thread, "answer", text="From ben.")  # having read it now


def test_a_double_click_answers_once(desk: Client, thread: Thread) -> None:
    seen = last(thread)
    for _click in range(2):
        decide(desk, thread, "answer", text="Once.", seen=seen)
    assert thread.events.filter(text="Once.").count() == 1


def test_a_template_is_filled_in_and_can_be_changed(desk: Client) -> None:
    order = make_order(number="A-1001", billing_name="Bea {reference} <b>Buyer</b>")
    thread = send_message(inside(order), order=str(order.public_id))
    template = AnswerTemplate.objects.create(
        name="Restart", text="Hello {name}, about {reference}: {restart} {0} {name.__class__} %s"
    )
    page = desk.get(f"{page_of(thread)}?template={template.pk}")
    filled = f"Hello Bea {{reference}} <b>Buyer</b>, about {thread.reference}: {{restart}} {{0}} {{name.__class__}} %s"
    assert filled in text(page)
    assert "<b>Buyer" not in page.content.decode()
    assert desk.get(f"{page_of(thread)}?template=x").status_code == 200


def test_a_name_that_nobody_told_leaves_no_gap(thread: Thread) -> None:
    assert AnswerTemplate(text="Hello {name},\n{name}").filled(thread) == "Hello,\n"


def test_templates_are_written_in_the_admin(desk: Client) -> None:
    added = desk.post(
        "/admin/support/answertemplate/add/", {"name": "Restart", "language": "en", "text": "Hello {name}"}
    )
    assert added.status_code == 302
    assert AnswerTemplate.objects.get().text == "Hello {name}"


def test_an_empty_answer_is_not_sent(desk: Client, thread: Thread) -> None:
    assert "nothing was done" in decide(desk, thread, "answer", text="  ")
    assert thread.status == "waiting"
    assert "cannot be done" in decide(desk, thread, "match", text="x")
    assert "cannot be done" in decide(desk, thread, "burn", text="x")


def test_whoever_may_only_look_decides_nothing(thread: Thread) -> None:
    auditor = User.objects.create_user("auditor", is_staff=True)
    auditor.user_permissions.add(Permission.objects.get(codename="view_thread"))
    browser = signed_in(auditor)
    assert "data-action" not in browser.get(page_of(thread)).content.decode()
    assert browser.post(f"{QUEUE}{thread.pk}/decide/", {"action": "take"}).status_code == 403
    upload_id = thread.events.first().files.get().upload_id  # type: ignore[union-attr]
    assert browser.get(f"/files/{upload_id}/").status_code == 404
    stranger = Client()
    assert stranger.get(page_of(thread)).status_code == 302
    assert stranger.post(f"{QUEUE}{thread.pk}/decide/", {"action": "take"}).status_code == 302
    assert stranger.get(f"/files/{upload_id}/").status_code == 404
    thread.refresh_from_db()
    assert thread.assigned_to is None


@pytest.mark.parametrize("queue", [QUEUE, "/admin/support/chargeclaim/"])
def test_the_queues_ask_as_often_for_many(desk: Client, client: Client, queue: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.get(queue).status_code == 200
        return len(asked)

    def make(count: int) -> None:
        for _number in range(count):
            order = make_order()
            letter = send_message(inside(order), order=str(order.public_id))
            threads.assign(letter, User.objects.get(username="ada"), make_agent())
            make_claim()

    make(1)
    queries()  # what is asked once a process
    before = queries()
    make(5)
    assert queries() == before


def test_the_page_asks_as_often_for_long_threads(desk: Client, thread: Thread, client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.get(page_of(thread)).status_code == 200
        return len(asked)

    queries()  # what is asked once a process
    before = queries()
    for number in range(5):
        client.post(thread.path, {"message": f"more {number}", "files": upload(jpeg(), f"{number}.jpg")})
        threads.answer(thread, User.objects.get(username="ada"), f"answer {number}")
    assert queries() == before
