"""After an erasure, nothing anywhere names the person. What law requires to keep stays."""

import json
import threading
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from desk.models import Erasure
from desk.privacy.erase import erase
from files.models import Upload
from intake.models import ImportRun
from licenses.models import Device
from notifications.delivery import deliver_due
from notifications.models import Message
from orders.models import AddressCorrection, Order, SuppressedAddress
from orders.passwords import portal_password
from orders.suppression import erasure_times
from support.models import ChargeClaim, Thread
from tests.desk.held_data import HeldPerson, traces
from tests.factories import make_license, make_line, make_order
from tests.files.factories import files_in

pytestmark = pytest.mark.django_db

WORD = "zyxwv"


@pytest.fixture
def person(tmp_path: Path) -> HeldPerson:
    return HeldPerson(WORD, tmp_path).fill()


def run(*args: str) -> str:
    output = StringIO()
    call_command("erase_person", *args, stdout=output)
    return output.getvalue()


def test_nothing_names_the_person_anymore(
    person: HeldPerson, upload_folder: Path, django_capture_on_commit_callbacks
) -> None:
    browser = person.browser()
    order = person.order
    assert len(traces(WORD)) > 25
    assert len(files_in(upload_folder)) == 2
    with django_capture_on_commit_callbacks(execute=True):
        run(person.address)
    assert traces(WORD) == []
    assert files_in(upload_folder) == []
    assert not Upload.objects.exists()
    assert browser.get(f"/orders/{order.public_id}/").status_code == 302


@pytest.mark.parametrize("word", ["zyxw+tag", "zyxw'v", "zyxwü"])
def test_nothing_names_a_person_with_unusual_letters(word: str, tmp_path: Path, upload_folder: Path) -> None:
    person = HeldPerson(word, tmp_path).fill()
    admin_changes = [{"changed": {"name": "device", "object": f"Laptop of {word} Archer", "fields": [person.address]}}]
    rows = LogEntry.objects.filter(change_message=f"Renamed {word} Archer")
    assert rows.update(change_message=json.dumps(admin_changes)) == 1
    run(person.address)
    assert traces(word) == traces(json.dumps(word)[1:-1]) == []
    kept = json.loads(LogEntry.objects.get(change_message__contains="device").change_message)
    assert kept == [{"changed": {"name": "device", "object": "… Archer", "fields": ["…"]}}]


def test_what_law_requires_to_keep_stays(person: HeldPerson) -> None:
    before = person.order
    run(person.address)
    order = person.order
    for name in (
        "number",
        "placed_at",
        "currency",
        "subtotal",
        "tax",
        "total",
        "status",
        "billing_country",
        "store_id",
    ):
        assert getattr(order, name) == getattr(before, name), name
    assert order.erased_at is not None
    assert [line.name for line in order.items] == ["Maximum Security"]
    assert order.licensed_lines.get().license.serial == "SERIAL-OF-A-1001-acme-eu"
    made = order.returns.get()
    assert (made.amount, made.status, made.transactions.get().store_reference) == (Decimal(5), "refunded", "V-1")
    assert order.cashback_claims.get().payout_reference == "V-2"
    assert Device.objects.get().vendor_id == "device-1"


def test_the_receipt_counts_and_names_nobody(person: HeldPerson) -> None:
    output = run(person.address)
    receipt = Erasure.objects.get()
    assert receipt.reference in output
    assert receipt.counts["orders.Order"] == 1
    assert receipt.counts["files.Upload"] == 2
    assert WORD not in output
    assert WORD not in str(receipt.counts)


def test_a_dry_run_counts_the_same_and_changes_nothing(person: HeldPerson, upload_folder: Path) -> None:
    before = traces(WORD)
    dry = run(person.address, "--dry-run")
    assert traces(WORD) == before
    assert len(files_in(upload_folder)) == 2
    assert not Erasure.objects.exists()
    assert not SuppressedAddress.objects.exists()
    counted = [line for line in dry.splitlines() if line.startswith(" ")]
    assert counted == [line for line in run(person.address).splitlines() if line.startswith(" ")]


def test_it_can_be_repeated(person: HeldPerson) -> None:
    run(person.address)
    generation = person.order.access_generation
    assert "Nothing is held about this address." in run(person.address)
    assert Erasure.objects.count() == 1
    assert person.order.access_generation == generation


def test_any_spelling_of_the_address_finds_the_person(person: HeldPerson) -> None:
    run(f" {WORD.upper()}@EXAMPLE.com")
    assert traces(WORD) == []


def test_an_address_without_a_key_is_refused() -> None:
    make_order(store_email="")
    with pytest.raises(CommandError) as error:
        run("nobody")
    assert error.value.returncode == 2
    assert not Order.objects.exclude(erased_at=None).exists()


