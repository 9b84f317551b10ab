"""A file that is one thing to us and another to somebody else is refused, or kept as the one thing only."""

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
def test_a_pdf_that_begins_as_something_else_is_refused(before: str) -> None:
    with pytest.raises(FileRejected):
        clean_upload(factories.upload(OTHERS[before] + factories.pdf_bytes(), "statement.pdf"))


@pytest.mark.parametrize("behind", ["a page", "an archive"])
@pytest.mark.parametrize("kind", TAKEN)
def test_what_hangs_behind_is_gone(kind: str, behind: str) -> None:
    clean = clean_upload(factories.upload(TAKEN[kind] + OTHERS[behind])).content
    assert b"<script>" not in clean
    assert not zipfile.is_zipfile(io.BytesIO(clean))


def test_what_is_hidden_between_the_objects_of_a_pdf_is_gone() -> None:
    content = factories.pdf_bytes()
    start = content.index(b"1 0 obj")
    clean = clean_upload(factories.upload(content[:start] + b"%" + PAGE + b"\n" + content[start:])).content
    assert b"<script>" not in clean


def test_what_is_hidden_in_a_stream_of_a_pdf_cannot_be_read_as_a_page() -> None:
    carrier = factories.pdf()
    carrier.pages[0].Contents = carrier.make_indirect(pikepdf.Stream(carrier, PAGE * 20))
    content = factories.pdf_bytes(carrier, compress_streams=False)
    assert PAGE in content
    assert b"<script>" not in clean_upload(factories.upload(content)).content


def test_an_earlier_version_of_a_pdf_is_gone() -> None:
    first = factories.pdf_bytes()
    secret = b"9 0 obj\n(my whole card number)\nendobj\n"
    clean = clean_upload(factories.upload(first.replace(b"startxref", secret + b"startxref", 1))).content
    assert b"card number" not in clean


@pytest.mark.parametrize("marker", [b"\xff\xfe", b"\xff\xe2"])
def test_a_page_inside_a_pictures_comment_is_gone(marker: bytes) -> None:
    picture = factories.jpeg()
    comment = marker + (len(PAGE) + 2).to_bytes(2, "big") + PAGE
    clean = clean_upload(factories.upload(picture[:2] + comment + picture[2:], "photo.html")).content
    assert b"<script>" not in clean


def test_a_picture_that_is_named_a_page_is_a_picture() -> None:
    clean = clean_upload(factories.upload(factories.png(), "evil.html"))
    assert (clean.name, clean.media_type) == ("evil.png", "image/png")


def test_the_beginning_of_a_picture_alone_is_not_enough() -> None:
    with pytest.raises(FileRejected) as refusal:
        clean_upload(factories.upload(b"\xff\xd8\xff\xe0" + PAGE, "photo.jpg"))
    assert refusal.value.reason == RejectionReason.UNREADABLE
