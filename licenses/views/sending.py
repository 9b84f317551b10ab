"""The bytes of an installer as HTTP has them: whole or in part, by the front server or by ourselves."""

import logging
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

BINARY = "application/octet-stream"
PROTECTING = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def response(request: HttpRequest, release: Release) -> HttpResponseBase | None:
    """The answer to a GET or HEAD for this release; None where the storage does not have the file as it should be.

    Where settings name a front server's prefix, it sends the file and knows ranges itself.
    """
    answer = _by_front_server(release) if settings.ACCEL_REDIRECT_PREFIX else _by_ourselves(request, release)
    if answer is not None:
        for name, value in PROTECTING.items():
            answer[name] = value
    return answer


def _by_front_server(release: Release) -> HttpResponse:
    answer = HttpResponse(content_type=BINARY)
    answer["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX + quote(release.stored_name)
    answer["Content-Disposition"] = disposition(release.file_name)
    return answer


def _by_ourselves(request: HttpRequest, release: Release) -> HttpResponseBase | None:
    content = _open(release)
    if content is None:
        return None
    etag = f'"{release.sha256}"'
    answer: HttpResponseBase | None = get_conditional_response(request, etag, int(release.released_at.timestamp()))
    if answer is None:
        answer = _whole_or_part(request, release, etag, content)
    if not answer.streaming:
        content.close()
    answer["ETag"] = etag
    answer["Last-Modified"] = http_date(release.released_at)
    answer["Accept-Ranges"] = "bytes"
    return answer


def _open(release: Release) -> IO[bytes] | None:
    try:
        content: IO[bytes] = releases_storage().open(release.stored_name).file  # type: ignore[assignment]
        size = content.seek(0, 2)
    except OSError:
        logger.exception("An installer cannot be read: release %s.", release.pk)
        return None
    if size != release.size:
        content.close()
        logger.error("An installer is not what was stored: release %s has %s bytes.", release.pk, size)
        return None
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
    """A part of a file, in blocks: as much of it as is in memory at a time. Closes the file."""

    block_size = 256 * 1024  # bytes

    def __init__(self, content: IO[bytes], part: Part) -> None:
        content.seek(part.start)
        super().__init__(_Bounded(content, part.length), content_type=BINARY)


class _Bounded:
    """A file's next bytes, and no more. With its number, so that gunicorn lets the kernel send them (sendfile)."""

    def __init__(self, content: IO[bytes], length: int) -> None:
        self._content = content
        self._left = length
        self.fileno = content.fileno
        self.close = content.close

    def read(self, size: int) -> bytes:
        read = self._content.read(min(size, self._left))
        self._left -= len(read)
        return read
