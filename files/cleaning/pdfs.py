"""PDFs: checked for active content, and rewritten from their objects."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf

from files.cleaning.child_process import run_cleaner
from files.cleaning.limits import MAX_PAGES
from files.file_types import FileType
from files.rejection_reasons import ContentRejected, RejectionReason

MAX_DEPTH = 100  # of nested arrays and dictionaries

# Dictionary keys, and values of keys, that mark active or embedded content: ISO 32000-2, sections 12.6.4,
# 12.5.6, 7.11.4 and 12.7.8.
FORBIDDEN_KEYS = {
    "/JS": RejectionReason.PDF_SCRIPT,
    "/EF": RejectionReason.PDF_ATTACHMENT,
    "/XFA": RejectionReason.PDF_FORM,
    "/RichMediaContent": RejectionReason.PDF_MEDIA,
}
FORBIDDEN_VALUES = {
    ("/S", "/JavaScript"): RejectionReason.PDF_SCRIPT,
    ("/S", "/Launch"): RejectionReason.PDF_ACTION,
    ("/S", "/ImportData"): RejectionReason.PDF_ACTION,
    ("/S", "/SubmitForm"): RejectionReason.PDF_ACTION,
    ("/S", "/GoToR"): RejectionReason.PDF_ACTION,
    ("/S", "/GoToE"): RejectionReason.PDF_ACTION,
    ("/S", "/Rendition"): RejectionReason.PDF_MEDIA,
    ("/S", "/RichMediaExecute"): RejectionReason.PDF_MEDIA,
    ("/S", "/Movie"): RejectionReason.PDF_MEDIA,
    ("/S", "/Sound"): RejectionReason.PDF_MEDIA,
    ("/Subtype", "/FileAttachment"): RejectionReason.PDF_ATTACHMENT,
    ("/Subtype", "/RichMedia"): RejectionReason.PDF_MEDIA,
    ("/Subtype", "/Screen"): RejectionReason.PDF_MEDIA,
    ("/Subtype", "/Movie"): RejectionReason.PDF_MEDIA,
    ("/Subtype", "/Sound"): RejectionReason.PDF_MEDIA,
    ("/Subtype", "/3D"): RejectionReason.PDF_MEDIA,
    ("/Type", "/EmbeddedFile"): RejectionReason.PDF_ATTACHMENT,
}


def clean_pdf(content: bytes, file_type: FileType = FileType.PDF) -> tuple[str, bytes]:
    """Return the media type and the content of the rewritten document. Raises ContentRejected.

    Bytes before, after and between its objects are dropped, and so are its earlier revisions.
    """
    try:
        with pikepdf.open(BytesIO(content)) as document:
            _check_document(document)
            out = BytesIO()
            document.save(out, encryption=False, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    except pikepdf.PasswordError as error:
        raise ContentRejected(RejectionReason.PDF_LOCKED) from error
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ValueError, TypeError, RuntimeError) as error:
        # The errors that the reader raises for a structure that it cannot repair.
        raise ContentRejected(RejectionReason.UNREADABLE) from error
    return "application/pdf", out.getvalue()


def _check_document(document: pikepdf.Pdf) -> None:
    pages = len(document.pages)
    if not pages:
        raise ContentRejected(RejectionReason.UNREADABLE)
    if pages > MAX_PAGES:
        raise ContentRejected(RejectionReason.PDF_TOO_LONG)
    for root in [document.trailer, *document.objects]:
        for dictionary in _walk_dictionaries(root):
            _check_dictionary(dictionary)


def _check_dictionary(dictionary: Any) -> None:
    for key, value in dictionary.items():
        if key in FORBIDDEN_KEYS:
            raise ContentRejected(FORBIDDEN_KEYS[key])
        if key in ("/S", "/Subtype", "/Type") and isinstance(value, pikepdf.Name):
            reason = FORBIDDEN_VALUES.get((key, str(value)))
            if reason:
                raise ContentRejected(reason)


def _walk_dictionaries(root: Any) -> Iterator[Any]:
    """Yield every dictionary of an object: itself, that of a stream, and nested direct objects."""
    stack = [(root, 0)]
    while stack:
        current, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise ContentRejected(RejectionReason.UNREADABLE)
        if isinstance(current, pikepdf.Stream):
            current = current.stream_dict
        if isinstance(current, pikepdf.Dictionary):
            yield current
            children = [value for _key, value in current.items()]
        elif isinstance(current, pikepdf.Array):
            children = list(current)
        else:
            continue
        # Indirect objects are visited by themselves; following references here could loop forever.
        stack += [
            (child, depth + 1) for child in children if isinstance(child, pikepdf.Object) and not child.is_indirect
        ]


def _open_random_source() -> None:
    """Use encryption once: the library opens `/dev/urandom` for it, which isn't possible later."""
    with pikepdf.new() as document:
        document.save(BytesIO(), encryption=pikepdf.Encryption(owner="owner", user=""))


if __name__ == "__main__":
    _open_random_source()
    run_cleaner(clean_pdf)
