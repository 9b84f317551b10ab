"""The export has everything that is held about a person, and nothing of others, and no secrets."""

import io
import json
import stat
import zipfile
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from desk.privacy.export import collect, write_zip
from desk.privacy.inventory import HOLDINGS, Erased
from desk.privacy.sections import SECTIONS
from files.models import Upload, private_storage
from orders.models import AddressCorrection, Attempt, Order
from orders.passwords import hash_imported_password
from refunds.models import CashbackClaim
from refunds.payout_details import PayoutDetails, encrypt
from support.models import ChargeClaim, Thread, ThreadFile, ThreadMessage
from tests.desk.held_data import HeldPerson
from tests.factories import make_license, make_line, make_order
from tests.files.factories import jpeg
from tests.refunds.cashback import make_promotion

pytestmark = pytest.mark.django_db

WORD = "zyxwv"


@pytest.fixture
def person(tmp_path: Path) -> HeldPerson:
    return HeldPerson(WORD, tmp_path).fill()


def export(address: str, **options: Any) -> tuple[dict[str, Any], str, zipfile.ZipFile]:
    """Return the JSON, the HTML and the ZIP file."""
    file = io.BytesIO()
    write_zip(collect(address, **options), file)
    archive = zipfile.ZipFile(file)
    return json.loads(archive.read("person.json")), archive.read("person.html").decode(), archive


def test_it_has_a_row_of_every_table(person: HeldPerson) -> None:
    content, page, _archive = export(person.address)
    held = {each.model for each in HOLDINGS if each.personal and each.erased is not Erased.STAFF}
    assert held - content["data"].keys() == set()
    for label in content["data"]:
        model = next(model for model in SECTIONS if model._meta.label == label)
        assert str(model._meta.verbose_name_plural).lower() in page.lower()


def test_it_has_the_values_of_every_personal_field(person: HeldPerson) -> None:
    """Except keys, which repeat the address, and texts that are empty in this person's rows."""
    content, page, _archive = export(person.address)
    filled = f"{WORD} Archer", f"{WORD} Ltd", f"{WORD} Road 1", f"{WORD}ville", f"{WORD}-7", f"DE{WORD}", "4242", "1881"
    texts = (
        f"comment of {WORD}",
        f"text of {WORD}",
        f"note on {WORD}",
        f"message of {WORD}",
        f"question of {WORD}",
        f"approved for {WORD}",
        f"another for {WORD}",
        f"refunded to {WORD}",
        f"Laptop of {WORD}",
        f"{WORD} receipt.jpg",
        f"{WORD} screenshot.jpg",
        "SERIAL-OF-A-1001",
        "192.0.2.7",
        "192.0.2.8",
    )
    written = json.dumps(content, ensure_ascii=False)
    for text in (*filled, *texts):
        assert text in written, text
        assert text in page, text


def test_the_files_are_included(person: HeldPerson) -> None:
    content, _page, archive = export(person.address)
    assert len(content["files"]) == 2
    for name in content["files"]:
        assert archive.read(name)[:2] == jpeg()[:2]


def test_it_has_no_secrets(person: HeldPerson) -> None:
    order = person.order
    Order.objects.filter(pk=order.pk).update(password_hash=hash_imported_password("hunter2"))
    written = "".join(map(str, export(person.address)[:2]))
    for secret in (f"{WORD}-password", "keyed$", "hunter2", *person.paths):
        assert secret not in written
    assert not any(field in written for field in ('"password_hash"', '"shared_key"', '"sources"', '"message_id"'))


def test_two_people_with_the_same_name_and_number_stay_apart(person: HeldPerson, tmp_path: Path) -> None:
    other = HeldPerson("qwert", tmp_path, store="other-store").fill()
    Order.objects.update(billing_name="Ann Archer")
    content, page, archive = export(person.address)
    assert "qwert" not in json.dumps(content)
    assert "qwert" not in page
    assert [row["store"] for row in content["data"]["orders.Order"]] == ["acme-eu"]
    # Attempts by the number could be those of the other.
    assert {row["subject"] for row in content["data"]["orders.Attempt"]} == {person.address, person.address.upper()}
    assert not any("qwert" in name for name in archive.namelist())
    assert WORD not in json.dumps(export(other.address)[0])


def test_the_addresses_of_others_are_masked() -> None:
    order = make_order(store_email="ann.mistyped@example.org", contact_email="ann@example.com")
    AddressCorrection.objects.create(order=order, old_email="ann.mistyped@example.org", new_email="ann@example.com")
    written = json.dumps(export("ann@example.com")[0], ensure_ascii=False)
    assert "mistyped" not in written
    assert "a…@e….org" in written


def test_an_earlier_address_learns_nothing_about_the_order() -> None:
    order = make_order(number="HIDDEN-1", store_email="old@example.com", contact_email="new@example.com")
    AddressCorrection.objects.create(
        order=order, old_email="old@example.com", new_email="new@example.com", client="192.0.2.9"
    )
    content = export("old@example.com")[0]
    assert content["data"].keys() == {"orders.AddressCorrection"}
    written = json.dumps(content)
    assert not any(text in written for text in ("HIDDEN-1", "192.0.2.9", "new@", "Bea"))


