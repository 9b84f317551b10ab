"""Staff write to a buyer who hasn't asked. The buyer answers by the emailed link."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from desk.person_keys import make_person_key
from notifications.models import Message
from orders.models import Order
from support.models import Thread
from tests.desk.people import ADDRESS, person_url
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import make_agent, make_order, make_store
from tests.pages import text
from tests.support.submissions import latest_email, link_in_latest_email, submit_message

pytestmark = pytest.mark.django_db

MESSAGE = {"subject": "Your serial number", "text": "We replaced it. Use the new one.", "submission_id": str(uuid4())}


@pytest.fixture
def order() -> Order:
    return make_order(number="A-1001", store_email=ADDRESS, language="de", store=make_store(name="Store Europe"))


def url(address: str = ADDRESS) -> str:
    return f"{person_url(address)}write/"


def send(browser: Client, order: Order, **fields: Any) -> Any:
    return browser.post(url(), {"about": f"order-{order.pk}"} | MESSAGE | fields, follow=True)


def test_the_person_page_leads_to_it_and_the_message_is_emailed_in_the_orders_language(order: Order) -> None:
    browser = signed_in(make_agent(username="ada"))
    assert '/write/"' in browser.get(person_url()).content.decode()
    assert "A-1001" in text(browser.get(url()))
    page = send(browser, order)
    thread = Thread.objects.get()
    assert (thread.kind, thread.status, thread.order, thread.email) == ("from_support", "answered", order, ADDRESS)
    assert (str(thread.assigned_to), thread.language, thread.order_proven) == ("ada", "de", True)
    assert f"{thread.reference}: your message is on its way." in text(page)
    assert Message.objects.get().kind == "thread_started"
    assert Message.objects.get().recipient == ADDRESS


def test_the_buyer_reads_and_answers_it(order: Order, client: Client) -> None:
    send(signed_in(make_agent()), order)
    said = str(latest_email("thread_started").body)
    assert "Use the new one." in said
    assert "A-1001" in said
    client.post(link_in_latest_email("thread_started"))
    thread = Thread.objects.get()
    page = client.get(thread.path)
    assert "Message from support" in text(page)
    client.post(thread.path, {"message": "Thanks!"})
    thread.refresh_from_db()
    assert thread.status == "waiting"


def test_a_question_waits_for_the_answer(order: Order) -> None:
    send(signed_in(make_agent()), order, expects_answer="on")
    thread = Thread.objects.get()
    assert thread.status == "question_asked"
    assert thread.paused_at is not None


def test_sending_twice_sends_once(order: Order) -> None:
    browser = signed_in(make_agent())
    send(browser, order)
    send(browser, order)
    assert Thread.objects.count() == Message.objects.count() == 1


def test_somebody_without_an_order_is_answered_at_the_address_of_their_thread(client: Client) -> None:
    thread = submit_message(client, email="new@example.com")
    Message.objects.all().delete()
    browser = signed_in(make_agent())
    browser.post(url("new@example.com"), MESSAGE | {"about": "thread"})
    assert Thread.objects.exclude(pk=thread.pk).get().email == "new@example.com"
    assert Message.objects.get().recipient == "new@example.com"


def test_a_card_number_in_the_message_is_masked(order: Order) -> None:
    page = send(signed_in(make_agent()), order, text="You paid with 4111 1111 1111 1111.")
    assert "4111 1111 1111 1111" not in text(page)
    assert "4111 1111 1111 1111" not in Thread.objects.get().events.get().text


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": ""},
        {"text": "  "},
        {"about": "order-999999"},
        {"about": ""},
        {"submission_id": "x"},
        {"subject": "x" * 201},
        {"text": "a\x00b"},
    ],
)
def test_bad_input_sends_nothing_and_keeps_what_was_typed(order: Order, fields: dict[str, str]) -> None:
    page = send(signed_in(make_agent()), order, **fields)
    assert page.status_code == 200
    assert not Thread.objects.exists()
    kept = "We replaced it." if "text" not in fields else "Your serial number"
    assert kept in page.content.decode()


def test_an_order_of_another_person_cannot_be_chosen(order: Order) -> None:
    other = make_order(store_email="other@example.com")
    send(signed_in(make_agent()), order, about=f"order-{other.pk}")
    assert not Thread.objects.exists()


@pytest.mark.parametrize(("role", "status"), [("agent", 200), ("supervisor", 200), ("finance", 403), ("auditor", 403)])
def test_only_who_answers_threads_may_write(order: Order, role: str, status: int) -> None:
    browser = staff_with_role(role)
    assert browser.get(url()).status_code == status
    assert send(browser, order).status_code == status
    assert Thread.objects.exists() is (status == 200)
    assert ('/write/"' in browser.get(person_url()).content.decode()) is (status == 200)


def test_without_the_orders_permission_it_is_closed(order: Order) -> None:
    assert staff_with("support.change_thread", "support.view_thread").get(url()).status_code == 403


def test_an_unknown_key_or_a_person_without_an_address_is_not_found(order: Order) -> None:
    browser = signed_in(make_agent())
    assert browser.get("/admin/desk/person/abc/write/").status_code == 404
    key = make_person_key("unknown@example.com")
    assert browser.get(f"/admin/desk/person/{key}/write/").status_code == 404
