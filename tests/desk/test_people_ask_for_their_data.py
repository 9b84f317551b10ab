"""A person asks for a copy or the erasure of their data with an emailed link. Staff carry it out."""

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from desk.models import Erasure, ExportLink, PersonRequest
from desk.person_keys import make_person_key
from desk.privacy import requests
from desk.privacy.erase import erase
from desk.roles import AGENT, SUPERVISOR
from notifications.delivery import deliver_due
from notifications.models import Message
from orders.models import Order
from orders.services.address_corrections import correct_address
from support.models import Thread
from tests.desk.held_data import HeldPerson, traces
from tests.desk.staff import staff_with_role
from tests.factories import make_order
from tests.pages import result

pytestmark = pytest.mark.django_db

ASK, SENT = "/my-data/", "/my-data/sent/"
ADDRESS = "ann@example.com"


@pytest.fixture
def order() -> Order:
    return make_order(store_email="Ann@Example.com")


def ask(address: str = ADDRESS, kind: str = "copy", client: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=client).post(ASK, {"email": address, "kind": kind})


def link_in(email: Any) -> str:
    found = re.search(r"https?://[^/\s]+(/my-data/(?:confirm|download)/[^\s\"]+/)", email.body)
    assert found is not None, email.body
    return found[1]


def ask_and_confirm(mailoutbox: list, kind: str = "copy") -> PersonRequest:
    ask(kind=kind)
    deliver_due()
    assert Client().post(link_in(mailoutbox[-1])).status_code == 200
    return PersonRequest.objects.waiting().latest("pk")


def data_url(address: str = ADDRESS) -> str:
    return f"/admin/desk/person/{make_person_key(address)}/data/"


# --- Asking -----------------------------------------------------------------------------------------------------------


def test_a_link_goes_to_the_address_as_the_order_has_it(order: Order, mailoutbox: list) -> None:
    assert ask(" ANN@example.COM ").headers["Location"] == SENT
    deliver_due()
    [email] = mailoutbox
    assert email.to == ["Ann@Example.com"]
    assert "60 minutes" in email.body


@pytest.mark.parametrize("kind", ["copy", "erasure"])
def test_nothing_happens_before_the_button_is_used(order: Order, mailoutbox: list, kind: str) -> None:
    ask(kind=kind)
    deliver_due()
    path = link_in(mailoutbox[0])
    for _scanner in range(3):
        assert Client().get(path).status_code == 200
    assert not PersonRequest.objects.confirmed().exists()
    answer = Client().post(path)
    assert result(answer) == "confirmed"
    assert PersonRequest.objects.waiting().get().kind == kind
    order.refresh_from_db()
    assert order.erased_at is None  # staff erase it


def test_known_and_unknown_addresses_get_the_same_answer(order: Order, mailoutbox: list) -> None:
    known, unknown = ask(), ask("nobody@example.com", client="192.0.2.2")
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert PersonRequest.objects.count() == Message.objects.count() == 2
    deliver_due()
    assert [email.to for email in mailoutbox] == [["Ann@Example.com"]]
    assert Client().get(SENT).status_code == 200


def test_an_address_without_orders_is_known_by_its_messages(mailoutbox: list) -> None:
    Thread.objects.create(kind=Thread.Kind.CONTACT, subject="Hello", email="Ann@example.com")
    ask()
    deliver_due()
    assert mailoutbox[0].to == ["Ann@example.com"]


def test_one_address_gets_few_emails_and_one_client_asks_for_few(order: Order, mailoutbox: list) -> None:
    answers = [ask(client=f"192.0.2.{number}").status_code for number in range(5)]
    assert answers == [302, 302, 302, 429, 429]
    strangers = [ask(f"{number}@example.com", client="198.51.100.1").status_code for number in range(12)]
    assert strangers.count(429) == 2
    deliver_due()
    assert len(mailoutbox) == 3


@pytest.mark.parametrize(
    "typed", [{}, {"email": "x"}, {"email": ADDRESS}, {"email": ADDRESS, "kind": "everything"}, {"kind": "copy"}]
)
def test_an_incomplete_form_says_what_is_missing(typed: dict[str, str]) -> None:
    answer = Client().post(ASK, typed)
    assert (answer.status_code, result(answer)) == (422, "invalid")
    assert not PersonRequest.objects.exists()


def test_changing_the_language_keeps_what_was_typed(client: Client) -> None:
    page = client.get(ASK)
    assert "form_my_data" in page.content.decode()


# --- The link ---------------------------------------------------------------------------------------------------------


def test_a_link_works_once_and_expires(order: Order, mailoutbox: list) -> None:
    for _email in range(2):
        ask()
    deliver_due()
    first, second = map(link_in, mailoutbox)
    assert result(Client().post(first)) == "confirmed"
    assert result(Client().post(first)) == "confirmed"  # a double click makes no second request
    assert PersonRequest.objects.confirmed().count() == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert Client().get(second).status_code == 410
        assert Client().post(second).status_code == 410
    assert PersonRequest.objects.confirmed().count() == 1


@pytest.mark.parametrize("token", ["1", "1.x", "made.up", "%00"])
def test_a_made_up_link_opens_nothing(order: Order, token: str) -> None:
    PersonRequest.objects.create(kind="erasure", email_key=ADDRESS)
    for page in ("confirm", "download"):
        for send in (Client().get, Client().post):
            assert send(f"/my-data/{page}/{token}/").status_code == 404
    assert not PersonRequest.objects.confirmed().exists()


