"""The messages for rejected files: what is wrong, and what to do."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from files.cleaning.limits import MAX_PAGES, MAX_PIXELS
from files.rejection_reasons import RejectionReason

MESSAGES: Mapping[RejectionReason, Any] = {
    RejectionReason.EMPTY: _("This file is empty. Please choose it again, or take a new photo."),
    RejectionReason.TOO_LARGE: _(
        "This file is too large: %(megabytes)d MB are the most. Please send a screenshot, or a photo of lower quality."
    ),
    RejectionReason.DAILY_LIMIT: _(
        "Too many files came from your network in the last 24 hours. "
        "Please try again tomorrow, or send it without files."
    ),
    RejectionReason.WEB_PAGE: _("This is a web page. Please print it to a PDF, or send a screenshot."),
    RejectionReason.DRAWING: _("This is an SVG drawing, which can hold programs. Please send it as PNG or PDF."),
    RejectionReason.ARCHIVE: _(
        "This is an archive. Please unpack it, and send what is in it as PDF, JPEG, PNG or HEIC."
    ),
    RejectionReason.OFFICE_DOCUMENT: _("This is an office document. Please save it as PDF, and send that."),
    RejectionReason.OTHER_PICTURE: _("We cannot take this kind of picture. Please save it as JPEG or PNG."),
    RejectionReason.RECORDING: _("This is a film or sound. Please send a photo or a screenshot."),
    RejectionReason.PROGRAM: _("This is a program, or pretends to be one. Please send a photo, a screenshot or a PDF."),
    RejectionReason.OTHER_KIND: _(
        "This is not a PDF, JPEG, PNG or HEIC file. Please send a photo or a screenshot of it."
    ),
    RejectionReason.UNREADABLE: _(
        "This file is damaged: we could not read it. Please save it anew, or send a screenshot."
    ),
    RejectionReason.TOO_MANY_PIXELS: _(
        "This picture is too large: %(megapixels)d megapixels are the most. Please make it smaller."
    ),
    RejectionReason.TOO_MUCH_WORK: _("This file takes too much to read. Please send a screenshot of it."),
    RejectionReason.PDF_LOCKED: _(
        "This PDF is locked with a password. Please print it to a new PDF, or send screenshots of its pages."
    ),
    RejectionReason.PDF_SCRIPT: _("This PDF holds a program. Please print it to a new PDF, and send that."),
    RejectionReason.PDF_ACTION: _(
        "This PDF would open other files or send data. Please print it to a new PDF, and send that."
    ),
    RejectionReason.PDF_ATTACHMENT: _(
        "This PDF has other files attached. Please print it to a new PDF, and send that."
    ),
    RejectionReason.PDF_MEDIA: _("This PDF has film or sound in it. Please print it to a new PDF, and send that."),
    RejectionReason.PDF_FORM: _("This PDF is a form that runs a program. Please print it to a new PDF, and send that."),
    RejectionReason.PDF_TOO_LONG: _(
        "This PDF is too long: %(pages)d pages are the most. Please send the pages that matter."
    ),
    RejectionReason.BUSY: _("Many people are sending files just now. Please send yours again in a minute."),
    RejectionReason.NOT_STORED: _(
        "We cannot keep files just now, and nothing was sent. That is our fault. Please try again later."
    ),
}


class FileRejected(ValueError):
    """A file is not accepted. As a string, it is a message in the active language that says what to do."""

    def __init__(self, reason: RejectionReason, *, max_files: int = 1, file_name: str = "") -> None:
        """`max_files` is used by TOO_MANY only. `file_name` is put before the message, if given."""
        super().__init__(reason.value)
        self.reason = reason
        self.max_files = max_files
        self.file_name = file_name

    def __str__(self) -> str:
        if self.reason == RejectionReason.TOO_MANY:
            message = too_many_files_message(self.max_files)
        else:
            message = _message(self.reason)
        if not self.file_name:
            return message
        return gettext("“%(name)s”: %(sentence)s") % {"name": self.file_name, "sentence": message}


def too_many_files_message(max_files: int) -> str:
    return ngettext(
        "Please send only one file. Several pages fit into one PDF.",
        "Please send at most %(count)d files. Several pages fit into one PDF.",
        max_files,
    ) % {"count": max_files}


def max_megabytes() -> int:
    """The size limit of one file, in megabytes as messages show it."""
    return int(settings.UPLOAD_MAX_BYTES // 1024**2)


def _message(reason: RejectionReason) -> str:
    return str(MESSAGES[reason]) % {
        "megabytes": max_megabytes(),
        "megapixels": MAX_PIXELS // 1_000_000,
        "pages": MAX_PAGES,
    }
