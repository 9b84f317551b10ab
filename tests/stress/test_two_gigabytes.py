"""A file of two gigabytes is added and sent with little memory, about as fast as from a plain file server."""

import hashlib
import http.server
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from bench.stage import address_of, web_server
from licenses.download_links import download_path
from licenses.models import Download, Release
from tests.factories import make_license, make_line, make_order, make_product
from tests.stress.conftest import Finding

pytestmark = [pytest.mark.stress, pytest.mark.django_db(transaction=True)]

MEGABYTE = 1024 * 1024
SIZE = 2 * 1024 * MEGABYTE
LEAST_GROWTH_REFUSED = 20 * MEGABYTE
RANGES = 100
ROUNDS = 3
MOST_TRIES = 60
SLOWEST = 0.5  # of the fastest plain file server


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Finding) -> Iterator[Release]:
    """A release of two gigabytes, added by the command. Its memory use is measured, too."""
    folder = tmp_path / "releases"
    monkeypatch.setenv("RELEASES_ROOT", str(folder))
    make_product(slug="maximum")
    file = tmp_path / "Setup.exe"
    with file.open("wb") as content:
        for _megabyte in range(SIZE // MEGABYTE):
            content.write(os.urandom(MEGABYTE))
        content.seek(0)
        content.write(b"MZ")  # the signature of a Windows program
    with growth([psutil.Process()]) as grown:
        call_command("add_release", str(file), product="maximum", version="1", platform="windows", verbosity=0)
    found("add_release: memory grew by, MB", round(grown() / MEGABYTE, 1))
    assert grown() < LEAST_GROWTH_REFUSED
    file.unlink()
    yield Release.objects.get()
    (folder / Release.objects.get().stored_name).unlink()


@contextmanager
def growth(processes: list[psutil.Process]) -> Iterator[Callable[[], int]]:
    """Return by how many bytes the memory of all these processes grew at most, with continuous measurement."""
    before = {process: process.memory_info().rss for process in processes}
    highest, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not ended.is_set():
            highest = max(highest, sum(process.memory_info().rss - before[process] for process in processes))
            ended.wait(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: highest
    finally:
        ended.set()
        watcher.join()


def link_to(release: Release) -> str:
    order = make_order(placed_at=timezone.now())
    make_license(make_line(order), product=release.product)
    return download_path(Download.objects.create(order=order, release=release))


@contextmanager
def fetched(address: str, **headers: str) -> Iterator[tuple[dict[str, str], socket.socket]]:
    """Return the headers of a response, in lower case with `:status` among them, and the connection with its body."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 80), 60) as connected:
        lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connected.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connected.recv(1)
        status, *fields = head.decode().strip().split("\r\n")
        told = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        yield told | {":status": status.split()[1]}, connected


def read(connected: socket.socket, most: int = SIZE, take: Callable[[memoryview], object] = len) -> int:
    """Read until the end or this many bytes. Returns how many were read."""
    block, count = memoryview(bytearray(MEGABYTE)), 0
    while count < most and (got := connected.recv_into(block, min(MEGABYTE, most - count))):
        take(block[:got])
        count += got
    return count


def seconds_for(address: str) -> float:
    """Return the shortest of several rounds, because other load on the machine only makes them longer."""
    times = []
    for _round in range(ROUNDS):
        began = time.monotonic()
        with fetched(address) as (_headers, connected):
            assert read(connected) == SIZE
        times.append(time.monotonic() - began)
    return min(times)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_details: object) -> None:
        """Says nothing."""


class BySendfile(Quiet):
    """Same as Python's own, but the kernel copies, as in nginx."""

    def copyfile(self, source: object, outputfile: object) -> None:
        self.wfile.flush()
        self.connection.sendfile(source)


@contextmanager
def file_server(folder: Path, handler: type[Quiet]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("way", ["by the kernel", "in blocks"])
def test_two_gigabytes_leave_in_little_memory_and_quickly(
    release: Release, way: str, tmp_path: Path, found: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "" if way == "by the kernel" else "--no-sendfile")
    stored = tmp_path / "releases" / release.stored_name
    database = address_of(str(connection.settings_dict["NAME"]))
    with web_server("portal.settings", tmp_path, database) as (port, parent):
        address = f"http://127.0.0.1:{port}{link_to(release)}"
        _warm_up(address, len(parent.children()))
        with growth([parent, *parent.children(recursive=True)]) as grown:
            ours = seconds_for(address)
        _try_ranges(address, stored)
        _try_resuming(release, address, port)
    with file_server(stored.parent, Quiet) as server:
        pythons = seconds_for(f"{server}/{stored.name}")
    with file_server(stored.parent, BySendfile) as server:
        kernels = seconds_for(f"{server}/{stored.name}")
    found("memory of all web processes grew by, MB", round(grown() / MEGABYTE, 1))
    found("MB/s", round(SIZE / MEGABYTE / ours))
    found("speed to Python's http.server", round(pythons / ours, 2))
    found("speed to the same with sendfile", round(kernels / ours, 2))
    assert grown() < LEAST_GROWTH_REFUSED
    if way == "by the kernel":
        assert kernels / ours > SLOWEST


def _warm_up(address: str, processes: int) -> None:
    """Begin downloads until every process has used all its slots, and has loaded everything it needs.

    The system gives a connection to the process that is quicker, so some are refused in the meantime.
    """
    with ExitStack() as open_ones:
        sending = 0
        for _download in range(MOST_TRIES):
            headers, connected = open_ones.enter_context(fetched(address))
            sending += headers[":status"] == "200"
            read(connected, MEGABYTE)
            if sending == processes * settings.DOWNLOADS_AT_ONCE:
                return


def _try_ranges(address: str, stored: Path) -> None:
    chance = random.Random(2)
    with stored.open("rb") as content:
        for _range in range(RANGES):
            start = chance.randrange(SIZE)
            end = min(start + chance.randrange(4 * MEGABYTE), SIZE - 1)
            got = bytearray()
            with fetched(address, Range=f"bytes={start}-{end}") as (headers, connected):
                read(connected, take=got.extend)
            assert headers[":status"] == "206"
            assert headers["content-range"] == f"bytes {start}-{end}/{SIZE}"
            content.seek(start)
            assert got == content.read(end - start + 1)


def _try_resuming(release: Release, address: str, port: int) -> None:
    """Interrupt twice, and resume each time with a new link."""
    digest, had = hashlib.sha256(), 0
    for most in (700 * MEGABYTE, 1, SIZE):
        with fetched(address, Range=f"bytes={had}-", If_Range=f'"{release.sha256}"') as (headers, connected):
            assert headers[":status"] == "206"
            had += read(connected, most, digest.update)
        address = f"http://127.0.0.1:{port}{link_to(release)}"
    assert had == SIZE
    assert digest.hexdigest() == release.sha256
