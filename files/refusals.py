"""What people are told of a file that is not taken: what is wrong, and what to do."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from files.cleaning.limits import MOST_PAGES, MOST_PIXELS
from files.reasons import Reason

SENTENCES: Mapping[Reason, Any] = {
    Reason.EMPTY: _("This file is empty. Please choose it again, or take a new photo."),
    Reason.TOO_LARGE: _(
        "This file is too large: %(megabytes)d MB are the most. Please send a screenshot, or a photo of lower quality."
    ),
    Reason.WEB_PAGE: _("This is a web page. Please print it to a PDF, or send a screenshot."),
    Reason.DRAWING: _("This is an SVG drawing, which can hold programs. Please send it as PNG or PDF."),
    Reason.ARCHIVE: _("This is an archive. Please unpack it, and send what is in it as PDF, JPEG, PNG or HEIC."),
    Reason.OFFICE_DOCUMENT: _("This is an office document. Please save it as PDF, and send that."),
    Reason.OTHER_PICTURE: _("We cannot take this kind of picture. Please save it as JPEG or PNG."),
    Reason.RECORDING: _("This is a film or sound. Please send a photo or a screenshot."),
    Reason.PROGRAM: _("This is a program, or pretends to be one. Please send a photo, a screenshot or a PDF."),
    Reason.OTHER_KIND: _("This is not a PDF, JPEG, PNG or HEIC file. Please send a photo or a screenshot of it."),
    Reason.UNREADABLE: _("This file is damaged: we could not read it. Please save it anew, or send a screenshot."),
    Reason.TOO_MANY_PIXELS: _(
        "This picture is too large: %(megapixels)d megapixels are the most. Please make it smaller."
    ),
    Reason.TOO_MUCH_WORK: _("This file takes too much to read. Please send a screenshot of it."),
    Reason.PDF_LOCKED: _(
        "This PDF is locked with a password. Please print it to a new PDF, or send screenshots of its pages."
    ),
    Reason.PDF_SCRIPT: _("This PDF holds a program. Please print it to a new PDF, and send that."),
    Reason.PDF_ACTION: _("This PDF would open other files or send data. Please print it to a new PDF, and send that."),
    Reason.PDF_ATTACHMENT: _("This PDF has other files attached. Please print it to a new PDF, and send that."),
    Reason.PDF_MEDIA: _("This PDF has film or sound in it. Please print it to a new PDF, and send that."),
    Reason.PDF_FORM: _("This PDF is a form that runs a program. Please print it to a new PDF, and send that."),
    Reason.PDF_TOO_LONG: _("This PDF is too long: %(pages)d pages are the most. Please send the pages that matter."),
    Reason.BUSY: _("Many people are sending files just now. Please send yours again in a minute."),
    Reason.NOT_STORED: _(
        "We cannot keep files just now, and nothing was sent. That is our fault. Please try again later."
    ),
}


class Refused(ValueError):
    """A file is not taken. As text, it is a sentence in the reader's language that says what to do."""

    def __init__(self, reason: Reason, *, most: int = 1, about: str = "") -> None:
        """`most` is how many files are allowed, for TOO_MANY; `about` names the file, where there are several."""
        super().__init__(reason.value)
        self.reason = reason
        self.most = most
        self.about = about

    def __str__(self) -> str:
        sentence = too_many(self.most) if self.reason == Reason.TOO_MANY else _sentence(self.reason)
        if not self.about:
            return sentence
        return gettext("“%(name)s”: %(sentence)s") % {"name": self.about, "sentence": sentence}


def too_many(most: int) -> str:
    return ngettext(
        "Please send only one file. Several pages fit into one PDF.",
        "Please send at most %(count)d files. Several pages fit into one PDF.",
        most,
    ) % {"count": most}


def megabytes() -> int:
    """The most that one file may have, as people read it."""
    return int(settings.UPLOAD_MAX_BYTES // 1024**2)


def _sentence(reason: Reason) -> str:
    return str(SENTENCES[reason]) % {
        "megabytes": megabytes(),
        "megapixels": MOST_PIXELS // 1_000_000,
        "pages": MOST_PAGES,
    }
