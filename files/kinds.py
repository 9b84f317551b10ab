"""What a file is, by its first bytes. What its name or the browser says of it counts for nothing."""

import re
from enum import StrEnum

from files.reasons import Reason, Unfit

# The test file of virus scanners (eicar.org) begins so. Written in two parts, or they would stop this file too.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR"
# Of a HEIF container, what phones write; AVIF and videos have the same container.
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"}
OTHER_PICTURE_BRANDS = {b"avif", b"avis", b"crx "}
OFFICE_PARTS = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"mimetypeapplication/vnd.")
HEAD = 4096  # bytes that are looked at

# Other kinds that people do send: each is told what to do instead.
REFUSED_BEGINNINGS: tuple[tuple[bytes, Reason], ...] = (
    (EICAR, Reason.PROGRAM),
    (b"MZ", Reason.PROGRAM),
    (b"\x7fELF", Reason.PROGRAM),
    (b"#!", Reason.PROGRAM),
    (b"\xcf\xfa\xed\xfe", Reason.PROGRAM),
    (b"\xca\xfe\xba\xbe", Reason.PROGRAM),
    (b"GIF8", Reason.OTHER_PICTURE),
    (b"BM", Reason.OTHER_PICTURE),
    (b"II*\x00", Reason.OTHER_PICTURE),
    (b"MM\x00*", Reason.OTHER_PICTURE),
    (b"\x00\x00\x00\x0cJXL ", Reason.OTHER_PICTURE),
    (b"\xd0\xcf\x11\xe0", Reason.OFFICE_DOCUMENT),
    (b"{\\rtf", Reason.OFFICE_DOCUMENT),
    (b"7z\xbc\xaf\x27\x1c", Reason.ARCHIVE),
    (b"Rar!", Reason.ARCHIVE),
    (b"\x1f\x8b", Reason.ARCHIVE),
    (b"\x1aE\xdf\xa3", Reason.RECORDING),
    (b"OggS", Reason.RECORDING),
    (b"ID3", Reason.RECORDING),
)
WEB_PAGE = re.compile(rb"<(!doctype html|html|head|body|script|iframe|!--)\b", re.IGNORECASE)


class Kind(StrEnum):
    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"
    HEIC = "heic"


def kind_of(content: bytes) -> Kind:
    """One of the four kinds that are taken. Raises Unfit for every other."""
    if content.startswith(b"%PDF-"):
        return Kind.PDF
    if content.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return Kind.HEIC
    raise Unfit(_other_kind(content[:HEAD]))


def _other_kind(head: bytes) -> Reason:
    for beginning, reason in REFUSED_BEGINNINGS:
        if head.startswith(beginning):
            return reason
    if head.startswith(b"PK\x03\x04"):
        return Reason.OFFICE_DOCUMENT if any(part in head for part in OFFICE_PARTS) else Reason.ARCHIVE
    if head[4:8] == b"ftyp":
        return Reason.OTHER_PICTURE if head[8:12] in OTHER_PICTURE_BRANDS else Reason.RECORDING
    if head.startswith(b"RIFF"):
        return Reason.OTHER_PICTURE if head[8:12] == b"WEBP" else Reason.RECORDING
    if re.search(rb"<svg\b", head, re.IGNORECASE):
        return Reason.DRAWING
    return Reason.WEB_PAGE if WEB_PAGE.search(head) else Reason.OTHER_KIND
