"""An interrupted download can be resumed. Requested ranges are served exactly."""

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as some
from pytest_django.fixtures import Settings

from licenses.models.downloads import releases_storage
from licenses.ranges import ByteRange, RangeNotSatisfiable, http_date, requested_range
from tests.licenses.installers import CONTENT, body, bought, link_to
from tests.pages import inside, text

SIZE = len(CONTENT)
ETAG = '"0"'
CHANGED = datetime(2026, 10, 1, 8, 30, 0, 5, tzinfo=UTC)


def part(header: str, if_range: str = "", size: int = SIZE) -> ByteRange | None:
    return requested_range(header, if_range, size=size, etag=ETAG, changed_at=CHANGED)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=0-", ByteRange(0, SIZE)),
        ("bytes=5-9", ByteRange(5, 5)),
        (f"bytes=5-{SIZE * 9}", ByteRange(5, SIZE - 5)),
        ("bytes=-1", ByteRange(SIZE - 1, 1)),
        (f"bytes=-{SIZE * 9}", ByteRange(0, SIZE)),
        ("Bytes=1-2", ByteRange(1, 2)),
        (" bytes= 1-2 ,", ByteRange(1, 2)),
        # An invalid range returns the whole file, and so do several ranges.
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=a-b", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=1.0-2", None),
        ("bytes=٣-٤", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("bytes=0-1\r\nX: y", None),
    ],
)
def test_valid_ranges_are_parsed(header: str, wanted: ByteRange | None) -> None:
    assert part(header) == wanted


@pytest.mark.parametrize(
    "header", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 1}", "bytes=-0", "bytes=" + "9" * 18 + "-"]
)
def test_a_range_outside_the_file_is_not_satisfiable(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        part(header)


@pytest.mark.parametrize(
    ("if_range", "is_partial"),
    [
        (ETAG, True),
        (http_date(CHANGED), True),
        ('"1"', False),
        (f"W/{ETAG}", False),
        (http_date(CHANGED + timedelta(days=1)), False),
        ("nonsense", False),
    ],
)
def test_a_changed_file_comes_whole(if_range: str, is_partial: bool) -> None:
    assert (part("bytes=1-2", if_range) is not None) is is_partial


@given(some.text(max_size=40), some.integers(1, 10**12))
def test_any_text_is_an_answer(header: str, size: int) -> None:
    for typed in (header, f"bytes={header}"):
        try:
            found = part(typed, size=size)
        except RangeNotSatisfiable:
            continue
        assert found is None or (found.length > 0 and 0 <= found.start < found.start + found.length <= size)


@pytest.mark.django_db
def test_a_hundred_ranges_at_random_equal_the_files_bytes() -> None:
    order, release = bought()
    link = link_to(order, release)
    chance = random.Random(7)
    for _try in range(100):
        start = chance.randrange(SIZE)
        end = chance.randrange(start, SIZE)
        answer = Client().get(link, headers={"Range": f"bytes={start}-{end}"})
        assert answer.status_code == 206
        assert answer["Content-Range"] == f"bytes {start}-{end}/{SIZE}"
        assert int(answer["Content-Length"]) == end - start + 1
        assert body(answer) == CONTENT[start : end + 1]


@pytest.mark.django_db
def test_an_interrupted_download_resumes_with_a_new_link() -> None:
    order, release = bought()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = inside(order)
        first = Client().get(link_to(order, release, browser))
        had = body(first)[:3000]
        clock.shift(timedelta(minutes=20))
        fresh = link_to(order, release, browser)
        rest = Client().get(fresh, headers={"Range": f"bytes={len(had)}-", "If-Range": first["ETag"]})
        assert rest.status_code == 206
        assert sha256(had + body(rest)).hexdigest() == release.sha256


@pytest.mark.django_db
def test_head_has_all_headers_and_no_body() -> None:
    order, release = bought()
    link = link_to(order, release)
    for headers in ({}, {"Range": "bytes=0-1"}):  # ranges are only for GET
        answer = Client().head(link, headers=headers)
        assert answer.status_code == 200
        assert not answer.content
        assert answer["Content-Length"] == str(SIZE)
        assert answer["Accept-Ranges"] == "bytes"
        assert answer["ETag"] == f'"{release.sha256}"'
        assert answer["Last-Modified"] == http_date(release.released_at)


@pytest.mark.django_db
def test_security_headers() -> None:
    order, release = bought()
    answer = Client().get(link_to(order, release))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert body(answer) == CONTENT


@pytest.mark.django_db
def test_a_range_outside_the_file_gets_416_with_the_size() -> None:
    order, release = bought()
    answer = Client().get(link_to(order, release), headers={"Range": f"bytes={SIZE}-"})
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{SIZE}"
    assert answer.content == b""


@pytest.mark.django_db
def test_conditions_are_kept() -> None:
    order, release = bought()
    link = link_to(order, release)
    etag, day = f'"{release.sha256}"', http_date(release.released_at)
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": etag, "Range": "bytes=0-1"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Match": '"other"', "Range": "bytes=0-1"}, 412),
        ({"If-Match": etag, "Range": "bytes=0-1"}, 206),
        ({"If-Modified-Since": day}, 304),
        ({"If-Unmodified-Since": day, "Range": "bytes=0-1"}, 206),
        ({"If-Unmodified-Since": "Thu, 01 Jan 1998 00:00:00 GMT"}, 412),
        ({"If-Range": '"other"', "Range": "bytes=0-1"}, 200),
    ):
        answer = Client().get(link, headers=headers)
        assert answer.status_code == status, headers
        content = body(answer)  # read to its end: until then, it occupies one of the places for downloads
        assert (content == b"") == (status in (304, 412))


@pytest.mark.django_db
def test_the_file_is_always_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    order, release = bought()
    link = link_to(order, release)
    from_storage = type(releases_storage())._open

    def open_and_note(storage, name, mode="rb"):
        opened.append(from_storage(storage, name, mode))
        return opened[-1]

    monkeypatch.setattr(type(releases_storage()), "_open", open_and_note)
    for headers in ({}, {"Range": "bytes=1-2"}, {"Range": f"bytes={SIZE}-"}, {"If-None-Match": f'"{release.sha256}"'}):
        body(Client().get(link, headers=headers))
    Client().head(link)
    assert len(opened) == 5
    assert all(file.file.closed for file in opened)


@pytest.mark.django_db
def test_a_few_slow_lines_never_hold_all_threads(settings: Settings) -> None:
    settings.DOWNLOADS_AT_ONCE = 2
    order, release = bought()
    link = link_to(order, release)
    slow = [Client().get(link), Client().get(link, headers={"Range": "bytes=5-"})]
    answer = Client().get(link)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert "Many people are downloading" in text(answer)
    assert Client().head(link).status_code == 200  # occupies no slot
    body(slow[0])
    assert body(Client().get(link)) == CONTENT
    assert body(slow[1]) == CONTENT[5:]
    assert body(Client().get(link)) == CONTENT
