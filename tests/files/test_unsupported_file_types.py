import io
import re
import zipfile

import pytest

from files.file_types import EICAR
from files.rejection_reasons import RejectionReason
from files.rejections import MESSAGES, FileRejected
from files.validation import clean_upload
from tests.files import factories


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(name, "content")
    return out.getvalue()


SAMPLES = {
    "drawing.svg": (
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
        RejectionReason.DRAWING,
    ),
    "page.html": (b"\n  <!DOCTYPE html><html></html>", RejectionReason.WEB_PAGE),
    "page-in-capitals.htm": (b"<HTML><BODY>", RejectionReason.WEB_PAGE),
    "eicar.com": (EICAR + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*", RejectionReason.PROGRAM),
    "setup.exe": (b"MZ\x90\x00", RejectionReason.PROGRAM),
    "run.sh": (b"#!/bin/sh\n", RejectionReason.PROGRAM),
    "letter.docx": (zipped("[Content_Types].xml"), RejectionReason.OFFICE_DOCUMENT),
    "letter.odt": (zipped("mimetypeapplication/vnd.oasis"), RejectionReason.OFFICE_DOCUMENT),
    "letter.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", RejectionReason.OFFICE_DOCUMENT),
    "all.zip": (zipped("statement.pdf"), RejectionReason.ARCHIVE),
    "all.7z": (b"7z\xbc\xaf\x27\x1c", RejectionReason.ARCHIVE),
    "moving.gif": (b"GIF89a", RejectionReason.OTHER_PICTURE),
    "picture.webp": (b"RIFF\x00\x00\x00\x00WEBPVP8 ", RejectionReason.OTHER_PICTURE),
    "picture.avif": (b"\x00\x00\x00\x1cftypavif", RejectionReason.OTHER_PICTURE),
    "scan.tiff": (b"II*\x00", RejectionReason.OTHER_PICTURE),
    "film.mp4": (b"\x00\x00\x00\x18ftypmp42", RejectionReason.RECORDING),
    "film.mov": (b"\x00\x00\x00\x14ftypqt  ", RejectionReason.RECORDING),
    "notes.txt": (b"I bought it last week", RejectionReason.OTHER_KIND),
    "nothing.jpg": (b"\x00" * 3000, RejectionReason.OTHER_KIND),
    "empty.jpg": (b"", RejectionReason.EMPTY),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_unsupported_type_has_its_reason(name: str) -> None:
    content, reason = SAMPLES[name]
    with pytest.raises(FileRejected) as refusal:
        clean_upload(factories.upload(content, name))
    assert refusal.value.reason == reason


def test_every_reason_has_a_different_message() -> None:
    message_by_reason = {reason: str(FileRejected(reason)) for reason in RejectionReason}
    assert set(MESSAGES) == set(RejectionReason) - {RejectionReason.TOO_MANY}
    assert len(set(message_by_reason.values())) == len(message_by_reason)
    what_to_do = re.compile(r"\b(?:[Cc]hoose|Make|Print|Save|Send|Try|Unpack)\b")
    assert all(what_to_do.search(message) and "%" not in message for message in message_by_reason.values())


def test_a_rejection_can_name_its_file() -> None:
    assert str(FileRejected(RejectionReason.EMPTY, file_name="scan.jpg")).startswith("“scan.jpg”: This file is empty.")