def test_no_one_opens_the_order_anymore(person: HeldPerson) -> None:
    order = person.order
    Order.objects.filter(pk=order.pk).update(password_hash="", card_last4="4242")
    order.refresh_from_db()
    password = portal_password(order)
    run(person.address)
    for path, typed in (
        ("number", {"order_number": order.number, "password": password}),
        ("number", {"order_number": order.number, "password": f"{WORD}-password"}),
        ("card", {"email": person.address, "card_last4": "4242"}),
    ):
        assert Client().post(f"/orders/find/{path}/", typed).status_code == 422
    Client().post("/orders/find/link/", {"email": person.address})
    assert deliver_due()["cancelled"] == 1  # the link to an unknown address


def test_waiting_emails_are_not_sent(person: HeldPerson, mailoutbox: list) -> None:
    run(person.address)
    assert not Message.objects.exists()
    deliver_due()
    assert mailoutbox == []


def test_others_keep_everything(person: HeldPerson, tmp_path: Path) -> None:
    other = HeldPerson("qwert", tmp_path, store="other-store").fill()  # the same order number, in another store
    before = traces("qwert")
    run(person.address)
    assert traces(WORD) == []
    # Attempts by the number that both orders have are deleted with those of the person.
    assert traces("qwert") == before
    assert other.order.email == other.address


def test_the_claims_and_corrections_of_others_lose_only_the_address(person: HeldPerson) -> None:
    theirs = make_order(store_email=person.address, contact_email="bob@example.com")
    AddressCorrection.objects.create(
        order=theirs, old_email=person.address, new_email="bob@example.com", undo_until=timezone.now()
    )
    thread = Thread.objects.create(kind=Thread.Kind.CHARGE_CLAIM, subject="Charge", email="bob@example.com")
    ChargeClaim.objects.create(thread=thread, other_emails=[person.address.title(), "carl@example.com"])
    run(person.address)
    theirs.refresh_from_db()
    assert (theirs.store_email, theirs.email, theirs.email_key) == ("", "bob@example.com", "bob@example.com")
    assert theirs.erased_at is None
    assert AddressCorrection.objects.get(order=theirs).new_email == "bob@example.com"
    assert ChargeClaim.objects.get(thread=thread).other_emails == ["carl@example.com"]
    assert traces(WORD) == []


def test_a_license_that_someone_else_renewed_keeps_its_devices(person: HeldPerson) -> None:
    license = person.order.licensed_lines.get().license
    renewal = make_order(store_email="bob@example.com")
    line = make_line(renewal)
    line.licensed_lines.create(order=renewal, license=license)
    run(person.address)
    assert Device.objects.get().name == f"Laptop of {WORD}"


def test_an_undo_of_the_import_skips_the_erased_order(person: HeldPerson) -> None:
    first = ImportRun.objects.earliest("pk")
    run(person.address)
    call_command("undo_import", str(first.pk), verbosity=0, stdout=StringIO())
    assert person.order.erased_at is not None
    assert traces(WORD) == []


def test_the_list_of_suppressed_addresses_contains_no_address_and_needs_the_key(
    person: HeldPerson, settings: Settings
) -> None:
    run(person.address)
    [entry] = SuppressedAddress.objects.all()
    assert WORD not in entry.digest
    assert erasure_times([person.address])
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key of fifty characters, which is long enough"
    assert erasure_times([person.address]) == {}
    settings.SECRET_KEY_FALLBACKS = [old]
    assert erasure_times([person.address])


def test_slow_hashes_of_stores_end_too() -> None:
    order = make_order(password_hash=make_password("from the store"))
    erase(order.email_key, "ops")
    order.refresh_from_db()
    assert order.password_hash == ""


@pytest.mark.django_db(transaction=True)
def test_two_simultaneous_erasures_make_one_receipt(tmp_path: Path) -> None:
    person = HeldPerson(WORD, tmp_path).fill()
    receipts = []

    def work() -> None:
        try:
            receipts.append(erase(person.address, "ops").receipt)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(receipt is not None for receipt in receipts) == 1
    assert traces(WORD) == []


@pytest.mark.django_db(transaction=True)
def test_an_error_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upload_folder: Path
) -> None:
    person = HeldPerson(WORD, tmp_path).fill()
    before = traces(WORD)
    monkeypatch.setattr("desk.privacy.erase.suppress", lambda key, now: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erase(person.address, "ops")
    assert traces(WORD) == before
    assert len(files_in(upload_folder)) == 2


def test_old_licenses_of_two_orders_of_the_person_lose_their_devices() -> None:
    order = make_order()
    license = make_license(make_line(order))
    renewal = make_order(store_email=order.store_email)
    make_line(renewal).licensed_lines.create(order=renewal, license=license)
    Device.objects.create(
        license=license,
        vendor_id="1",
        name="Laptop",
        activated_at=timezone.now() - timedelta(days=1),
        last_seen_at=timezone.now(),
    )
    erase(order.email_key, "ops")
    assert Device.objects.get().name == ""
