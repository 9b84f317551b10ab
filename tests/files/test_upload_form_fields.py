"""Forms with files: limits, errors at the field, and what is kept after an error."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from files.models import Upload
from tests.files import factories
from tests.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.files.upload_form_page")]

AGAIN = "Choose your files again."


def send(client: Client, *proofs: SimpleUploadedFile, message: str = "charged twice", **more: object) -> HttpResponse:
    return client.post("/claim/", {"message": message, "proof": list(proofs), **more})


def test_the_form_states_types_and_limits(client: Client) -> None:
    page = client.get("/claim/")
    assert "Up to 3 files: PDF, JPEG, PNG or HEIC, up to 10 MB each." in text(page)
    assert "PDF, JPEG, PNG or HEIC, up to 10 MB." in text(page)
    assert "Black out" in text(page)
    assert AGAIN not in text(page)
    markup = page.content.decode()
    assert 'enctype="multipart/form-data"' in markup
    assert markup.count(" multiple") == 1
    assert "image/heic" in markup


def test_files_of_all_supported_types_are_stored(client: Client, upload_folder: Path) -> None:
    answer = send(
        client,
        factories.upload(factories.pdf_bytes(), "statement.pdf"),
        factories.upload(factories.png(), "screen.png"),
        factories.upload(factories.heic(), "IMG_1.HEIC"),
        photo=factories.upload(factories.jpeg(), "photo.jpg"),
    )
    assert answer.content.decode() == "statement.pdf screen.png IMG_1.jpg photo.jpg"
    assert len(factories.files_in(upload_folder)) == 4


def test_all_rejected_files_are_named_at_once(client: Client, upload_folder: Path) -> None:
    answer = send(
        client,
        factories.upload(b"MZ", "setup.exe"),
        factories.upload(factories.png(), "ok.png"),
        factories.upload(b"", "no.pdf"),
    )
    assert answer.status_code == 422
    assert "“setup.exe”: We can’t accept programs." in text(answer)
    assert "“no.pdf”: This file is empty" in text(answer)
    assert "ok.png" not in text(answer)
    assert AGAIN in text(answer)
    assert factories.files_in(upload_folder) == []
    assert not Upload.objects.exists()


def test_typed_text_is_kept_when_a_file_is_rejected(client: Client) -> None:
    answer = send(client, factories.upload(b"<svg></svg>", "drawing.svg"), message="charged <twice> 🧾")
    assert 'value="charged &lt;twice&gt; 🧾"' in answer.content.decode()
    assert "SVG files" in text(answer)


def test_files_must_be_chosen_again_when_something_else_is_wrong(client: Client, upload_folder: Path) -> None:
    answer = send(client, factories.upload(factories.png()), message="")
    assert AGAIN in text(answer)
    assert factories.files_in(upload_folder) == []


def test_a_missing_required_file_is_an_error(client: Client) -> None:
    answer = client.post("/claim/", {"message": "charged twice"})
    assert "Choose a file: a PDF, a photo or a screenshot." in text(answer)
    assert AGAIN not in text(answer)


def test_text_in_place_of_a_file_is_ignored(client: Client) -> None:
    answer = client.post("/claim/", {"message": "charged twice", "proof": "../../etc/passwd"})
    assert "Choose a file:" in text(answer)


def test_a_single_file_field_rejects_two_files(client: Client) -> None:
    photos = [factories.upload(factories.png()), factories.upload(factories.png())]
    answer = send(client, factories.upload(factories.png()), photo=photos)
    assert "Send only one file." in text(answer)


def test_too_many_files_for_a_field_are_an_error(client: Client) -> None:
    answer = send(client, *[factories.upload(factories.png()) for _number in range(4)])
    assert "Send at most 3 files." in text(answer)


def test_of_a_thousand_files_none_is_stored(client: Client, upload_folder: Path) -> None:
    answer = send(client, *[factories.upload(b"x" * 1000, f"{number}.jpg") for number in range(1000)])
    assert answer.status_code == 422
    assert "Send at most 3 files." in text(answer)
    assert 'value="charged twice"' in answer.content.decode()
    assert factories.files_in(upload_folder) == []


def test_a_request_with_thousands_of_files_is_a_bad_request(client: Client) -> None:
    answer = send(client, *[factories.upload(b"x", f"{number}.jpg") for number in range(2001)])
    assert answer.status_code == 400
    assert "We can’t read this request" in text(answer)


def test_a_file_that_is_too_large_is_an_error(client: Client, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1024**2
    answer = send(
        client,
        factories.upload(b"\xff" * (1024**2 + 1), "film.jpg"),
        factories.upload(factories.png(), "ok.png"),
    )
    assert answer.status_code == 422
    assert "“film.jpg”: This file is larger than 1 MB." in text(answer)
    assert 'value="charged twice"' in answer.content.decode()


def request_body(name: str) -> bytes:
    """Build a multipart body with one PNG by hand, because Django's test client sanitizes file names."""
    head = '--x\r\nContent-Disposition: form-data; name="message"\r\n\r\nhello\r\n--x\r\n'
    file = f'Content-Disposition: form-data; name="proof"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
    return (head + file).encode() + factories.png() + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../x.png", "x.png"),
        ("/etc/passwd", "passwd.png"),
        ("C:\\autoexec.bat", "autoexec.png"),
        ("a\x00b.png", "ab.png"),
        ("x" * 800 + ".exe", "x" * 116 + ".png"),
        ("<b>.svg", "<b>.png"),
    ],
)
def test_a_file_name_never_becomes_a_path(client: Client, upload_folder: Path, name: str, shown: str) -> None:
    answer = client.generic("POST", "/claim/", request_body(name), content_type="multipart/form-data; boundary=x")
    assert answer.content.decode() == shown
    (file,) = factories.files_in(upload_folder)
    assert file.parent.parent == upload_folder


@pytest.mark.parametrize("name", ["..", ".", "/", "\x00"])
def test_a_file_without_a_usable_name_is_ignored(client: Client, upload_folder: Path, name: str) -> None:
    answer = client.generic("POST", "/claim/", request_body(name), content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 422
    assert "Choose a file:" in text(answer)
    assert factories.files_in(upload_folder) == []
