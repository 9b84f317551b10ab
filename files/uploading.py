"""What comes in is capped before it is kept anywhere: per file, per form and per request.

A broken connection says nothing to anybody. So what is too large is read to its end and let go,
and the form says what was wrong; only what is far too large is refused before it is read.
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

from files.reasons import Reason
from files.refusals import megabytes

logger = logging.getLogger(__name__)

FILES_TAKEN = 10  # per request; every form of ours asks for fewer
IN_MEMORY = 1024**2  # bytes; more of a file goes to a nameless temporary file


def most_read() -> int:
    """The largest body of a request that is read at all, in bytes."""
    return FILES_TAKEN * int(settings.UPLOAD_MAX_BYTES) + int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _most_for(request: HttpRequest) -> int:
    """The same for this request: a view of staff that takes more says so by an attribute `most_read`."""
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return most_read()
    return int(getattr(view, "most_read", most_read)())


class RefusedUpload(UploadedFile):
    """Stands in the form for a file that was let go. `refused_for` is the Reason."""

    def __init__(self, name: str, reason: Reason) -> None:
        super().__init__(BytesIO(), name, size=0)
        self.refused_for = reason


class CappedUploadHandler(FileUploadHandler):
    """Django's upload handler for all forms here; see settings.FILE_UPLOAD_HANDLERS."""

    chunk_size = 64 * 1024

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.count = 0
        self.taken: IO[bytes] | None = None
        self.size = 0
        self.reason: Reason | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.count += 1
        self.size = 0
        if self.count > FILES_TAKEN:
            self.reason = Reason.TOO_MANY
        else:
            self.reason = None
            self.taken = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (the request closes it)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.size += len(raw_data)
        if self.taken is None:
            return None
        if self.size > settings.UPLOAD_MAX_BYTES:
            self._let_go(Reason.TOO_LARGE)
            return None
        try:
            self.taken.write(raw_data)
        except OSError:
            logger.exception("No room for what is being sent in.")
            self._let_go(Reason.NOT_STORED)
        return None

    def file_complete(self, file_size: int) -> UploadedFile:
        if self.taken is None or self.reason is not None:
            return RefusedUpload(self.file_name or "file", self.reason or Reason.NOT_STORED)
        taken, self.taken = self.taken, None
        taken.seek(0)
        return UploadedFile(taken, self.file_name, self.content_type or "", self.size, self.charset)

    def upload_interrupted(self) -> None:
        if self.taken is not None:
            self.taken.close()
            self.taken = None

    def _let_go(self, reason: Reason) -> None:
        self.reason = reason
        self.upload_interrupted()


class BodyCapMiddleware:
    """Answers a request that announces far too much with a page, without reading it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced = request.META.get("CONTENT_LENGTH") or ""
        if announced.isdecimal() and int(announced) > most_read() and int(announced) > _most_for(request):
            return render(request, "files/too_large.html", {"megabytes": megabytes()}, status=413)
        return self.get_response(request)
