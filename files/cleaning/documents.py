"""PDFs: looked through for what runs, and written anew from their objects."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf

from files.cleaning.child import serve
from files.cleaning.limits import MOST_PAGES
from files.kinds import Kind
from files.reasons import Reason, Unfit

MOST_DEPTH = 100  # of arrays and dictionaries inside each other

# What these keys, or these values of these keys, bring along (ISO 32000-2, 12.6.4, 12.5.6, 7.11.4, 12.7.8).
KEYS = {
    "/JS": Reason.PDF_SCRIPT,
    "/EF": Reason.PDF_ATTACHMENT,
    "/XFA": Reason.PDF_FORM,
    "/RichMediaContent": Reason.PDF_MEDIA,
}
VALUES = {
    ("/S", "/JavaScript"): Reason.PDF_SCRIPT,
    ("/S", "/Launch"): Reason.PDF_ACTION,
    ("/S", "/ImportData"): Reason.PDF_ACTION,
    ("/S", "/SubmitForm"): Reason.PDF_ACTION,
    ("/S", "/GoToR"): Reason.PDF_ACTION,
    ("/S", "/GoToE"): Reason.PDF_ACTION,
    ("/S", "/Rendition"): Reason.PDF_MEDIA,
    ("/S", "/RichMediaExecute"): Reason.PDF_MEDIA,
    ("/S", "/Movie"): Reason.PDF_MEDIA,
    ("/S", "/Sound"): Reason.PDF_MEDIA,
    ("/Subtype", "/FileAttachment"): Reason.PDF_ATTACHMENT,
    ("/Subtype", "/RichMedia"): Reason.PDF_MEDIA,
    ("/Subtype", "/Screen"): Reason.PDF_MEDIA,
    ("/Subtype", "/Movie"): Reason.PDF_MEDIA,
    ("/Subtype", "/Sound"): Reason.PDF_MEDIA,
    ("/Subtype", "/3D"): Reason.PDF_MEDIA,
    ("/Type", "/EmbeddedFile"): Reason.PDF_ATTACHMENT,
}


def clean_document(content: bytes, kind: Kind = Kind.PDF) -> tuple[str, bytes]:
    """Media type and content of the same document, without what its structure does not hold. Raises Unfit.

    What stood before, behind or between its objects is gone, and so are earlier versions of it.
    """
    try:
        with pikepdf.open(BytesIO(content)) as document:
            _judge(document)
            out = BytesIO()
            document.save(out, encryption=False, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    except pikepdf.PasswordError as error:
        raise Unfit(Reason.PDF_LOCKED) from error
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ValueError, TypeError, RuntimeError) as error:
        # Whatever the reader finds wrong with a structure that it cannot mend.
        raise Unfit(Reason.UNREADABLE) from error
    return "application/pdf", out.getvalue()


def _judge(document: pikepdf.Pdf) -> None:
    pages = len(document.pages)
    if not pages:
        raise Unfit(Reason.UNREADABLE)
    if pages > MOST_PAGES:
        raise Unfit(Reason.PDF_TOO_LONG)
    for top in [document.trailer, *document.objects]:
        for dictionary in _dictionaries(top):
            _judge_dictionary(dictionary)


def _judge_dictionary(dictionary: Any) -> None:
    for key, value in dictionary.items():
        if key in KEYS:
            raise Unfit(KEYS[key])
        if key in ("/S", "/Subtype", "/Type") and isinstance(value, pikepdf.Name):
            reason = VALUES.get((key, str(value)))
            if reason:
                raise Unfit(reason)


def _dictionaries(top: Any) -> Iterator[Any]:
    """All dictionaries of an object: its own, a stream's, and those inside that have no number of their own."""
    waiting = [(top, 0)]
    while waiting:
        here, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise Unfit(Reason.UNREADABLE)
        if isinstance(here, pikepdf.Stream):
            here = here.stream_dict
        if isinstance(here, pikepdf.Dictionary):
            yield here
            inside = [value for _key, value in here.items()]
        elif isinstance(here, pikepdf.Array):
            inside = list(here)
        else:
            continue
        # Numbered objects are looked at by themselves; following them would never end.
        waiting += [(each, depth + 1) for each in inside if isinstance(each, pikepdf.Object) and not each.is_indirect]


if __name__ == "__main__":
    serve(clean_document)