def test_the_token_of_one_link_opens_no_other(order: Order, mailoutbox: list) -> None:
    ask()
    deliver_due()
    token = link_in(mailoutbox[0]).split("/")[-2]
    for path in (f"/my-data/download/{token}/", f"/access/{token}/"):
        assert Client().post(path).status_code == 404


# --- Staff ------------------------------------------------------------------------------------------------------------


def test_supervisors_see_confirmed_requests_only(order: Order, mailoutbox: list) -> None:
    PersonRequest.objects.create(kind="copy", email_key="stranger@example.com")
    ask_and_confirm(mailoutbox)
    supervisor = staff_with_role(SUPERVISOR)
    page = supervisor.get("/admin/desk/personrequest/").content.decode()
    assert ADDRESS in page
    assert "stranger@example.com" not in page
    assert "Requests about personal data" in supervisor.get("/admin/").content.decode()
    assert staff_with_role(AGENT).get("/admin/desk/personrequest/").status_code == 403


def test_a_copy_is_downloaded_once_with_an_emailed_link(order: Order, mailoutbox: list) -> None:
    asked = ask_and_confirm(mailoutbox)
    answer = staff_with_role(SUPERVISOR).post(data_url(), {"action": "release", "request": asked.pk})
    assert answer.status_code == 302
    deliver_due()
    path = link_in(mailoutbox[-1])
    assert mailoutbox[-1].to == ["Ann@Example.com"]
    assert Client().get(path).status_code == 200
    download = Client().post(path)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(download.streaming_content)))  # type: ignore[attr-defined]
    assert json.loads(archive.read("person.json"))["data"]["orders.Order"][0]["number"] == order.number
    assert "no-store" in download["Cache-Control"]
    assert Client().post(path).status_code == 410
    assert Client().get(path).status_code == 410


def test_the_link_to_a_copy_expires(order: Order, mailoutbox: list) -> None:
    asked = ask_and_confirm(mailoutbox)
    assert requests.release_copy(asked, "lee")
    deliver_due()
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert Client().post(link_in(mailoutbox[-1])).status_code == 410


def test_two_supervisors_release_one_copy(order: Order, mailoutbox: list) -> None:
    asked = ask_and_confirm(mailoutbox)
    assert [requests.release_copy(asked, "lee"), requests.release_copy(asked, "ann")] == [True, False]
    assert ExportLink.objects.count() == 1
    asked.refresh_from_db()
    assert (asked.outcome, asked.settled_by_name) == ("done", "lee")


def test_a_copy_of_a_corrected_order_waits_until_that_cant_be_undone(order: Order, mailoutbox: list) -> None:
    correct_address(order, "thief@example.com")
    PersonRequest.objects.create(kind="copy", email_key="thief@example.com", used_at=timezone.now())
    asked = PersonRequest.objects.get()
    staff_with_role(SUPERVISOR).post(data_url("thief@example.com"), {"action": "release", "request": asked.pk})
    assert not ExportLink.objects.exists()


@pytest.mark.parametrize("kind", ["erasure", "copy"])
def test_a_request_is_declined(order: Order, mailoutbox: list, kind: str) -> None:
    asked = ask_and_confirm(mailoutbox, kind)
    supervisor = staff_with_role(SUPERVISOR)
    supervisor.post(data_url(), {"action": "decline", "request": asked.pk})
    asked.refresh_from_db()
    assert asked.outcome == "declined"
    supervisor.post(data_url(), {"action": "release", "request": asked.pk})
    assert not ExportLink.objects.exists()


@pytest.mark.parametrize("number", ["", "x", "0", "99999999999999999999", "-1"])
def test_a_made_up_request_is_not_answered(order: Order, number: str) -> None:
    answer = staff_with_role(SUPERVISOR).post(data_url(), {"action": "release", "request": number})
    assert answer.status_code == 302
    assert not ExportLink.objects.exists()


def test_the_request_of_another_person_is_not_answered_here(order: Order, mailoutbox: list) -> None:
    asked = ask_and_confirm(mailoutbox)
    staff_with_role(SUPERVISOR).post(data_url("bob@example.com"), {"action": "release", "request": asked.pk})
    assert not ExportLink.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_erasure_is_answered_and_then_the_address_is_gone(tmp_path: Path, mailoutbox: list) -> None:
    person = HeldPerson("zyxwv", tmp_path).fill()
    ask(person.address, "erasure")
    deliver_due()
    assert result(Client().post(link_in(mailoutbox[-1]))) == "confirmed"
    receipt = erase(person.address, "lee").receipt
    assert receipt is not None
    deliver_due()
    assert mailoutbox[-1].to == [person.address]
    assert receipt.reference in mailoutbox[-1].body
    assert traces("zyxwv") == []
    asked = PersonRequest.objects.get()
    assert (asked.email_key, asked.outcome, asked.settled_by_name) == ("", "done", "lee")
    assert Erasure.objects.get() == receipt


def test_an_erasure_without_a_request_sends_no_email(order: Order, mailoutbox: list) -> None:
    erase(order.email_key, "ops")
    deliver_due()
    assert mailoutbox == []


def test_a_copy_that_was_released_ends_with_an_erasure(order: Order, mailoutbox: list) -> None:
    asked = ask_and_confirm(mailoutbox)
    requests.release_copy(asked, "lee")
    deliver_due()
    erase(order.email_key, "lee")
    assert Client().post(link_in(mailoutbox[-1])).status_code == 404
