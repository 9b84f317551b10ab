"""Everything that is no PDF, JPEG, PNG or HEIC gets a sentence of its own, with a way on."""

import io
import zipfile

import pytest

from files.judging import judge
from files.kinds import EICAR
from files.reasons import Reason
from files.refusals import SENTENCES, Refused
from tests.files import made


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(name, "content")
    return out.getvalue()


SAMPLES = {
    "drawing.svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', Reason.DRAWING),
    "page.html": (b"\n  <!DOCTYPE html><html></html>", Reason.WEB_PAGE),
    "page-in-capitals.htm": (b"<HTML><BODY>", Reason.WEB_PAGE),
    "eicar.com": (EICAR + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*", Reason.PROGRAM),
    "setup.exe": (b"MZ\x90\x00", Reason.PROGRAM),
    "run.sh": (b"#!/bin/sh\n", Reason.PROGRAM),
    "letter.docx": (zipped("[Content_Types].xml"), Reason.OFFICE_DOCUMENT),
    "letter.odt": (zipped("mimetypeapplication/vnd.oasis"), Reason.OFFICE_DOCUMENT),
    "letter.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Reason.OFFICE_DOCUMENT),
    "all.zip": (zipped("statement.pdf"), Reason.ARCHIVE),
    "all.7z": (b"7z\xbc\xaf\x27\x1c", Reason.ARCHIVE),
    "moving.gif": (b"GIF89a", Reason.OTHER_PICTURE),
    "picture.webp": (b"RIFF\x00\x00\x00\x00WEBPVP8 ", Reason.OTHER_PICTURE),
    "picture.avif": (b"\x00\x00\x00\x1cftypavif", Reason.OTHER_PICTURE),
    "scan.tiff": (b"II*\x00", Reason.OTHER_PICTURE),
    "film.mp4": (b"\x00\x00\x00\x18ftypmp42", Reason.RECORDING),
    "film.mov": (b"\x00\x00\x00\x14ftypqt  ", Reason.RECORDING),
    "notes.txt": (b"I bought it last week", Reason.OTHER_KIND),
    "nothing.jpg": (b"\x00" * 3000, Reason.OTHER_KIND),
    "empty.jpg": (b"", Reason.EMPTY),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_kind_has_its_reason(name: str) -> None:
    content, reason = SAMPLES[name]
    with pytest.raises(Refused) as refusal:
        judge(made.upload(content, name))
    assert refusal.value.reason == reason


def test_every_reason_has_a_sentence_of_its_own_that_asks_for_something() -> None:
    told = {reason: str(Refused(reason)) for reason in Reason}
    assert set(SENTENCES) == set(Reason) - {Reason.TOO_MANY}
    assert len(set(told.values())) == len(told)
    assert all("lease" in sentence and "%" not in sentence for sentence in told.values())


def test_a_refusal_can_name_its_file() -> None:
    assert str(Refused(Reason.EMPTY, about="scan.jpg")).startswith("“scan.jpg”: This file is empty.")
