"""Files that are valid in two formats are rejected, or lose the second format."""

import io
import zipfile

import pikepdf
import pytest

from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected
from files.validation import clean_upload
from tests.files import factories

PAGE = b"<html><script>alert(document.cookie)</script></html>"


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("evil.exe", "MZ")
    return out.getvalue()


OTHERS = {"a blank": b" ", "junk": b"junk\n", "a page": PAGE, "an archive": archive()}
TAKEN = {
    "pdf": factories.pdf_bytes(),
    "jpeg": factories.jpeg(),
    "png": factories.png(),
    "heic": factories.heic(),
}


@pytest.mark.parametrize("before", OTHERS)
def test_a_pdf_with_other_content_in_front_is_rejected(before: str) -> None:
    with pytest.raises(FileRejected):
        clean_upload(factories.upload(OTHERS[before] + factories.pdf_bytes(), "statement.pdf"))


@pytest.mark.parametrize("behind", ["a page", "an archive"])
@pytest.mark.parametrize("kind", TAKEN)
def test_content_appended_to_a_file_is_removed(kind: str, behind: str) -> None:
    clean = clean_upload(factories.upload(TAKEN[kind] + OTHERS[behind])).content
    assert b"<script>" not in clean
    assert not zipfile.is_zipfile(io.BytesIO(clean))


def test_content_between_the_objects_of_a_pdf_is_removed() -> None:
    content = factories.pdf_bytes()
    start = content.index(b"1 0 obj")
    clean = clean_upload(factories.upload(content[:start] + b"%" + PAGE + b"\n" + content[start:])).content
    assert b"<script>" not in clean


def test_a_web_page_in_a_pdf_stream_is_compressed() -> None:
    carrier = factories.pdf()
    carrier.pages[0].Contents = carrier.make_indirect(pikepdf.Stream(carrier, PAGE * 20))
    content = factories.pdf_bytes(carrier, compress_streams=False)
    assert PAGE in content
    assert b"<script>" not in clean_upload(factories.upload(content)).content


def test_an_earlier_revision_of_a_pdf_is_removed() -> None:
    first = factories.pdf_bytes()
    secret = b"9 0 obj\n(my whole card number)\nendobj\n"
    clean = clean_upload(factories.upload(first.replace(b"startxref", secret + b"startxref", 1))).content
    assert b"card number" not in clean


@pytest.mark.parametrize("marker", [b"\xff\xfe", b"\xff\xe2"])
def test_a_web_page_in_the_comment_of_an_image_is_removed(marker: bytes) -> None:
    picture = factories.jpeg()
    comment = marker + (len(PAGE) + 2).to_bytes(2, "big") + PAGE
    clean = clean_upload(factories.upload(picture[:2] + comment + picture[2:], "photo.html")).content
    assert b"<script>" not in clean


def test_the_name_of_an_image_does_not_change_its_type() -> None:
    clean = clean_upload(factories.upload(factories.png(), "evil.html"))
    assert (clean.name, clean.media_type) == ("evil.png", "image/png")


def test_the_signature_of_an_image_alone_is_rejected() -> None:
    with pytest.raises(FileRejected) as refusal:
        clean_upload(factories.upload(b"\xff\xd8\xff\xe0" + PAGE, "photo.jpg"))
    assert refusal.value.reason == RejectionReason.UNREADABLE
