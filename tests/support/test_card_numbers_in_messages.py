"""A card number in a message is masked, and the author is informed. The message is not lost."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from files.models import Upload
from support.models import AnswerTemplate, Article, Thread
from support.services import threads
from tests.factories import make_agent
from tests.files.factories import jpeg, upload
from tests.pages import marks, text
from tests.support.submissions import MESSAGE_FORM, latest_email, logged_in, submit_message

pytestmark = pytest.mark.django_db

WRITTEN = "my card4242  4242–4242.4242exp is fine"
MASKED = "my card••••4242exp is fine"
TOLD = "We kept only its last 4 digits"


def stored(thread: Thread) -> str:
    return thread.events.latest("pk").text


def test_the_first_message_and_its_subject(client: Client) -> None:
    form = MESSAGE_FORM | {"subject": "4242/4242/4242/4242", "message": WRITTEN}
    page = client.post("/help/contact/", form, follow=True)
    assert TOLD in text(page)
    thread = Thread.objects.get()
    assert (thread.subject, stored(thread)) == ("••••4242", MASKED)
    assert MASKED in text(page)
    assert "4242–4242" not in latest_email("contact_received").body


def test_a_reply(client: Client) -> None:
    thread = submit_message(client)
    page = client.post(thread.path, {"message": WRITTEN}, follow=True)
    assert TOLD in text(page)
    assert stored(thread) == MASKED
    assert TOLD not in text(client.post(thread.path, {"message": "no number"}, follow=True))


def test_a_form_with_another_error_shows_the_masked_message_again(client: Client) -> None:
    page = client.post("/help/contact/", MESSAGE_FORM | {"email": "nobody", "message": WRITTEN})
    assert page.status_code == 422
    assert TOLD in text(page)
    assert MASKED in page.content.decode()
    assert "4242–4242" not in page.content.decode()
    page = client.post("/help/contact/", MESSAGE_FORM | {"look": "1", "message": WRITTEN})
    assert TOLD in text(page)
    assert MASKED in page.content.decode()


def test_the_name_of_a_file(client: Client) -> None:
    thread = submit_message(client, files=upload(jpeg(), "visa_4242 4242-4242_4242.jpg"))
    assert Upload.objects.get().name == "visa_••••4242.jpg"
    assert "visa_••••4242.jpg" in text(client.get(thread.path))


@pytest.fixture
def agent_client() -> Client:
    return logged_in(make_agent(username="ada"))


def decide(agent_client: Client, thread: Thread, action: str, **typed: Any) -> str:
    data = {"action": action} | {f"{action}-{name}": value for name, value in typed.items()}
    return text(agent_client.post(f"/admin/support/thread/{thread.pk}/decide/", data, follow=True))


@pytest.mark.parametrize("action", ["answer", "ask", "close"])
def test_what_staff_write_to_the_buyer(agent_client: Client, client: Client, action: str) -> None:
    thread = submit_message(client)
    page = decide(agent_client, thread, action, text=WRITTEN)
    assert TOLD in page
    assert f"{thread.reference}: saved" in page
    assert stored(thread) == MASKED
    kind = {"answer": "thread_answered", "ask": "thread_question_asked", "close": "thread_closed"}[action]
    email = latest_email(kind)
    assert MASKED in email.body
    assert "4242–4242" not in email.body + email.alternatives[0][0]


def test_a_note_of_staff(agent_client: Client, client: Client) -> None:
    thread = submit_message(client)
    assert TOLD in decide(agent_client, thread, "note", note=WRITTEN)
    assert thread.events.latest("pk").note == MASKED


def test_a_refused_action_shows_the_masked_text_again(agent_client: Client, client: Client) -> None:
    thread = submit_message(client)
    threads.close(thread, User.objects.get(username="ada"))
    page = agent_client.post(
        f"/admin/support/thread/{thread.pk}/decide/",
        {"action": "attach", "attach-number": "X-1", "answer-text": WRITTEN},
    )
    assert "4242–4242" not in page.content.decode()
    page = agent_client.post(f"/admin/support/thread/{thread.pk}/decide/", {"action": "close", "close-text": WRITTEN})
    assert "4242–4242" not in page.content.decode()


def test_a_service_that_is_called_without_a_form(client: Client) -> None:
    thread = submit_message(client)
    threads.answer(thread, make_agent(), WRITTEN)
    assert stored(thread) == MASKED
    threads.add_note(thread, make_agent(username="eve"), WRITTEN)
    assert thread.events.latest("pk").note == MASKED


def test_articles_and_templates_in_the_admin(agent_client: Client) -> None:
    root = logged_in(User.objects.create_superuser("root"))
    typed = {"name": "Card", "language": "en", "text": WRITTEN}
    page = root.post("/admin/support/answertemplate/add/", typed)
    assert "Remove the full card number." in text(page)
    assert not AnswerTemplate.objects.exists()
    page = root.post("/admin/support/article/add/", {"slug": "4242-4242-4242-4242", "position": "1"})
    assert page.status_code == 200
    assert not Article.objects.exists()
    assert marks(page, "data-reference") == []
