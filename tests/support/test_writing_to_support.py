from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from files.models import Upload
from notifications.models import Message
from orders.models import Store
from support.models import Article, ArticleVersion, Thread
from support.services import threads
from tests.factories import make_agent, make_order, make_store
from tests.files.factories import files_in, jpeg, upload
from tests.pages import inside, marks, result, text
from tests.support.submissions import MESSAGE_FORM, latest_email, submit_claim, submit_message

pytestmark = pytest.mark.django_db

PAGE = "/help/contact/"


def test_a_message_is_stored_and_gets_a_receipt(client: Client) -> None:
    thread = submit_message(client, files=[upload(jpeg(), "one.jpg"), upload(jpeg(), "two.jpg")])
    page = client.get(thread.path)
    assert marks(page, "data-reference") == [thread.reference]
    assert thread.reference.startswith("M-")
    for fact in ("Installer stops", "It says error 7.", "one.jpg", "two.jpg"):
        assert fact in text(page)
    email = latest_email("contact_received")
    assert thread.reference in email.subject
    assert "/help/threads/open/" in email.body


def test_the_open_order_is_attached_and_its_address_stays_masked(client: Client) -> None:
    order = make_order(number="A-1001")
    browser = inside(order)
    page = browser.get(PAGE)
    assert "A-1001" in page.content.decode()
    assert "buyer@example.com" not in page.content.decode()
    assert "b…@e….com" in text(page)
    thread = submit_message(browser, email="", order=str(order.public_id))
    assert (thread.order, thread.store, thread.email) == (order, order.store, "buyer@example.com")
    assert "buyer@example.com" not in browser.get(thread.path).content.decode()


def test_one_of_several_orders_or_none_can_be_chosen(client: Client) -> None:
    one, other = make_order(number="A-1"), make_order(number="A-2")
    browser = inside(other, inside(one))
    assert submit_message(browser, order=str(one.public_id)).order == one
    assert submit_message(browser, order="").order is None
    answer = browser.post(PAGE, {**MESSAGE_FORM, "email": "", "order": ""})
    assert answer.status_code == 422


def test_an_order_that_is_not_open_cannot_be_attached(client: Client) -> None:
    theirs = make_order()
    assert client.post(PAGE, {**MESSAGE_FORM, "order": str(theirs.public_id)}).status_code == 302
    assert Thread.objects.get().order is None
    browser = inside(make_order())
    answer = browser.post(PAGE, {**MESSAGE_FORM, "order": str(theirs.public_id)})
    assert answer.status_code == 422
    assert "orders in the list" in text(answer)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"email": ""}, "email address"),
        ({"subject": " "}, "Enter a subject"),
        ({"message": ""}, "Enter your message"),
        ({"subject": "x" * 201}, "too long"),
        ({"files": upload(b"MZ program", "a.exe")}, "not a PDF"),
    ],
)
def test_invalid_fields_get_a_message_and_keep_the_typed_values(
    client: Client, upload_folder: Path, wrong: dict[str, object], error: str
) -> None:
    answer = client.post(PAGE, {**MESSAGE_FORM, **wrong})
    assert answer.status_code == 422
    assert result(answer) == "invalid"
    assert error in text(answer) or "program" in text(answer)
    unchanged = set(MESSAGE_FORM) - set(wrong)
    assert all(MESSAGE_FORM[name] in answer.content.decode() for name in unchanged)
    assert not Thread.objects.exists()
    assert not files_in(upload_folder)


def test_matching_articles_are_suggested_before_the_message_is_sent(client: Client) -> None:
    article = Article.objects.create(slug="installer-stops")
    ArticleVersion.objects.create(
        article=article, title="The installer stops", body="Restart it.", publish_at=timezone.now()
    )
    typed = {**MESSAGE_FORM, "look": "1", "message": "my card 4242 4242 4242 4242"}
    answer = client.post(PAGE, typed)
    assert answer.status_code == 200
    assert marks(answer, "data-article") == ["installer-stops"]
    assert "Installer stops" in answer.content.decode()
    assert "4242 4242" not in answer.content.decode()
    assert "No articles found" in text(client.post(PAGE, {**typed, "subject": "quux' % zork"}))
    assert "Enter a subject first" in text(client.post(PAGE, {**typed, "subject": ""}))
    assert not Thread.objects.exists()


def test_a_repeated_submission_creates_nothing_new(client: Client) -> None:
    typed = {**MESSAGE_FORM, "submission_id": str(uuid4())}
    first, again = client.post(PAGE, typed), client.post(PAGE, typed)
    assert first["Location"] == again["Location"]
    assert Thread.objects.count() == Message.objects.count() == 1


