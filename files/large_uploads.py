"""Uploads of staff that are far larger than those of buyers: installers, and files to import."""

from typing import Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest

from files.rejection_reasons import RejectionReason
from files.upload_limits import RejectedUpload

OTHER_FIELDS_BYTES = 1024 * 1024  # of a form, besides the file


class LargeUploadHandler(TemporaryFileUploadHandler):
    """Writes an upload to disk. A file of more than `max_bytes`, or that does not fit on the disk, is discarded.

    The form gets a `RejectedUpload` for it. A view with this handler has an attribute `max_request_bytes`; see
    `files.upload_limits.RequestSizeLimitMiddleware`.
    """

    def __init__(self, request: HttpRequest, max_bytes: int) -> None:
        super().__init__(request)
        self.max_bytes = max_bytes
        self.reason: RejectionReason | None = None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self.reason is not None:
            return
        if start + len(raw_data) > self.max_bytes:
            self._reject(RejectionReason.TOO_LARGE)
            return
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError:
            self._reject(RejectionReason.NOT_STORED)

    def file_complete(self, file_size: int) -> Any:
        if self.reason is not None:
            return RejectedUpload(self.file_name or "file", self.reason)
        return super().file_complete(file_size)

    def _reject(self, reason: RejectionReason) -> None:
        self.reason = reason
        self.upload_interrupted()
