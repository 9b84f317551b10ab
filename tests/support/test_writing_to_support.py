"""The contact form and the thread's page: what is sent arrives whole, once, and where it should."""

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
from tests.files.made import files_in, jpeg, upload
from tests.pages import inside, marks, result, text
from tests.support.threads import MESSAGE, mail_of, send_claim, send_message

pytestmark = pytest.mark.django_db

PAGE = "/help/contact/"


def test_a_message_arrives_with_its_reference_and_receipt(client: Client) -> None:
    thread = send_message(client, files=[upload(jpeg(), "one.jpg"), upload(jpeg(), "two.jpg")])
    page = client.get(thread.path)
    assert marks(page, "data-reference") == [thread.reference]
    assert thread.reference.startswith("M-")
    for fact in ("Installer stops", "It says error 7.", "one.jpg", "two.jpg"):
        assert fact in text(page)
    mail = mail_of("contact_received")
    assert thread.reference in mail.subject
    assert "It says error 7." in mail.body


def test_the_open_order_is_attached_and_its_address_is_not_told(client: Client) -> None:
    order = make_order(number="A-1001")
    browser = inside(order)
    page = browser.get(PAGE)
    assert "A-1001" in page.content.decode()
    assert "buyer@example.com" not in page.content.decode()
    assert "b…@e….com" in text(page)
    thread = send_message(browser, email="", order=str(order.public_id))
    assert (thread.order, thread.store, thread.email) == (order, order.store, "buyer@example.com")
    assert "buyer@example.com" not in browser.get(thread.path).content.decode()


def test_of_several_orders_one_is_chosen_or_none(client: Client) -> None:
    one, other = make_order(number="A-1"), make_order(number="A-2")
    browser = inside(other, inside(one))
    assert send_message(browser, order=str(one.public_id)).order == one
    assert send_message(browser, order="").order is None
    answer = browser.post(PAGE, {**MESSAGE, "email": "", "order": ""})
    assert answer.status_code == 422


def test_nobody_attaches_an_order_that_is_not_open(client: Client) -> None:
    theirs = make_order()
    assert client.post(PAGE, {**MESSAGE, "order": str(theirs.public_id)}).status_code == 302
    assert Thread.objects.get().order is None
    browser = inside(make_order())
    answer = browser.post(PAGE, {**MESSAGE, "order": str(theirs.public_id)})
    assert answer.status_code == 422
    assert "orders in the list" in text(answer)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"email": ""}, "email address"),
        ({"subject": " "}, "what it is about"),
        ({"message": ""}, "write your message"),
        ({"subject": "4242 4242 4242 4242"}, "never type it here"),
        ({"message": "my card 4242-4242-4242-4242 12/28"}, "never type it here"),
        ({"subject": "x" * 201}, "too long"),
        ({"files": upload(b"MZ program", "a.exe")}, "not a PDF"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    client: Client, kept: Path, wrong: dict[str, object], said: str
) -> None:
    answer = client.post(PAGE, {**MESSAGE, **wrong})
    assert answer.status_code == 422
    assert result(answer) == "invalid"
    assert said in text(answer) or "program" in text(answer)
    kept_words = set(MESSAGE) - set(wrong)
    assert all(MESSAGE[name] in answer.content.decode() for name in kept_words)
    assert "4242" not in answer.content.decode()
    assert not Thread.objects.exists()
    assert not files_in(kept)


def test_what_the_help_says_already_is_shown_before_anything_is_sent(client: Client) -> None:
    article = Article.objects.create(slug="installer-stops")
    ArticleVersion.objects.create(
        article=article, title="The installer stops", body="Restart it.", publish_at=timezone.now()
    )
    typed = {**MESSAGE, "look": "1", "message": "my card 4242 4242 4242 4242"}
    answer = client.post(PAGE, typed)
    assert answer.status_code == 200
    assert marks(answer, "data-article") == ["installer-stops"]
    assert "Installer stops" in answer.content.decode()
    assert "4242 4242" not in answer.content.decode()
    assert "The help says nothing" in text(client.post(PAGE, {**typed, "subject": "quux' % zork"}))
    assert "Please say first" in text(client.post(PAGE, {**typed, "subject": ""}))
    assert not Thread.objects.exists()


def test_a_second_click_finds_the_first(client: Client) -> None:
    typed = {**MESSAGE, "submission_id": str(uuid4())}
    first, again = client.post(PAGE, typed), client.post(PAGE, typed)
    assert first["Location"] == again["Location"]
    assert Thread.objects.count() == Message.objects.count() == 1


