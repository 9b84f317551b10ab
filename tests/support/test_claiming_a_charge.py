from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from files.file_types import EICAR
from files.models import Upload
from notifications.models import Message
from support.models import ChargeClaim, Thread, ThreadFile
from tests.factories import make_license, make_line, make_order, make_product
from tests.files.factories import files_in, heic, jpeg, pdf_bytes, pdf_with_action, png_bomb, upload
from tests.pages import marks, result, text
from tests.support.submissions import CLAIM_FORM, latest_email, submit_claim

pytestmark = pytest.mark.django_db

PAGE = "/help/charged/"


def test_the_page_shows_hints_before_the_form(client: Client) -> None:
    page = client.get(PAGE)
    content = text(page)
    for hint in ("spam", "3 hours", "another email address", "Apple Pay", "pending"):
        assert hint in content
    assert content.index("pending") < content.index("Send charge claim")
    assert "no-store" in page["Cache-Control"]


def test_a_claim_is_stored_completely_and_its_page_opens(client: Client) -> None:
    proofs = [upload(jpeg(), "statement.jpg"), upload(heic(), "IMG_1.HEIC"), upload(pdf_bytes(), "receipt.pdf")]
    thread = submit_claim(
        client, order_number=" # a-1001.", serial="xaab-1234", proof=proofs, other_emails="b@example.org"
    )
    claim = thread.charge_claim
    assert (claim.amount, claim.currency, claim.charged_on) == (Decimal("79.95"), "EUR", date(2026, 11, 1))
    assert (claim.card_brand, claim.card_last4, claim.serial) == ("Visa", "4242", "xaab-1234")
    assert claim.other_emails == ["b@example.org"]
    assert thread.reference.startswith("B-")
    assert sorted(ThreadFile.objects.values_list("upload__media_type", flat=True)) == [
        "application/pdf",
        "image/jpeg",
        "image/jpeg",
    ]
    page = client.get(thread.path)
    assert marks(page, "data-reference") == [thread.reference]
    assert "€79.95" in text(page)
    assert "receipt.pdf" in text(page)
    assert "no-store" in page["Cache-Control"]


def test_the_receipt_contains_the_reference_and_a_link(client: Client) -> None:
    thread = submit_claim(client)
    email = latest_email("claim_received")
    assert email.to == ["bea@example.com"]
    assert thread.reference in email.subject
    assert "/help/threads/open/" in email.body


def test_a_repeated_submission_creates_nothing_new(client: Client) -> None:
    typed = {**CLAIM_FORM, "submission_id": str(uuid4())}
    first = client.post(PAGE, {**typed, "proof": upload(jpeg())})
    again = client.post(PAGE, {**typed, "proof": upload(jpeg())})
    other_tab = Client().post(PAGE, {**typed, "proof": upload(jpeg())})
    assert first["Location"] == again["Location"] == other_tab["Location"]
    assert ChargeClaim.objects.count() == Upload.objects.count() == Message.objects.count() == 1


def test_different_content_from_the_same_form_is_another_claim(client: Client) -> None:
    typed = {**CLAIM_FORM, "submission_id": str(uuid4())}
    client.post(PAGE, typed)
    client.post(PAGE, typed | {"amount": "9.99"})
    assert ChargeClaim.objects.count() == 2


@pytest.mark.parametrize("way", [{"amount": "79,95"}, {"card_last4": "4242"}, {"order_number": "1"}, {"serial": "X1"}])
def test_one_search_field_is_enough(client: Client, way: dict[str, str]) -> None:
    assert client.post(PAGE, {"email": "bea@example.com"} | way).status_code == 302


def test_a_claim_without_any_search_field_is_refused(client: Client) -> None:
    answer = client.post(PAGE, {"email": "bea@example.com", "message": "my money!"})
    assert answer.status_code == 422
    assert "one of these" in text(answer)
    assert "my money!" in answer.content.decode()
    assert not Thread.objects.exists()


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("79,95 €", "79.95"), ("$1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("1 234,50", "1234.5"), ("79", "79")],
)
def test_amounts_are_parsed_in_common_notations(client: Client, typed: str, amount: str) -> None:
    assert submit_claim(client, amount=typed).charge_claim.amount == Decimal(amount)


def test_the_currency_decides_between_thousands_and_three_decimals(client: Client) -> None:
    assert submit_claim(client, amount="1.234", currency="EUR").charge_claim.amount == 1234
    assert submit_claim(client, amount="1.234", currency="KWD").charge_claim.amount == Decimal("1.234")


