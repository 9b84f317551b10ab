"""Parse range requests (RFC 9110, section 14)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

# Requests for several ranges get the whole file, as the standard allows.
_ONE_RANGE = re.compile(r"bytes=[ \t,]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t,]*", re.IGNORECASE)


class RangeNotSatisfiable(Exception):
    """The range lies outside the file: the response is 416."""


@dataclass(frozen=True)
class ByteRange:
    """`length` bytes of a file, from `start` on."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The Content-Range header for a file of `size` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def requested_range(
    range_header: str, if_range: str, *, size: int, etag: str, changed_at: datetime
) -> ByteRange | None:
    """The range that these headers request; None for the whole file.

    `etag` is quoted and strong, `changed_at` is the Last-Modified time. An invalid range, or one of a file that
    has changed since, is ignored. Raises RangeNotSatisfiable.
    """
    found = _ONE_RANGE.fullmatch(range_header.strip())
    if found is None or (if_range and not _is_same(if_range.strip(), etag, changed_at)):
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(size - int(suffix), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None  # not a range at all
    if start >= end:
        raise RangeNotSatisfiable
    return ByteRange(start, end - start)


def _is_same(validator: str, etag: str, changed_at: datetime) -> bool:
    """Compare exactly, as If-Range requires: weak tags and other dates never match."""
    return validator in (etag, http_date(changed_at))


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
