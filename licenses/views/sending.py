"""Send installers, whole or in ranges, through the front server or from this process."""

import logging
import threading
import weakref
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from licenses.download_links import content_disposition
from licenses.models import Release
from licenses.models.downloads import releases_storage
from licenses.ranges import ByteRange, RangeNotSatisfiable, http_date, requested_range

logger = logging.getLogger(__name__)


class FileUnavailable(Exception):
    """The storage cannot provide the file, or it has the wrong size."""


class TooManyDownloads(Exception):
    """This process already sends as many downloads as DOWNLOADS_AT_ONCE allows."""


BINARY = "application/octet-stream"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def installer_response(request: HttpRequest, release: Release, spare_slots: int = 0) -> HttpResponseBase:
    """The response to a GET or HEAD request for this release. Raises FileUnavailable or TooManyDownloads.

    With ACCEL_REDIRECT_PREFIX set, the front server sends the file and handles ranges. Otherwise this process sends it,
    and reserves `spare_slots` of its simultaneous downloads for others.
    """
    if release.is_draft:
        raise FileUnavailable
    if settings.ACCEL_REDIRECT_PREFIX:
        response: HttpResponseBase = _front_server_response(release)
    else:
        response = _direct_response(request, release, spare_slots)
    for name, value in SECURITY_HEADERS.items():
        response[name] = value
    return response


def _front_server_response(release: Release) -> HttpResponse:
    response = HttpResponse(content_type=BINARY)
    response["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX + quote(release.stored_name)
    response["Content-Disposition"] = content_disposition(release.file_name)
    return response


def _direct_response(request: HttpRequest, release: Release, spare_slots: int) -> HttpResponseBase:
    assert release.released_at is not None
    content = _open(release)
    etag = f'"{release.sha256}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag, int(release.released_at.timestamp()))
    try:
        response = response or _whole_or_part(request, release, etag, content, spare_slots)
    except TooManyDownloads:
        content.close()
        raise
    if not response.streaming:
        content.close()
    response["ETag"] = etag
    response["Last-Modified"] = http_date(release.released_at)
    response["Accept-Ranges"] = "bytes"
    return response


def _open(release: Release) -> IO[bytes]:
    try:
        content: IO[bytes] = releases_storage().open(release.stored_name).file  # type: ignore[assignment]
        size = content.seek(0, 2)
    except OSError as error:
        logger.exception("An installer cannot be read: release %s.", release.pk)
        raise FileUnavailable from error
    if size != release.size:
        content.close()
        logger.error("An installer is not what was stored: release %s has %s bytes.", release.pk, size)
        raise FileUnavailable
    return content


def _whole_or_part(
    request: HttpRequest, release: Release, etag: str, content: IO[bytes], spare_slots: int
) -> HttpResponseBase:
    assert release.released_at is not None
    headers: Any = request.headers if request.method == "GET" else {}  # ranges are only for GET
    try:
        part = requested_range(
            headers.get("Range", ""),
            headers.get("If-Range", ""),
            size=release.size,
            etag=etag,
            changed_at=release.released_at,
        )
    except RangeNotSatisfiable:
        return HttpResponse(status=416, content_type=BINARY, headers={"Content-Range": f"bytes */{release.size}"})
    sent = part or ByteRange(0, release.size)
    response: HttpResponseBase = (
        _RangeResponse(content, sent, spare_slots) if request.method == "GET" else HttpResponse(content_type=BINARY)
    )
    response["Content-Length"] = str(sent.length)
    response["Content-Disposition"] = content_disposition(release.file_name)
    if part is not None:
        response.status_code = 206
        response["Content-Range"] = part.content_range(release.size)
    return response


class _RangeResponse(FileResponse):
    """Streams a range of a file in blocks and closes it. Raises TooManyDownloads."""

    block_size = 256 * 1024  # bytes

    def __init__(self, content: IO[bytes], part: ByteRange, spare_slots: int) -> None:
        content.seek(part.start)
        slot = _download_slots.acquire(spare_slots)
        super().__init__(_LimitedReader(content, part.length, slot), content_type=BINARY)


class _LimitedReader:
    """Reads at most `length` bytes of a file. Has its `fileno`, so that gunicorn can use sendfile."""

    def __init__(self, content: IO[bytes], length: int, release_slot: Callable[[], None]) -> None:
        self._content = content
        self._remaining = length
        self._release_slot = release_slot
        weakref.finalize(self, release_slot)  # also if the response is never sent
        self.fileno = content.fileno

    def read(self, size: int) -> bytes:
        read = self._content.read(min(size, self._remaining))
        self._remaining -= len(read)
        return read

    def close(self) -> None:
        self._content.close()
        self._release_slot()


class _DownloadSlots:
    """Limits how many downloads this process sends at the same time.

    Each occupies a thread until it is finished, so without a limit a few slow clients would block all pages.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: set[object] = set()

    def acquire(self, spare: int = 0) -> Callable[[], None]:
        """Take a slot, if `spare` others stay free. If there is only one slot, it can always be taken.

        Returns a function that releases it and may be called twice. Raises TooManyDownloads.
        """
        slot = object()
        with self._lock:
            if len(self._active) >= max(settings.DOWNLOADS_AT_ONCE - spare, 1):
                raise TooManyDownloads
            self._active.add(slot)
        return lambda: self._active.discard(slot)


_download_slots = _DownloadSlots()
