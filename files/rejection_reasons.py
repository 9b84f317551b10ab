"""Why a file is rejected. Imported by the subprocess in files/cleaning, too, so it must not import Django."""

from enum import StrEnum


class RejectionReason(StrEnum):
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    DAILY_LIMIT = "daily_limit"
    WEB_PAGE = "web_page"
    DRAWING = "drawing"
    ARCHIVE = "archive"
    OFFICE_DOCUMENT = "office_document"
    OTHER_PICTURE = "other_picture"
    RECORDING = "recording"
    PROGRAM = "program"
    OTHER_KIND = "other_kind"
    UNREADABLE = "unreadable"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MUCH_WORK = "too_much_work"
    PDF_LOCKED = "pdf_locked"
    PDF_SCRIPT = "pdf_script"
    PDF_ACTION = "pdf_action"
    PDF_ATTACHMENT = "pdf_attachment"
    PDF_MEDIA = "pdf_media"
    PDF_FORM = "pdf_form"
    PDF_TOO_LONG = "pdf_too_long"
    BUSY = "busy"
    NOT_STORED = "not_stored"


class ContentRejected(Exception):
    """The content of a file is not accepted."""

    def __init__(self, reason: RejectionReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
