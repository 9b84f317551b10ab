"""The type of a file, detected from its first bytes. Its name and the type sent by the browser are ignored."""

import re
from enum import StrEnum

from files.rejection_reasons import ContentRejected, RejectionReason

# The beginning of the EICAR test file of virus scanners. Split in two, so that they do not flag this module.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR"
# Brands of a HEIF container that phones write; AVIF and videos use the same container.
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"}
OTHER_IMAGE_BRANDS = {b"avif", b"avis", b"crx "}
OFFICE_ENTRIES = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"mimetypeapplication/vnd.")
HEAD_BYTES = 4096  # bytes that are searched for signatures of other types

# Types that people often send although they are not accepted: each has its own message.
REJECTED_SIGNATURES: tuple[tuple[bytes, RejectionReason], ...] = (
    (EICAR, RejectionReason.PROGRAM),
    (b"MZ", RejectionReason.PROGRAM),
    (b"\x7fELF", RejectionReason.PROGRAM),
    (b"#!", RejectionReason.PROGRAM),
    (b"\xcf\xfa\xed\xfe", RejectionReason.PROGRAM),
    (b"\xca\xfe\xba\xbe", RejectionReason.PROGRAM),
    (b"GIF8", RejectionReason.OTHER_PICTURE),
    (b"BM", RejectionReason.OTHER_PICTURE),
    (b"II*\x00", RejectionReason.OTHER_PICTURE),
    (b"MM\x00*", RejectionReason.OTHER_PICTURE),
    (b"\x00\x00\x00\x0cJXL ", RejectionReason.OTHER_PICTURE),
    (b"\xd0\xcf\x11\xe0", RejectionReason.OFFICE_DOCUMENT),
    (b"{\\rtf", RejectionReason.OFFICE_DOCUMENT),
    (b"7z\xbc\xaf\x27\x1c", RejectionReason.ARCHIVE),
    (b"Rar!", RejectionReason.ARCHIVE),
    (b"\x1f\x8b", RejectionReason.ARCHIVE),
    (b"\x1aE\xdf\xa3", RejectionReason.RECORDING),
    (b"OggS", RejectionReason.RECORDING),
    (b"ID3", RejectionReason.RECORDING),
)
WEB_PAGE = re.compile(rb"<(!doctype html|html|head|body|script|iframe|!--)\b", re.IGNORECASE)


class FileType(StrEnum):
    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"
    HEIC = "heic"


def detect_file_type(content: bytes) -> FileType:
    """Return one of the accepted types. Raises ContentRejected for every other."""
    if content.startswith(b"%PDF-"):
        return FileType.PDF
    if content.startswith(b"\xff\xd8\xff"):
        return FileType.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileType.PNG
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return FileType.HEIC
    raise ContentRejected(_rejection_reason(content[:HEAD_BYTES]))


def _rejection_reason(head: bytes) -> RejectionReason:
    for signature, reason in REJECTED_SIGNATURES:
        if head.startswith(signature):
            return reason
    if head.startswith(b"PK\x03\x04"):
        return (
            RejectionReason.OFFICE_DOCUMENT if any(part in head for part in OFFICE_ENTRIES) else RejectionReason.ARCHIVE
        )
    if head[4:8] == b"ftyp":
        return RejectionReason.OTHER_PICTURE if head[8:12] in OTHER_IMAGE_BRANDS else RejectionReason.RECORDING
    if head.startswith(b"RIFF"):
        return RejectionReason.OTHER_PICTURE if head[8:12] == b"WEBP" else RejectionReason.RECORDING
    if re.search(rb"<svg\b", head, re.IGNORECASE):
        return RejectionReason.DRAWING
    return RejectionReason.WEB_PAGE if WEB_PAGE.search(head) else RejectionReason.OTHER_KIND
