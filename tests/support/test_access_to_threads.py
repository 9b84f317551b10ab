from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from notifications.models import Message
from orders.models import AccessLink
from support.models import Thread, ThreadLink
from tests.factories import make_order
from tests.files.factories import jpeg, upload
from tests.pages import inside, marks, result, text
from tests.support.submissions import link_in_latest_email, submit_claim, submit_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    """A thread of someone else."""
    return submit_message(Client(), message="My secret words", files=upload(jpeg()))


def test_a_stranger_sees_the_same_page_for_existing_and_unknown_threads(client: Client, thread: Thread) -> None:
    unknown = "M-ZZZZZZZZ"
    there, not_there = client.get(thread.path), client.get(f"/help/threads/{unknown}/")
    assert there.status_code == not_there.status_code == 403
    assert "no-store" in there["Cache-Control"]

    def page(answer: object, reference: str) -> str:
        return text(answer).replace(reference, "")

    assert page(there, thread.reference) == page(not_there, unknown)
    assert "My secret words" not in there.content.decode()
    assert marks(there, "data-reference") == []


def test_a_stranger_can_neither_reply_nor_close(client: Client, thread: Thread) -> None:
    assert client.post(thread.path, {"message": "I am the buyer"}).status_code == 403
    assert client.post(f"{thread.path}solved/").status_code == 403
    thread.refresh_from_db()
    assert thread.status == "waiting"
    assert thread.events.count() == 1


def test_access_to_one_thread_does_not_open_another(client: Client, thread: Thread) -> None:
    own = submit_message(client)
    assert client.get(own.path).status_code == 200
    assert client.get(thread.path).status_code == 403
    client.post(link_in_latest_email("contact_received"))
    assert client.get(thread.path).status_code == 403


def test_files_of_a_thread_can_be_opened_by_staff_only(client: Client, thread: Thread) -> None:
    upload_id = thread.events.get().files.get().upload_id
    assert client.get(f"/files/{upload_id}/").status_code == 404
    writer = Client()
    own = submit_message(writer, files=upload(jpeg()))
    assert writer.get(f"/files/{own.events.get().files.get().upload_id}/").status_code == 404  # staff only


def test_a_requested_link_goes_to_the_address_of_the_thread_only(client: Client, thread: Thread) -> None:
    answers = [client.post(f"/help/threads/{each}/link/") for each in (thread.reference.lower(), "M-ZZZZZZZZ")]
    assert {answer["Location"] for answer in answers} == {"/help/threads/link-sent/"}
    assert "If we have a message with this reference" in text(client.get("/help/threads/link-sent/"))
    [message] = Message.objects.filter(kind="thread_link")
    assert (message.recipient, message.priority) == ("bea@example.com", 1)


def test_a_link_is_used_by_a_button_and_works_once(thread: Thread, client: Client) -> None:
    client.post(f"/help/threads/{thread.reference}/link/")
    link = link_in_latest_email("thread_link")
    for _scanner in range(3):
        page = Client().get(link)
        assert page.status_code == 200
        assert "My secret words" not in page.content.decode()
        assert page["Referrer-Policy"] == "same-origin"
    key = client.session.session_key
    assert client.post(link)["Location"] == thread.path
    assert client.session.session_key != key
    assert "My secret words" in text(client.get(thread.path))
    assert client.post(link)["Location"] == thread.path  # a double click
    stranger = Client()
    assert stranger.post(link).status_code == 410
    assert stranger.get(thread.path).status_code == 403


def test_the_link_in_the_receipt_opens_the_thread(thread: Thread) -> None:
    browser = Client()
    assert browser.post(link_in_latest_email("contact_received"))["Location"] == thread.path
    assert browser.get(thread.path).status_code == 200


def test_an_expired_link_offers_a_new_one_to_the_same_address(thread: Thread) -> None:
    link = link_in_latest_email("contact_received")
    ThreadLink.objects.update(first_sent_at=timezone.now() - timedelta(minutes=61))
    holder = Client()
    page = holder.get(link)
    assert page.status_code == 410
    assert "link has expired" in text(page)
    assert holder.post(link).status_code == 410
    assert holder.post(f"{link}renew/")["Location"] == "/help/threads/link-sent/"
    assert Message.objects.get(kind="thread_link").recipient == "bea@example.com"
    assert holder.get(thread.path).status_code == 403