@pytest.mark.parametrize("typed", ["2026-11-01", "01.11.2026", "1/11/26", "2026/11/01"])
def test_unambiguous_dates_are_parsed_and_ambiguous_ones_refused(client: Client, typed: str) -> None:
    answer = client.post(PAGE, {**CLAIM_FORM, "charged_on": typed})
    if typed == "1/11/26":  # November or January
        assert "year-month-day" in text(answer)
    else:
        assert answer.status_code == 302
        assert ChargeClaim.objects.get().charged_on == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"email": ""}, "email address for our reply"),
        ({"email": "bea"}, "one @"),
        ({"email": "bea@mail,com"}, "We can’t send email"),
        ({"amount": "a lot"}, "as a number"),
        ({"amount": "0"}, "above zero"),
        ({"currency": "XXX"}, "currencies in the list"),
        ({"charged_on": (timezone.now() + timedelta(days=2)).date().isoformat()}, "in the future"),
        ({"charged_on": "1999-01-01"}, "too long ago"),
        ({"charged_on": "soon"}, "year-month-day"),
        ({"card_last4": "42"}, "Enter the last 4 digits"),
        ({"card_last4": "4242 4242 4242 4242"}, "only the last 4 digits"),
        ({"order_number": "x" * 65}, "too long"),
        ({"other_emails": "bea@example"}, "isn’t an email address"),
        ({"other_emails": " ".join(f"a{number}@example.com" for number in range(6))}, "at most 5"),
        ({"message": "x" * 5001}, "too long"),
        ({"subject": "a\x00b", "message": "a\x00b"}, "can’t be typed"),
    ],
)
def test_invalid_fields_get_a_message(client: Client, wrong: dict[str, str], error: str) -> None:
    answer = client.post(PAGE, {**CLAIM_FORM, **wrong})
    assert answer.status_code == 422
    assert result(answer) == "invalid"
    assert error in text(answer)
    assert not Thread.objects.exists()


@pytest.mark.parametrize("name", ["email", "amount", "card_brand", "card_last4", "other_emails"])
def test_a_complete_card_number_is_refused_in_every_field_and_not_shown_again(client: Client, name: str) -> None:
    answer = client.post(PAGE, {**CLAIM_FORM, name: "4242 4242 4242 4242"})
    assert answer.status_code == 422
    assert "4 digits" in text(answer)
    assert "4242 4242" not in answer.content.decode()
    assert not Thread.objects.exists()


@pytest.mark.parametrize("name", ["order_number", "serial", "message"])
def test_a_card_number_is_masked_where_the_claim_would_be_lost(client: Client, name: str) -> None:
    answer = client.post(PAGE, {**CLAIM_FORM, name: "visa 4242.4242 4242-4242"}, follow=True)
    assert "We kept only its last 4 digits" in text(answer)
    claim = ChargeClaim.objects.get()
    stored = [claim.order_number, claim.serial, claim.thread.events.first().text]
    assert next(each for each in stored if "4242" in each).endswith("••••4242")
    assert all("4242 4242" not in each and "4242.4242" not in each for each in stored)


def test_a_serial_number_of_a_product_with_such_serial_numbers_is_kept(client: Client) -> None:
    make_product(serial_pattern="0000-0000-0000-0000")
    client.post(PAGE, {**CLAIM_FORM, "serial": "5555-5555-5555-4444"})
    assert ChargeClaim.objects.get().serial == "5555-5555-5555-4444"


def test_numbers_like_those_that_are_known_are_kept(client: Client) -> None:
    make_order(number="4242429999999990")
    make_license(make_line(make_order()), serial="5555559999999990")
    client.post(PAGE, {**CLAIM_FORM, "order_number": "4242424242424242", "serial": "5555 5555 5555 4444"})
    claim = ChargeClaim.objects.get()
    assert (claim.order_number, claim.serial) == ("4242424242424242", "5555 5555 5555 4444")


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (b"", "empty.jpg", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "SVG"),
        (b"<!doctype html><p>hello", "a.jpg", "web page"),
        (b"PK\x03\x04" + b"\0" * 40, "a.zip", "archive"),
        (pdf_with_action(S="/JavaScript", JS="app.alert(1)"), "a.pdf", "PDF"),
        (b"\xff\xd8\xff\xe0 not a photo", "a.jpg", "damaged"),
        (EICAR + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*", "a.jpg", "program"),
        (png_bomb(30_000, 30_000), "a.png", "image"),
        (jpeg()[:100] + b"<script>alert(1)</script>", "a.jpg", "damaged"),
    ],
)
def test_a_refused_proof_is_explained_and_nothing_is_stored(
    client: Client, upload_folder: Path, content: bytes, name: str, error: str
) -> None:
    answer = client.post(PAGE, {**CLAIM_FORM, "proof": [upload(jpeg()), upload(content, name)]})
    assert answer.status_code == 422
    assert error in text(answer)
    assert "Choose your files again." in text(answer)
    assert not Thread.objects.exists()
    assert not Upload.objects.exists()
    assert not files_in(upload_folder)


