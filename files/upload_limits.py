"""Limits on uploads: which views get files, and the size per file, form and request.

Only views decorated with `receives_files` get files. A request to any other view is refused before its body is read if
it is larger than a form without files. Files in smaller requests are skipped.

A broken connection would give the sender no explanation. A file that is too large for a form with files is therefore
read to its end and discarded, and the form shows an error. Only a far too large request is refused before it is read.
"""

import logging
import tempfile
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_protect

from files.rejection_reasons import RejectionReason
from files.rejections import max_megabytes

logger = logging.getLogger(__name__)

MAX_FILES_PER_REQUEST = 10  # no form accepts more
SPOOL_BYTES = 64 * 1024  # larger files are spooled to an unnamed temporary file
FORM_TYPES = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})

View = Callable[..., HttpResponse]


def max_request_bytes() -> int:
    """Return the size of the largest body that is read for a form with files."""
    return MAX_FILES_PER_REQUEST * int(settings.UPLOAD_MAX_BYTES) + int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def receives_files(refuse: Callable[[HttpRequest], RejectionReason | None]) -> Callable[[View], View]:
    """Decorate a view whose form has file fields.

    `refuse` is called before the body is read, and must not read it (`request.POST`). If it returns a reason, the files
    are discarded while they arrive, and their fields show the reason; other input is kept. Decorators above this one
    also run before the body is read, so access checks belong there. The CSRF token is in the body: it is checked here,
    after `refuse`. A request without the CSRF cookie is refused without reading it.
    """

    def decorator(view: View) -> View:
        protected = csrf_protect(view)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                request.upload_handlers = [LimitedUploadHandler(request, refuse(request))]
            return protected(request, *args, **kwargs)

        guarded.csrf_exempt = True  # type: ignore[attr-defined]  # the middleware would read the body: see above
        guarded.max_request_bytes = max_request_bytes  # type: ignore[attr-defined]
        return guarded

    return decorator


def _max_bytes(request: HttpRequest) -> int:
    """Return how many bytes of the body may be read. A view that takes files has the attribute `max_request_bytes`."""
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        view = None
    if limit := getattr(view, "max_request_bytes", None):
        return int(limit())
    if request.content_type in FORM_TYPES:
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    return max_request_bytes()  # such as JSON, which Django limits to DATA_UPLOAD_MAX_MEMORY_SIZE when it is read


class SkippingUploadHandler(FileUploadHandler):
    """The upload handler of all views without files; see settings.FILE_UPLOAD_HANDLERS. Keeps nothing."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Not called for a skipped file."""

    def file_complete(self, file_size: int) -> None:
        """Not called for a skipped file."""


class RejectedUpload(UploadedFile):
    """An empty placeholder, passed to the form for a file that was discarded while it was received."""

    def __init__(self, name: str, reason: RejectionReason) -> None:
        super().__init__(BytesIO(), name, size=0)
        self.rejection_reason = reason


class LimitedUploadHandler(FileUploadHandler):
    """The upload handler of views that are decorated with `receives_files`.

    With `refused`, it discards every file, for this reason.
    """

    chunk_size = 64 * 1024

    def __init__(self, request: HttpRequest | None = None, refused: RejectionReason | None = None) -> None:
        super().__init__(request)
        self.refused = refused
        self.count = 0
        self.buffer: IO[bytes] | None = None
        self.size = 0
        self.reason: RejectionReason | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.count += 1
        self.size = 0
        self.reason = RejectionReason.TOO_MANY if self.count > MAX_FILES_PER_REQUEST else self.refused
        if self.reason is None:
            self.buffer = tempfile.SpooledTemporaryFile(  # noqa: SIM115 (the request closes it)
                max_size=SPOOL_BYTES, dir=settings.FILE_UPLOAD_TEMP_DIR
            )

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
    """Responds to a request with a too large Content-Length with a page, without reading its body.

    A body without a length (`Transfer-Encoding: chunked`) is refused, because Django would treat it as empty.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and request.headers.get("Transfer-Encoding"):
            return HttpResponse(
                gettext("This request has no Content-Length header."), content_type="text/plain", status=411
            )
        smallest_limit = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        if length.isdecimal() and int(length) > smallest_limit and int(length) > _max_bytes(request):
            return render(request, "files/too_large.html", {"megabytes": max_megabytes()}, status=413)
        return self.get_response(request)