def test_a_forged_token_opens_nothing(thread: Thread, client: Client) -> None:
    link = link_in_latest_email("contact_received")
    token = link.split("/")[-2]
    number, _dot, signature = token.partition(".")
    forged = [
        f"{int(number) + 1}.{signature}",
        f"{number}.{signature[:-1]}{'a' if signature[-1] != 'a' else 'b'}",
        number,
        AccessLink.signer().sign(int(number)),
        "x" * 500,
    ]
    for each in forged:
        path = f"/help/threads/open/{each}/"
        assert client.get(path).status_code == 404
        assert client.post(path).status_code == 404
        assert client.post(f"{path}renew/").status_code == 404
    assert client.get(thread.path).status_code == 403


def test_a_link_that_was_never_sent_opens_nothing(thread: Thread, client: Client) -> None:
    link = ThreadLink.objects.create(thread=thread)
    token = ThreadLink.signer().sign(link.pk)
    assert client.post(f"/help/threads/open/{token}/").status_code == 404


def test_links_are_limited_per_thread_and_per_client(thread: Thread) -> None:
    for number in range(6):
        Client(REMOTE_ADDR=f"192.0.2.{number}").post(f"/help/threads/{thread.reference}/link/")
    assert Message.objects.filter(kind="thread_link").count() == 3
    walker = Client(REMOTE_ADDR="198.51.100.7")
    answers = [walker.post(f"/help/threads/M-{number:08}/link/") for number in range(21)]
    assert answers[-1].status_code == 429
    assert result(answers[-1]) == "too-many"


def test_signing_out_ends_the_access(client: Client) -> None:
    thread = submit_claim(client)
    assert client.get(thread.path).status_code == 200
    client.post("/orders/sign-out/")
    assert client.get(thread.path).status_code == 403


def test_access_ends_after_thirty_idle_minutes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = submit_claim(client)
    real = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() + timedelta(minutes=31))
    assert client.get(thread.path).status_code == 403


def test_access_ends_after_eight_hours(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = submit_claim(client)
    real = timezone.now
    session = client.session
    for quarter in range(1, 34):
        monkeypatch.setattr("django.utils.timezone.now", lambda later=quarter: real() + timedelta(minutes=15 * later))
        opened = client.get(thread.path).status_code
        assert opened == (200 if quarter < 32 else 403), quarter
    assert session is not None


def test_orders_and_threads_can_be_open_in_one_session(client: Client) -> None:
    order = make_order()
    thread = submit_message(client)
    inside(order, client)
    assert client.get(thread.path).status_code == 200
    other = submit_message(client, subject="Another")
    for path in (thread.path, other.path, f"/orders/{order.public_id}/"):
        assert client.get(path).status_code == 200
    client.post("/orders/sign-out/")
    for path in (thread.path, other.path, f"/orders/{order.public_id}/"):
        assert client.get(path).status_code != 200


def test_an_old_submission_sent_again_grants_no_access(client: Client) -> None:
    typed = {"submission_id": "b1946ac9-2f3b-4b44-9d0a-0f1e2d5a4b11"}
    thread = submit_message(client, **typed)
    Thread.objects.update(created_at=timezone.now() - timedelta(hours=1))
    stranger = Client()
    assert submit_message(stranger, **typed) == thread
    assert stranger.get(thread.path).status_code == 403


@pytest.mark.parametrize("path", ["", "solved/", "link/"])
def test_other_methods_are_refused(client: Client, path: str) -> None:
    thread = submit_message(client)
    assert client.put(f"{thread.path}{path}").status_code == 405
    assert client.get(f"{thread.path}{path}").status_code in (200, 302)
    thread.refresh_from_db()
    assert thread.status == "waiting"


def test_only_old_links_are_deleted(thread: Thread) -> None:
    old = ThreadLink.objects.create(thread=thread)
    ThreadLink.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - settings.KEPT_FOR["thread_links"] - timedelta(minutes=1)
    )
    call_command("retention", stdout=StringIO())
    assert not ThreadLink.objects.filter(pk=old.pk).exists()
    assert ThreadLink.objects.filter(thread=thread).count() == 1