def test_the_network_of_a_stranger_is_not_included() -> None:
    order = make_order(store_email="ann@example.com")
    for outcome, client in ((Attempt.Outcome.REFUSED, "198.51.100.66"), (Attempt.Outcome.FOUND, "192.0.2.7")):
        Attempt.objects.create(method="card", outcome=outcome, subject=order.email_key, client=client)
    written = json.dumps(export("ann@example.com")[0])
    assert "192.0.2.7" in written
    assert "198.51.100.66" not in written


def test_a_claim_of_someone_else_shows_only_the_own_address() -> None:
    thread = Thread.objects.create(kind=Thread.Kind.CHARGE_CLAIM, subject="Secret", email="bob@example.com")
    ChargeClaim.objects.create(thread=thread, other_emails=["ann@example.com", "carl@example.com"], order_number="B-1")
    assert export("ann@example.com")[0]["data"] == {"support.ChargeClaim": [{"other_emails": ["ann@example.com"]}]}


def test_bank_details_are_in_full_only_if_they_may_be_seen() -> None:
    order = make_order(store_email="ann@example.com")
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
    assert "DE89370400440532013000" in json.dumps(export("ann@example.com", reveals_payout=True)[0])
    masked = json.dumps(export("ann@example.com")[0], ensure_ascii=False)
    assert "DE893704" not in masked
    assert "…3000" in masked


HOSTILE = "<script>alert(1)</script>"


def test_what_people_typed_is_no_markup(person: HeldPerson) -> None:
    ThreadMessage.objects.update(text=HOSTILE)
    page = export(person.address)[1]
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\x.exe", "/abs.jpg", "a\x00b.jpg", "..", "CON", "‮gpj.exe"]
)
def test_the_name_of_a_file_cant_leave_its_folder(person: HeldPerson, name: str) -> None:
    Upload.objects.filter(thread_file__isnull=False).update(name=name.replace("\x00", ""))
    for inside in export(person.address)[2].namelist():
        assert inside in ("person.json", "person.html") or inside.startswith("files/00")
        assert ".." not in inside.split("/")
        assert "\\" not in inside
        assert inside.count("/") <= 1


def test_a_missing_file_is_told(person: HeldPerson, tmp_path: Path) -> None:
    private_storage().delete(Upload.objects.get(thread_file__isnull=False).stored_name)
    assert ThreadFile.objects.exists()
    assert "1 file could not be read." in export(person.address)[1]
    with pytest.raises(CommandError) as error:
        call_command("export_person", person.address, "--output", str(tmp_path / "x.zip"), stdout=StringIO())
    assert error.value.returncode == 1
    assert zipfile.ZipFile(tmp_path / "x.zip").testzip() is None


def test_the_number_of_queries_doesnt_grow_with_the_rows(django_assert_max_num_queries) -> None:
    for _order in range(30):
        make_license(make_line(make_order(store_email="ann@example.com")))
    with django_assert_max_num_queries(75):
        collect("ann@example.com")


# --- The command ------------------------------------------------------------------------------------------------------


def test_the_command_writes_a_file_that_only_its_user_reads(person: HeldPerson, tmp_path: Path) -> None:
    path, output = tmp_path / "ann.zip", StringIO()
    call_command("export_person", person.address.upper(), "--output", str(path), stdout=output)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "1  orders.Order" in output.getvalue()
    assert zipfile.ZipFile(path).testzip() is None


def test_it_never_overwrites_a_file(person: HeldPerson, tmp_path: Path) -> None:
    path = tmp_path / "ann.zip"
    path.write_text("something else")
    with pytest.raises(CommandError, match="exists") as error:
        call_command("export_person", person.address, "--output", str(path), stdout=StringIO())
    assert error.value.returncode == 2
    assert path.read_text() == "something else"


@pytest.mark.parametrize("arguments", [("no address",), ("ann@example.com", "--output", "/no/such/folder/x.zip")])
def test_an_unusable_call_says_so(arguments: tuple[str, ...]) -> None:
    make_order(store_email="ann@example.com")
    with pytest.raises(CommandError) as error:
        call_command("export_person", *arguments, stdout=StringIO())
    assert error.value.returncode == 2


def test_an_unknown_address_writes_nothing(tmp_path: Path) -> None:
    output = StringIO()
    call_command("export_person", "ann@example.com", "--output", str(tmp_path / "x.zip"), stdout=output)
    assert output.getvalue() == "Nothing is held about this address.\n"
    assert list(tmp_path.glob("*.zip")) == []


def test_nothing_is_left_of_a_file_that_cant_be_completed(
    person: HeldPerson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("desk.privacy.export._as_json", full)
    with pytest.raises(CommandError, match="No space left"):
        call_command("export_person", person.address, "--output", str(tmp_path / "x.zip"), stdout=StringIO())
    assert not (tmp_path / "x.zip").exists()


def test_the_time_is_in_the_file(person: HeldPerson) -> None:
    made_at = export(person.address)[0]["made_at"]
    assert abs(timezone.now() - timezone.datetime.fromisoformat(made_at)) < timedelta(minutes=1)