def test_the_same_form_after_the_thread_was_closed_opens_a_new_one(client: Client) -> None:
    typed = {"submission_id": str(uuid4())}
    first = submit_message(client, **typed)
    threads.mark_solved(first)
    second, third = submit_message(client, **typed), submit_message(client, **typed)
    assert first != second == third
    assert second.status == Thread.Status.WAITING


def test_one_submission_id_can_serve_a_claim_and_a_message(client: Client) -> None:
    submission_id = str(uuid4())
    claim = submit_claim(client, submission_id=submission_id, subject="x", message="y")
    message = submit_message(client, submission_id=submission_id, subject="x", message="y")
    assert claim != message


def test_a_repeated_reply_is_stored_once(client: Client) -> None:
    thread = submit_message(client)
    for _click in range(2):
        client.post(thread.path, {"message": "One more thing", "files": upload(jpeg(), "more.jpg")})
    assert thread.events.count() == 2
    assert Upload.objects.count() == 1
    client.post(thread.path, {"message": "One more thing", "files": upload(jpeg(), "another.jpg")})
    assert thread.events.count() == 3


def test_a_refused_reply_keeps_its_text(client: Client, upload_folder: Path) -> None:
    thread = submit_message(client)
    answer = client.post(thread.path, {"message": "My words", "files": upload(b"", "empty.jpg")})
    assert answer.status_code == 422
    assert "empty" in text(answer)
    assert "My words" in answer.content.decode()
    assert thread.events.count() == 1
    assert not files_in(upload_folder)


def test_messages_are_escaped(client: Client) -> None:
    thread = submit_message(client, subject="<script>alert(1)</script>", message="<img src=x onerror=alert(1)>")
    page = client.get(thread.path).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<img src=x" not in latest_email("contact_received").alternatives[0][0]


def test_the_helpdesk_of_the_store_gets_a_copy_that_replies_to_the_buyer(client: Client) -> None:
    order = make_order(number="A-1001", store=make_store(support_email="desk@store.example"))
    browser = inside(order)
    thread = submit_message(browser, order=str(order.public_id), files=upload(jpeg()))
    copy = latest_email("thread_forwarded")
    assert copy.to == ["desk@store.example"]
    assert copy.reply_to == ["bea@example.com"]
    assert thread.reference in copy.subject
    for fact in ("It says error 7.", "A-1001", "1 file", f"/admin/support/thread/{thread.pk}/change/"):
        assert fact in copy.body
    assert "/help/threads/open/" not in copy.body
    browser.post(thread.path, {"message": "And one more"})
    assert Message.objects.filter(kind="thread_forwarded").count() == 2
    assert latest_email("contact_received").reply_to == ["desk@store.example"]


def test_a_message_without_order_belongs_to_the_only_store(client: Client) -> None:
    make_store(support_email="desk@store.example")
    submit_claim(client)
    assert "79.95" in latest_email("thread_forwarded").body
    make_store(support_email="other@store.example")
    submit_message(client)
    assert Message.objects.filter(kind="thread_forwarded").count() == 1


def test_without_a_helpdesk_nothing_is_forwarded(client: Client) -> None:
    Store.objects.all().delete()
    make_store()
    submit_message(client)
    assert not Message.objects.filter(kind="thread_forwarded").exists()


def test_an_overdue_answer_is_announced(client: Client) -> None:
    thread = submit_message(client)
    assert "We’ll reply by" in text(client.get(thread.path))
    Thread.objects.update(due_at=thread.created_at)
    assert "We’re late" in text(client.get(thread.path))


def test_emails_use_the_language_of_the_message(client: Client) -> None:
    client.post(PAGE, MESSAGE_FORM, headers={"accept-language": "de"})
    assert Message.objects.get(kind="contact_received").language == "de"


def test_the_number_of_queries_does_not_grow_with_the_messages(client: Client) -> None:
    thread, agent = submit_message(client, files=upload(jpeg())), make_agent()

    def queries() -> int:
        with CaptureQueriesContext(connection) as queries_captured:
            assert client.get(thread.path).status_code == 200
        return len(queries_captured)

    before = queries()
    for number in range(5):
        threads.answer(thread, agent, f"answer {number}")
        client.post(thread.path, {"message": f"more {number}", "files": upload(jpeg(), f"{number}.jpg")})
    assert queries() == before <= 6


def test_a_client_that_sends_too_many_messages_has_to_wait(client: Client) -> None:
    answers = [client.post(PAGE, {**MESSAGE_FORM, "message": f"{number}"}) for number in range(21)]
    assert answers[-1].status_code == 429
    assert "Installer stops" in answers[-1].content.decode()
    assert Thread.objects.count() == 20
