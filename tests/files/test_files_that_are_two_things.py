"""A file that is one thing to us and another to somebody else is refused, or kept as the one thing only."""

import io
import zipfile

import pikepdf
import pytest

from files.judging import judge
from files.reasons import Reason
from files.refusals import Refused
from tests.files import made

PAGE = b"<html><script>alert(document.cookie)</script></html>"


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("evil.exe", "MZ")
    return out.getvalue()


OTHERS = {"a blank": b" ", "junk": b"junk\n", "a page": PAGE, "an archive": archive()}
TAKEN = {"pdf": made.pdf_bytes(), "jpeg": made.jpeg(), "png": made.png(), "heic": made.heic()}


@pytest.mark.parametrize("before", OTHERS)
def test_a_pdf_that_begins_as_something_else_is_refused(before: str) -> None:
    with pytest.raises(Refused):
        judge(made.upload(OTHERS[before] + made.pdf_bytes(), "statement.pdf"))


@pytest.mark.parametrize("behind", ["a page", "an archive"])
@pytest.mark.parametrize("kind", TAKEN)
def test_what_hangs_behind_is_gone(kind: str, behind: str) -> None:
    clean = judge(made.upload(TAKEN[kind] + OTHERS[behind])).content
    assert b"<script>" not in clean
    assert not zipfile.is_zipfile(io.BytesIO(clean))


def test_what_is_hidden_between_the_objects_of_a_pdf_is_gone() -> None:
    content = made.pdf_bytes()
    start = content.index(b"1 0 obj")
    clean = judge(made.upload(content[:start] + b"%" + PAGE + b"\n" + content[start:])).content
    assert b"<script>" not in clean


def test_what_is_hidden_in_a_stream_of_a_pdf_cannot_be_read_as_a_page() -> None:
    carrier = made.pdf()
    carrier.pages[0].Contents = carrier.make_indirect(pikepdf.Stream(carrier, PAGE * 20))
    content = made.pdf_bytes(carrier, compress_streams=False)
    assert PAGE in content
    assert b"<script>" not in judge(made.upload(content)).content


def test_an_earlier_version_of_a_pdf_is_gone() -> None:
    first = made.pdf_bytes()
    secret = b"9 0 obj\n(my whole card number)\nendobj\n"
    clean = judge(made.upload(first.replace(b"startxref", secret + b"startxref", 1))).content
    assert b"card number" not in clean


@pytest.mark.parametrize("marker", [b"\xff\xfe", b"\xff\xe2"])
def test_a_page_inside_a_pictures_comment_is_gone(marker: bytes) -> None:
    picture = made.jpeg()
    comment = marker + (len(PAGE) + 2).to_bytes(2, "big") + PAGE
    clean = judge(made.upload(picture[:2] + comment + picture[2:], "photo.html")).content
    assert b"<script>" not in clean


def test_a_picture_that_is_named_a_page_is_a_picture() -> None:
    clean = judge(made.upload(made.png(), "evil.html"))
    assert (clean.name, clean.media_type) == ("evil.png", "image/png")


def test_the_beginning_of_a_picture_alone_is_not_enough() -> None:
    with pytest.raises(Refused) as refusal:
        judge(made.upload(b"\xff\xd8\xff\xe0" + PAGE, "photo.jpg"))
    assert refusal.value.reason == Reason.UNREADABLE
