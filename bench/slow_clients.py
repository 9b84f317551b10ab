"""What slow clients cost the others, with nginx before the portal and without it.

`python -m bench.slow_clients [--rounds N] [--seconds S] [--compare COMMAND]`. Each round measures every server without
slow clients, with half-sent forms and with slow downloads. The ratio is to the same server without slow clients.
COMMAND is another web server to measure without nginx; {port} is replaced, as in
"python -m granian --interface wsgi --workers 2 --blocking-threads 4 --no-ws --port {port} portal.wsgi:application".
"""

import argparse
import contextlib
import os
import shlex
import socket
import ssl
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import django
from django.core.management import call_command

from bench import load, stage
from tests.programs import installed

HALF_SENT_FORMS = 200
SLOW_DOWNLOADS = 100
QUICK_DOWNLOADS = 8
INSTALLER_BYTES = 16_000_000  # more than the buffers of all sockets on the way
SOCKET_BUFFER = 4096  # bytes, of a slow client
SLOW_ADDRESSES = 50  # as each client has its own address, and nginx limits the requests of one
CSRF = "c" * 32
HOST = "orders.example.com"  # of the certificate
NOTHING, FORMS, DOWNLOADS = "without", f"{HALF_SENT_FORMS} half-sent forms", f"{SLOW_DOWNLOADS} slow downloads"
SITUATIONS = (NOTHING, FORMS, DOWNLOADS)


@dataclass
class Server:
    """A running server, and its results."""

    name: str
    port: int
    tls: ssl.SSLContext | None
    links: list[str]  # to installers, each of another order
    rates: dict[str, list[float]] = field(default_factory=lambda: {situation: [] for situation in SITUATIONS})
    quick: int = 0  # downloads that were complete while others were slow

    def connect(self, number: int = 0) -> socket.socket:
        """Connect as the slow client of this number, whose address differs from those of the others."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        connection.settimeout(load.PATIENCE)
        connection.bind((f"127.0.1.{1 + number % SLOW_ADDRESSES}", 0))
        connection.connect(("127.0.0.1", self.port))
        return self.tls.wrap_socket(connection, server_hostname="127.0.0.1") if self.tls else connection

    @contextlib.contextmanager
    def in_situation(self, situation: str) -> Iterator[None]:
        """Keep the slow clients of this situation connected."""
        with contextlib.ExitStack() as slow:
            if situation == FORMS:
                for number in range(HALF_SENT_FORMS):
                    slow.enter_context(self.connect(number)).sendall(half_sent_form(number))
            if situation == DOWNLOADS:
                for number in range(SLOW_DOWNLOADS):
                    link = self.links[number % len(self.links)]
                    slow.enter_context(self.connect(number)).sendall(load.get(link, host=HOST))
            time.sleep(0.5)  # until the server has read them
            yield


def half_sent_form(number: int) -> bytes:
    """The beginning of a form whose token is valid, so that the portal waits for the rest."""
    whole = load.post("/orders/find/card/", "x" * 1000, f"csrftoken={CSRF}", f"10.0.{number // 250}.{number % 250}")
    return whole.replace(b"Host: 127.0.0.1", f"Host: {HOST}".encode())[:-990]


def create_links(count: int) -> list[str]:
    """Create orders with an installer. Returns the path of a download of each."""
    from django.utils import timezone  # noqa: PLC0415 (needs Django set up)

    from licenses.download_links import download_path  # noqa: PLC0415
    from licenses.models import Download  # noqa: PLC0415
    from tests.factories import make_license, make_line, make_order, make_product, make_release  # noqa: PLC0415

    product = make_product()
    release = make_release(product, os.urandom(INSTALLER_BYTES))
    links = []
    for _order in range(count):
        order = make_order(placed_at=timezone.now())
        make_license(make_line(order), product=product)
        links.append(download_path(Download.objects.create(order=order, release=release)))
    return links


def count_quick_downloads(server: Server) -> int:
    """Start downloads at the same time. Returns how many are complete in time."""
    complete: list[int] = []

    def download(number: int) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), load.PATIENCE) as plain:
            wrapped = server.tls.wrap_socket(plain, server_hostname="127.0.0.1") if server.tls else plain
            wrapped.sendall(load.get(server.links[number % len(server.links)], host=HOST))
            received = 0
            while received < INSTALLER_BYTES and (part := wrapped.recv(1 << 20)):
                received += len(part)
            complete.append(received >= INSTALLER_BYTES)

    threads = [threading.Thread(target=download, args=(number,)) for number in range(QUICK_DOWNLOADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(complete)


def measure(servers: list[Server], rounds: int, seconds: float) -> None:
    requests = [load.get("/orders/find/", host=HOST)]
    for server in servers:
        load.run(server.port, requests, seconds, server.tls)  # warm-up
    for _round in range(rounds):
        for situation in SITUATIONS:
            for server in servers:
                with server.in_situation(situation):
                    result = load.run(server.port, requests, seconds, server.tls)
                    server.rates[situation].append(result.statuses.get(200, 0) / result.seconds)
                    if situation == DOWNLOADS:
                        server.quick += count_quick_downloads(server)
                time.sleep(1)  # until the server has noticed that they are gone


def rows(servers: list[Server], rounds: int) -> list[list[str]]:
    table = []
    for server in servers:
        alone = server.rates[NOTHING]
        cells = [server.name, f"{statistics.median(alone):.0f}"]
        for situation in (FORMS, DOWNLOADS):
            rates = server.rates[situation]
            ratio = statistics.median(rate / base for rate, base in zip(rates, alone, strict=True))
            cells.append(f"{statistics.median(rates):.0f} ({ratio:.2f})")
        table.append([*cells, f"{server.quick} of {rounds * QUICK_DOWNLOADS}"])
    return table


@contextlib.contextmanager
def running(folder: Path, compare: str) -> Iterator[list[Server]]:
    """Run the portal behind nginx, the portal alone, and the server to compare with, if any."""
    from tests.production.nginx import running_nginx  # noqa: PLC0415 (needs Django set up)

    links = create_links(SLOW_DOWNLOADS)
    with contextlib.ExitStack() as stack:

        def start(command: str = "") -> int:
            server = stage.web_server("portal.settings", folder, command=shlex.split(command))
            return stack.enter_context(server)[0]

        servers = [Server("gunicorn alone", start(), None, links)]
        if compare:
            servers.append(Server("the compared server alone", start(compare), None, links))
        os.environ["ACCEL_REDIRECT_PREFIX"] = "/installers/"
        (folder / "nginx").mkdir()
        nginx = stack.enter_context(running_nginx(folder / "nginx", start()))
        servers.append(Server("gunicorn behind nginx, with TLS", nginx.https_port, nginx.tls, links))
        if compare:
            (folder / "nginx2").mkdir()
            nginx = stack.enter_context(running_nginx(folder / "nginx2", start(compare)))
            servers.append(Server("the compared server behind nginx", nginx.https_port, nginx.tls, links))
        yield servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--compare", default="", metavar="COMMAND", help="another web server")
    options = parser.parse_args()
    if not installed("nginx"):
        sys.exit("bench.slow_clients needs nginx (Debian: apt-get install nginx-light).")
    with stage.engines() as folder:
        os.environ["ALLOWED_HOSTS"] = f"127.0.0.1,{HOST}"
        django.setup()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        with running(folder, options.compare) as servers:
            measure(servers, options.rounds, options.seconds)
            columns = ["find form, requests/s", NOTHING, FORMS, DOWNLOADS, "quick downloads beside slow ones"]
            stage.report("Slow clients", columns, rows(servers, options.rounds))


if __name__ == "__main__":
    main()
