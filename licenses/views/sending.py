"""The bytes of an installer as HTTP has them: whole or in part, by the front server or by ourselves."""

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

from licenses.download_links import disposition
from licenses.models import Release
from licenses.models.downloads import releases_storage
from licenses.ranges import Part, Unsatisfiable, http_date, requested_part

logger = logging.getLogger(__name__)


class OutOfReach(Exception):
    """The storage does not have the file as it should be."""


class Busy(Exception):
    """As many downloads run in this process as may: its other threads are for pages."""


BINARY = "application/octet-stream"
PROTECTING = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def response(request: HttpRequest, release: Release) -> HttpResponseBase:
    """The answer to a GET or HEAD for this release. Raises OutOfReach or Busy.

    Where settings name a front server's prefix, it sends the file and knows ranges itself.
    """
    answer = _by_front_server(release) if settings.ACCEL_REDIRECT_PREFIX else _by_ourselves(request, release)
    for name, value in PROTECTING.items():
        answer[name] = value
    return answer


def _by_front_server(release: Release) -> HttpResponse:
    answer = HttpResponse(content_type=BINARY)
    answer["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX + quote(release.stored_name)
    answer["Content-Disposition"] = disposition(release.file_name)
    return answer


def _by_ourselves(request: HttpRequest, release: Release) -> HttpResponseBase:
    content = _open(release)
    etag = f'"{release.sha256}"'
    answer: HttpResponseBase | None = get_conditional_response(request, etag, int(release.released_at.timestamp()))
    try:
        answer = answer or _whole_or_part(request, release, etag, content)
    except Busy:
        content.close()
        raise
    if not answer.streaming:
        content.close()
    answer["ETag"] = etag
    answer["Last-Modified"] = http_date(release.released_at)
    answer["Accept-Ranges"] = "bytes"
    return answer


def _open(release: Release) -> IO[bytes]:
    try:
        content: IO[bytes] = releases_storage().open(release.stored_name).file  # type: ignore[assignment]
        size = content.seek(0, 2)
    except OSError as error:
        logger.exception("An installer cannot be read: release %s.", release.pk)
        raise OutOfReach from error
    if size != release.size:
        content.close()
        logger.error("An installer is not what was stored: release %s has %s bytes.", release.pk, size)
        raise OutOfReach
    return content


def _whole_or_part(request: HttpRequest, release: Release, etag: str, content: IO[bytes]) -> HttpResponseBase:
    asked: Any = request.headers if request.method == "GET" else {}  # ranges are for GET alone
    try:
        part = requested_part(
            asked.get("Range", ""),
            asked.get("If-Range", ""),
            size=release.size,
            etag=etag,
            changed_at=release.released_at,
        )
    except Unsatisfiable:
        return HttpResponse(status=416, content_type=BINARY, headers={"Content-Range": f"bytes */{release.size}"})
    sent = part or Part(0, release.size)
    answer: HttpResponseBase = _Sent(content, sent) if request.method == "GET" else HttpResponse(content_type=BINARY)
    answer["Content-Length"] = str(sent.length)
    answer["Content-Disposition"] = disposition(release.file_name)
    if part is not None:
        answer.status_code = 206
        answer["Content-Range"] = part.header(release.size)
    return answer


class _Sent(FileResponse):
    """A part of a file, in blocks: as much of it as is in memory at a time. Closes the file. Raises Busy."""

    block_size = 256 * 1024  # bytes

    def __init__(self, content: IO[bytes], part: Part) -> None:
        content.seek(part.start)
        super().__init__(_Bounded(content, part.length, _places.take()), content_type=BINARY)


class _Bounded:
    """A file's next bytes, and no more. With its number, so that gunicorn lets the kernel send them (sendfile)."""

    def __init__(self, content: IO[bytes], length: int, place: Callable[[], None]) -> None:
        self._content = content
        self._left = length
        self._leave_place = place
        weakref.finalize(self, place)  # also where an answer never came to be sent
        self.fileno = content.fileno

    def read(self, size: int) -> bytes:
        read = self._content.read(min(size, self._left))
        self._left -= len(read)
        return read

    def close(self) -> None:
        self._content.close()
        self._leave_place()


class _Places:
    """How many downloads this process sends by itself just now.

    Each holds a thread for as long as its buyer's line takes, so without a limit a few slow lines would stop all pages.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[object] = set()

    def take(self) -> Callable[[], None]:
        """A place, as the function that gives it back, once or twice. Raises Busy."""
        place = object()
        with self._lock:
            if len(self._taken) >= settings.DOWNLOADS_AT_ONCE:
                raise Busy
            self._taken.add(place)
        return lambda: self._taken.discard(place)


_places = _Places()
