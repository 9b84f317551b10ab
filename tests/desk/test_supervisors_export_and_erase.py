"""Supervisors export and erase the data of a person from the person's page. Others can't."""

import io
import zipfile
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from desk.models import Erasure, LookRecord
from desk.person_keys import make_person_key
from desk.roles import AGENT, AUDITOR, EDITOR, FINANCE, SUPERVISOR
from refunds.models import CashbackClaim
from refunds.payout_details import PayoutDetails, encrypt
from support.models import ChargeClaim, Thread
from tests.desk.held_data import HeldPerson, traces
from tests.desk.people import person_url
from tests.desk.staff import staff_with, staff_with_role
from tests.factories import make_license, make_line, make_order
from tests.refunds.cashback import make_promotion

pytestmark = pytest.mark.django_db

WORD = "zyxwv"
ADDRESS = f"{WORD}@example.com"


@pytest.fixture
def person(tmp_path: Path) -> HeldPerson:
    return HeldPerson(WORD, tmp_path).fill()


@pytest.fixture
def supervisor() -> Client:
    return staff_with_role(SUPERVISOR)


def data_url(address: str = ADDRESS) -> str:
    return f"/admin/desk/person/{make_person_key(address)}/data/"


def test_the_person_page_links_to_it_for_supervisors_only(person: HeldPerson, supervisor: Client) -> None:
    def links(browser: Client) -> bool:
        return "Export or erase the data" in browser.get(person_url(ADDRESS)).content.decode()

    assert links(supervisor)
    assert not links(staff_with_role(AGENT))


@pytest.mark.parametrize("role", [AGENT, FINANCE, EDITOR, AUDITOR])
def test_other_roles_can_do_nothing(person: HeldPerson, role: str) -> None:
    browser, before = staff_with_role(role), traces(WORD)
    assert browser.get(data_url()).status_code == 403
    for action in ("export", "erase", "release", "decline"):
        assert browser.post(data_url(), {"action": action, "address": ADDRESS}).status_code == 403
    assert traces(WORD) == before


def test_strangers_are_sent_to_the_login(person: HeldPerson, client: Client) -> None:
    for send in (client.get, client.post):
        assert send(data_url())["Location"].startswith("/admin/login/")


def test_each_permission_allows_its_own_action(person: HeldPerson) -> None:
    exporting, erasing = staff_with("desk.export_person"), staff_with("desk.erase_person")
    assert exporting.post(data_url(), {"action": "erase", "address": ADDRESS}).status_code == 403
    assert erasing.post(data_url(), {"action": "export"}).status_code == 403
    assert "data-erasure" not in exporting.get(data_url()).content.decode()
    assert "data-export" not in erasing.get(data_url()).content.decode()


def test_a_made_up_key_is_not_found(supervisor: Client) -> None:
    assert supervisor.get("/admin/desk/person/made-up/data/").status_code == 404


def test_the_export_is_a_recorded_download(person: HeldPerson, supervisor: Client) -> None:
    answer = supervisor.post(data_url(), {"action": "export"})
    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]
    assert ADDRESS not in str(answer.headers)
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert b"person.json" in content
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    entry = LogEntry.objects.latest("pk")
    assert "Exported all data of a person" in entry.get_change_message()
    assert WORD not in f"{entry.object_repr}{entry.change_message}"
    assert LookRecord.objects.latest("pk").object_key == ADDRESS


def test_a_supervisor_who_may_not_see_bank_details_gets_their_end(supervisor: Client) -> None:
    order = make_order(store_email=ADDRESS)
    CashbackClaim.objects.create(
        status="approved",
        order=order,
        promotion=make_promotion(),
        license=make_license(make_line(order)),
        country="DE",
        currency="EUR",
        amount=10,
        payout_details=encrypt(PayoutDetails("Ann Archer", "DE89370400440532013000")),
    )

    def page(browser: Client) -> str:
        content = b"".join(browser.post(data_url(), {"action": "export"}).streaming_content)  # type: ignore[attr-defined]
        return zipfile.ZipFile(io.BytesIO(content)).read("person.html").decode()

    assert "DE893704" not in page(supervisor)
    finance = staff_with("desk.export_person", "refunds.reveal_payoutdetails")
    assert "DE89370400440532013000" in page(finance)


def test_the_page_says_what_would_go_and_changes_nothing(person: HeldPerson, supervisor: Client) -> None:
    before = traces(WORD)
    page = supervisor.get(data_url()).content.decode()
    assert "orders: 1" in page
    assert "threads: 1" in page
    assert traces(WORD) == before


def test_an_erasure_needs_the_address_typed_once_more(person: HeldPerson, supervisor: Client) -> None:
    for typed in ("", "bob@example.com", "x" * 300):
        answer = supervisor.post(data_url(), {"action": "erase", "address": typed})
        assert answer.status_code == 200
        assert not Erasure.objects.exists()
    answer = supervisor.post(data_url(), {"action": "erase", "address": f" {ADDRESS.upper()}"})
    receipt = Erasure.objects.get()
    assert answer["Location"] == f"/admin/desk/erasure/{receipt.pk}/change/"
    page = supervisor.get(answer["Location"]).content.decode()
    assert receipt.reference in page
    assert traces(WORD) == []
    entry = LogEntry.objects.latest("pk")
    assert (entry.object_repr, entry.get_change_message()) == (receipt.reference, "Erased all data of a person")
    assert receipt.made_by_name


def test_a_refused_erasure_says_why(supervisor: Client) -> None:
    make_order(store_email=ADDRESS)
    thread = Thread.objects.create(kind=Thread.Kind.CHARGE_CLAIM, subject="Charge", email=ADDRESS)
    ChargeClaim.objects.create(thread=thread)
    assert thread.reference in supervisor.get(data_url()).content.decode()
    answer = supervisor.post(data_url(), {"action": "erase", "address": ADDRESS})
    assert thread.reference in answer.content.decode()
    assert not Erasure.objects.exists()


def test_an_unknown_action_is_refused(person: HeldPerson, supervisor: Client) -> None:
    assert supervisor.post(data_url(), {"action": "delete"}).status_code == 403
    assert supervisor.put(data_url()).status_code == 405


def test_receipts_are_listed_and_cant_be_changed(person: HeldPerson, supervisor: Client) -> None:
    supervisor.post(data_url(), {"action": "erase", "address": ADDRESS})
    receipt = Erasure.objects.get()
    auditor = staff_with_role(AUDITOR)
    assert receipt.reference in auditor.get("/admin/desk/erasure/").content.decode()
    for path in (f"{receipt.pk}/delete/", "add/"):
        assert supervisor.post(f"/admin/desk/erasure/{path}", {"post": "yes"}).status_code == 403
    supervisor.post(f"/admin/desk/erasure/{receipt.pk}/change/", {"made_by_name": "x"})
    receipt.refresh_from_db()
    assert receipt.made_by_name != "x"


def test_the_record_of_looks_no_longer_names_the_person(person: HeldPerson, supervisor: Client) -> None:
    supervisor.get(person_url(ADDRESS))
    supervisor.post(data_url(), {"action": "erase", "address": ADDRESS})
    assert LookRecord.objects.filter(kind="person", object_key="").exists()
    page = supervisor.get("/admin/desk/lookrecord/").content.decode()
    assert WORD not in page
