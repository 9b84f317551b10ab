"""Limits on what a request may upload: per file, per form and per request.

A broken connection would tell the sender nothing. A file that is too large is therefore read to its end and
discarded, and the form shows an error; only a far too large request is refused before it is read.
"""

import logging
import tempfile
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from files.rejection_reasons import RejectionReason
from files.rejections import max_megabytes

logger = logging.getLogger(__name__)

MAX_FILES_PER_REQUEST = 10  # every form asks for fewer
SPOOL_BYTES = 1024**2  # larger files are spooled to an unnamed temporary file


def max_request_bytes() -> int:
    """Return the size of the largest request body that is read at all."""
    return MAX_FILES_PER_REQUEST * int(settings.UPLOAD_MAX_BYTES) + int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _max_bytes_of_view(request: HttpRequest) -> int:
    """Return the limit of the requested view: a staff view may raise it with an attribute `max_request_bytes`."""
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return max_request_bytes()
    return int(getattr(view, "max_request_bytes", max_request_bytes)())


class RejectedUpload(UploadedFile):
    """An empty placeholder, passed to the form for a file that was discarded while it was received."""

    def __init__(self, name: str, reason: RejectionReason) -> None:
        super().__init__(BytesIO(), name, size=0)
        self.rejection_reason = reason


class LimitedUploadHandler(FileUploadHandler):
    """The upload handler of all forms; see settings.FILE_UPLOAD_HANDLERS."""

    chunk_size = 64 * 1024

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.count = 0
        self.buffer: IO[bytes] | None = None
        self.size = 0
        self.reason: RejectionReason | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.count += 1
        self.size = 0
        if self.count > MAX_FILES_PER_REQUEST:
            self.reason = RejectionReason.TOO_MANY
        else:
            self.reason = None
            self.buffer = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 (the request closes it)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.size += len(raw_data)
        if self.buffer is None:
            return None
        if self.size > settings.UPLOAD_MAX_BYTES:
            self._reject(RejectionReason.TOO_LARGE)
            return None
        try:
            self.buffer.write(raw_data)
        except OSError:
            logger.exception("An upload could not be written to a temporary file. Is the disk full?")
            self._reject(RejectionReason.NOT_STORED)
        return None

    def file_complete(self, file_size: int) -> UploadedFile:
        if self.buffer is None or self.reason is not None:
            return RejectedUpload(self.file_name or "file", self.reason or RejectionReason.NOT_STORED)
        buffer, self.buffer = self.buffer, None
        buffer.seek(0)
        return UploadedFile(buffer, self.file_name, self.content_type or "", self.size, self.charset)

    def upload_interrupted(self) -> None:
        if self.buffer is not None:
            self.buffer.close()
            self.buffer = None

    def _reject(self, reason: RejectionReason) -> None:
        self.reason = reason
        self.upload_interrupted()


class RequestSizeLimitMiddleware:
    """Answers a request whose Content-Length is far too large with a page, without reading its body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if length.isdecimal() and int(length) > max_request_bytes() and int(length) > _max_bytes_of_view(request):
            return render(request, "files/too_large.html", {"megabytes": max_megabytes()}, status=413)
        return self.get_response(request)