def test_a_file_name_with_a_path_is_shown_without_it(client: Client, upload_folder: Path) -> None:
    thread = submit_claim(client, proof=upload(jpeg(), "../../../etc/pass<wd.jpg"))
    assert "../" not in client.get(thread.path).content.decode().split("<h2", 2)[2]
    assert len(files_in(upload_folder)) == 1


def test_a_thousand_proofs_are_refused(client: Client, upload_folder: Path) -> None:
    answer = client.post(PAGE, {**CLAIM_FORM, "proof": [upload(b"x", f"{number}.jpg") for number in range(1000)]})
    assert answer.status_code == 422
    assert "3" in marks(answer, "data-max-files")
    assert not files_in(upload_folder)


def test_a_file_added_to_a_form_sent_before_is_stored(client: Client) -> None:
    typed = {**CLAIM_FORM, "submission_id": str(uuid4())}
    client.post(PAGE, typed)
    client.post(PAGE, {**typed, "proof": upload(jpeg())})
    assert Upload.objects.count() == 1


def test_four_proofs_are_refused(client: Client, upload_folder: Path) -> None:
    answer = client.post(PAGE, {**CLAIM_FORM, "proof": [upload(jpeg()) for _number in range(4)]})
    assert answer.status_code == 422
    assert not Thread.objects.exists()
    assert not files_in(upload_folder)


def test_nothing_is_stored_if_the_disk_is_full(
    client: Client, upload_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_folder.mkdir()
    upload_folder.chmod(0o700)
    monkeypatch.setattr("django.core.files.storage.FileSystemStorage._save", _no_room)
    answer = client.post(PAGE, {**CLAIM_FORM, "proof": upload(jpeg())})
    assert answer.status_code == 422
    assert result(answer) == "invalid"
    assert not Thread.objects.exists()
    assert not Message.objects.exists()
    assert not files_in(upload_folder)


def _no_room(*_arguments: object) -> str:
    raise OSError(28, "No space left on device")


def test_receipts_to_one_address_are_limited_but_all_claims_are_stored(client: Client) -> None:
    for number in range(8):
        submit_claim(client, message=f"{number}")
    assert Message.objects.filter(kind="claim_received").count() == 3
    assert ChargeClaim.objects.count() == 8


def test_a_client_that_sends_too_many_messages_has_to_wait(client: Client) -> None:
    answers = [client.post(PAGE, {**CLAIM_FORM, "message": f"{number} 4242 4242 4242 4242"}) for number in range(21)]
    assert answers[-1].status_code == 429
    assert result(answers[-1]) == "too-many"
    assert "bea@example.com" in answers[-1].content.decode()
    assert "4242 4242" not in answers[-1].content.decode()
    assert "Retry-After" in answers[-1]


def test_all_errors_are_shown_at_once_in_the_order_of_the_page(client: Client) -> None:
    wrong = {"amount": "much", "card_last4": "42", "charged_on": "1999-01-01", "email": "", "other_emails": "bea"}
    answer = client.post(PAGE, {**CLAIM_FORM, **wrong, "proof": upload(b"MZ program", "a.exe")})
    summary = answer.content.decode().partition("error-summary")[2].partition("</section>")[0]
    links = [f'href="#id_charged_{name}"' for name in ("amount", "charged_on", "card_last4", "proof", "email")]
    assert [summary.index(link) for link in links] == sorted(summary.index(link) for link in links)
    assert 'href="#id_charged_other_emails"' in summary


def test_what_was_received_is_confirmed_with_its_reference_and_what_happens_next(client: Client) -> None:
    answer = client.post(PAGE, CLAIM_FORM)
    assert answer.status_code == 302  # so that Back and a reload send nothing again
    page = client.get(answer["Location"])
    content = text(page)
    assert "We’ve received your charge claim" in content
    assert 'data-copy="reference"' in page.content.decode()
    assert "We’ll reply by" in content
    assert "An email is on its way to b…@e….com" in content


# --- From the page that corrects an address ------------------------------------------------------------------


def test_what_was_typed_to_correct_an_address_is_filled_in(client: Client) -> None:
    typed = {
        "from_correction": "1",
        "order_number": "A-TYPED",
        "new_email": "right@example.com",
        "password": "harbour-lantern",
        "card_last4": "7531",
    }
    answer = client.post("/help/charged/", typed)
    assert answer.status_code == 303
    page = client.get(answer["Location"])
    html = page.content.decode()
    assert page.status_code == 200
    assert 'value="A-TYPED"' in html
    assert 'value="right@example.com"' in html
    session = str(dict(client.session))
    for secret in ("harbour-lantern", "7531"):
        assert secret not in html + session + answer["Location"]
    assert "Last 4 digits of the card" in html
    assert not Thread.objects.exists()
    assert Client().get(answer["Location"]).content.decode().count("A-TYPED") == 0
