"""The messages for rejected files: what is wrong, and what to do."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from files.cleaning.limits import MAX_PAGES, MAX_PIXELS
from files.rejection_reasons import RejectionReason

MESSAGES: Mapping[RejectionReason, Any] = {
    RejectionReason.EMPTY: _("This file is empty. Choose it again or take a new photo."),
    RejectionReason.TOO_LARGE: _(
        "This file is larger than %(megabytes)d MB. Send a screenshot or a photo in lower quality."
    ),
    RejectionReason.DAILY_LIMIT: _(
        "Your network has sent too many files in the last 24 hours. Send this without files, or try again tomorrow."
    ),
    RejectionReason.WEB_PAGE: _("This is a web page. Print it to a PDF or send a screenshot."),
    RejectionReason.DRAWING: _("We can’t accept SVG files because they can contain programs. Send it as a PNG or PDF."),
    RejectionReason.ARCHIVE: _("This is an archive. Unpack it and send its files as PDF, JPEG, PNG or HEIC."),
    RejectionReason.OFFICE_DOCUMENT: _("This is an office document. Save it as a PDF and send that."),
    RejectionReason.OTHER_PICTURE: _("We can’t accept this image format. Save the image as JPEG or PNG."),
    RejectionReason.RECORDING: _("This is a video or audio file. Send a photo or a screenshot."),
    RejectionReason.PROGRAM: _("We can’t accept programs. Send a photo, a screenshot or a PDF."),
    RejectionReason.OTHER_KIND: _("This isn’t a PDF, JPEG, PNG or HEIC file. Send a photo or a screenshot of it."),
    RejectionReason.UNREADABLE: _("This file is damaged and we can’t read it. Save it again or send a screenshot."),
    RejectionReason.TOO_MANY_PIXELS: _("This image is larger than %(megapixels)d megapixels. Make it smaller."),
    RejectionReason.TOO_MUCH_WORK: _("This file is too complex to read. Send a screenshot of it."),
    RejectionReason.PDF_LOCKED: _("This PDF has a password. Print it to a new PDF or send screenshots of its pages."),
    RejectionReason.PDF_SCRIPT: _("This PDF contains a program. Print it to a new PDF and send that."),
    RejectionReason.PDF_ACTION: _("This PDF opens other files or sends data. Print it to a new PDF and send that."),
    RejectionReason.PDF_ATTACHMENT: _("This PDF has files attached. Print it to a new PDF and send that."),
    RejectionReason.PDF_MEDIA: _("This PDF contains video or audio. Print it to a new PDF and send that."),
    RejectionReason.PDF_FORM: _("This PDF is a form that runs a program. Print it to a new PDF and send that."),
    RejectionReason.PDF_TOO_LONG: _("This PDF has more than %(pages)d pages. Send only the pages we need."),
    RejectionReason.BUSY: _("We’re receiving many files right now. Send yours again in a minute."),
    RejectionReason.NOT_STORED: _("We can’t store files right now, so nothing was sent. Try again later."),
}


class FileRejected(ValueError):
    """A file is not accepted. As a string, it is a message in the active language that says what to do."""

    def __init__(self, reason: RejectionReason, *, max_files: int = 1, file_name: str = "") -> None:
        """`max_files` is used only by TOO_MANY. `file_name` is put before the message, if given."""
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
        "Send only one file. You can put several pages in one PDF.",
        "Send at most %(count)d files. You can put several pages in one PDF.",
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