def test_no_ones_form_meets_another_kind_of_letter(client: Client) -> None:
    submission_id = str(uuid4())
    claim = send_claim(client, submission_id=submission_id, subject="x", message="y")
    letter = send_message(client, submission_id=submission_id, subject="x", message="y")
    assert claim != letter


def test_the_buyer_adds_words_and_files_once(client: Client) -> None:
    thread = send_message(client)
    for _click in range(2):
        client.post(thread.path, {"message": "One more thing", "files": upload(jpeg(), "more.jpg")})
    assert thread.events.count() == 2
    assert Upload.objects.count() == 1
    client.post(thread.path, {"message": "One more thing", "files": upload(jpeg(), "another.jpg")})
    assert thread.events.count() == 3


def test_a_reply_that_cannot_be_taken_keeps_its_words(client: Client, kept: Path) -> None:
    thread = send_message(client)
    answer = client.post(thread.path, {"message": "My words", "files": upload(b"", "empty.jpg")})
    assert answer.status_code == 422
    assert "empty" in text(answer)
    assert "My words" in answer.content.decode()
    assert thread.events.count() == 1
    assert not files_in(kept)
    assert client.post(thread.path, {"message": "4242 4242 4242 4242"}).status_code == 422


def test_what_people_write_is_never_markup(client: Client) -> None:
    thread = send_message(client, subject="<script>alert(1)</script>", message="<img src=x onerror=alert(1)>")
    page = client.get(thread.path).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<img src=x" not in mail_of("contact_received").alternatives[0][0]


def test_the_store_s_helpdesk_gets_a_copy_whose_answer_goes_to_the_buyer(client: Client) -> None:
    order = make_order(number="A-1001", store=make_store(support_email="desk@store.example"))
    browser = inside(order)
    thread = send_message(browser, order=str(order.public_id), files=upload(jpeg()))
    copy = mail_of("thread_forwarded")
    assert copy.to == ["desk@store.example"]
    assert copy.reply_to == ["bea@example.com"]
    assert thread.reference in copy.subject
    for fact in ("It says error 7.", "A-1001", "1 file", f"/admin/support/thread/{thread.pk}/change/"):
        assert fact in copy.body
    assert "/help/threads/open/" not in copy.body
    browser.post(thread.path, {"message": "And one more"})
    assert Message.objects.filter(kind="thread_forwarded").count() == 2
    assert mail_of("contact_received").reply_to == ["desk@store.example"]


def test_an_only_store_is_meant_and_of_several_none(client: Client) -> None:
    make_store(support_email="desk@store.example")
    send_claim(client)
    assert "79.95" in mail_of("thread_forwarded").body
    make_store(support_email="other@store.example")
    send_message(client)
    assert Message.objects.filter(kind="thread_forwarded").count() == 1


def test_without_a_helpdesk_nothing_is_forwarded(client: Client) -> None:
    Store.objects.all().delete()
    make_store()
    send_message(client)
    assert not Message.objects.filter(kind="thread_forwarded").exists()


def test_a_late_answer_is_owned_up_to(client: Client) -> None:
    thread = send_message(client)
    assert "answers by" in text(client.get(thread.path))
    Thread.objects.update(due_at=thread.created_at)
    assert "We are late" in text(client.get(thread.path))


def test_mails_speak_the_language_of_the_letter(client: Client) -> None:
    client.post(PAGE, MESSAGE, headers={"accept-language": "de"})
    assert Message.objects.get(kind="contact_received").language == "de"


def test_the_page_asks_as_often_for_long_threads(client: Client) -> None:
    thread, agent = send_message(client, files=upload(jpeg())), make_agent()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(thread.path).status_code == 200
        return len(asked)

    before = queries()
    for number in range(5):
        threads.answer(thread, agent, f"answer {number}")
        client.post(thread.path, {"message": f"more {number}", "files": upload(jpeg(), f"{number}.jpg")})
    assert queries() == before <= 6


def test_a_flood_from_one_client_is_asked_to_wait(client: Client) -> None:
    answers = [client.post(PAGE, {**MESSAGE, "message": f"{number}"}) for number in range(21)]
    assert answers[-1].status_code == 429
    assert "Installer stops" in answers[-1].content.decode()
    assert Thread.objects.count() == 20
