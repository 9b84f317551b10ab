"""Which bytes of a file a request asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

# Of several ranges none is served apart: the answer is then the whole file, as the standard allows.
_ONE_RANGE = re.compile(r"bytes=[ \t,]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t,]*", re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range lies outside the file: 416."""


@dataclass(frozen=True)
class Part:
    """Bytes of a file, from `start` on, `length` of them."""

    start: int
    length: int

    def header(self, size: int) -> str:
        """As Content-Range says it, of a file of so many bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def requested_part(range_header: str, if_range: str, *, size: int, etag: str, changed_at: datetime) -> Part | None:
    """The part that these headers ask for; None where the whole file is the answer.

    `etag` is quoted and strong, `changed_at` what Last-Modified says. Raises Unsatisfiable. What is no range, or
    is one of a file that has changed since, asks for the whole.
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
        raise Unsatisfiable
    return Part(start, end - start)


def _is_same(validator: str, etag: str, changed_at: datetime) -> bool:
    """Both kinds compare exactly: a weak tag never fits, and neither does any other date."""
    return validator in (etag, http_date(changed_at))


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
