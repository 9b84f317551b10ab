"""Find an order by card and open it, compared with a bare Django view with one query in raw SQL.

`python -m bench.find_and_open [--orders N] [--large N] [--seconds S]`. Rounds of the baseline and the portal alternate,
so that other load on the machine affects both.
"""

import argparse
import contextlib
import ipaddress
import random
import re
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import django
import psutil
from django.core.management import call_command

from bench import load, stage

ROUNDS = 5
SESSIONS = 16
FINDS = 4000  # distinct orders, looked up in rotation
FEW = 10_000  # orders of a small shop
PAGE, FIND = "order page, 1 item", "find by card, to the redirect"
CSRF = "c" * 32
FIRST_CLIENT = int(ipaddress.IPv4Address("10.0.0.0"))


def find_request(number: int) -> bytes:
    body = urlencode(
        {"email": f"buyer{number}@example.com", "card_last4": f"{number % 10000:04}", "csrfmiddlewaretoken": CSRF}
    )
    return load.post("/orders/find/card/", body, f"csrftoken={CSRF}", client_of(number))


def client_of(number: int) -> str:
    """Return the network address of this buyer, as the proxy passes it: each has their own."""
    return str(ipaddress.IPv4Address(FIRST_CLIENT + number % 2**24))


def open_session(port: int, number: int) -> str:
    """Find order B-<number> as its buyer would. Returns the browser's cookies."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(find_request(number))
        answer = connection.recv(65536).decode(errors="replace")
    match = re.search(r"(?i)set-cookie: (sessionid=[a-z0-9]+)", answer)
    if match is None or " 302 " not in answer.split("\r\n")[0]:
        raise RuntimeError(f"The order was not found:\n{answer[:500]}")
    return f"csrftoken={CSRF}; {match[1]}"


def memory_of_workers(server: psutil.Process) -> float:
    """Return the largest worker's resident memory, in MB."""
    return max(float(worker.memory_info().rss) for worker in server.children()) / 1e6


def ratio(ours: list[load.Result], baseline: list[load.Result]) -> str:
    shares = [our.per_second / base.per_second for our, base in zip(ours, baseline, strict=True)]
    return f"{statistics.median(shares):.2f}"


def rate(results: list[load.Result]) -> str:
    return f"{statistics.median(result.per_second for result in results):.0f}"


@dataclass(frozen=True)
class Shop:
    """A filled database behind a running portal, and the requests to send."""

    port: int
    server: psutil.Process
    requests: dict[str, list[bytes]]
    plain: list[bytes]  # for the bare view


def fill(database: str, orders: int) -> None:
    """Create this database with this many orders. Django keeps using it afterwards."""
    from bench import data  # noqa: PLC0415 (needs Django set up)
    from orders.models import Store  # noqa: PLC0415

    stage.use_database(database)
    call_command("migrate", verbosity=0)
    store, _created = Store.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    started = time.monotonic()
    data.fill(orders, store.pk)
    stage.console.print(f"{orders:,} orders filled in {time.monotonic() - started:.0f} s")


@contextlib.contextmanager
def shop(folder: Path, database: str, orders: int) -> Iterator[Shop]:
    """A portal with a database that `fill` created."""
    from bench import data  # noqa: PLC0415 (needs Django set up)
    from orders.models import Order  # noqa: PLC0415

    stage.use_database(database)
    numbers = random.sample(range(1, orders + 1), min(orders, FINDS))
    ids = {n: Order.objects.only("public_id").get(number_key=f"B-{n}") for n in numbers[:SESSIONS]}
    data.make_large(ids[numbers[0]].pk)
    with stage.web_server("portal.settings", folder, stage.address_of(database)) as (port, server):
        pages = {n: load.get(f"/orders/{order.public_id}/", open_session(port, n)) for n, order in ids.items()}
        requests = {
            PAGE: [pages[n] for n in numbers[1:SESSIONS]],
            f"order page, {data.LINES_OF_MANY} items": [pages[numbers[0]]],
            FIND: [find_request(n) for n in numbers],
            "find form": [load.get("/orders/find/")],
        }
        yield Shop(port, server, requests, [load.get(f"/{order.public_id}/") for order in ids.values()])


def against_bare_view(folder: Path, database: str, orders: int, seconds: float) -> list[list[str]]:
    """Return the table rows that compare a database of this size with the bare view on the same database."""
    with (
        shop(folder, database, orders) as ours,
        stage.web_server("bench.baseline_settings", folder, stage.address_of(database)) as (bare_port, _bare),
    ):
        rows = []
        for name, requests in ours.requests.items():
            results, bases = alternate((ours.port, requests), (bare_port, ours.plain), seconds)
            answers = sorted({status for result in results for status in result.statuses})
            title = f"{name}, {orders:,} orders"
            rows.append([title, rate(results), rate(bases), ratio(results, bases), " ".join(map(str, answers))])
        rows.append([f"largest worker, {orders:,} orders", f"{memory_of_workers(ours.server):.0f} MB", "", "", ""])
    return rows


def large_against_small(
    folder: Path, large: tuple[str, int], small: tuple[str, int], seconds: float
) -> list[list[str]]:
    """Return the table rows that compare many orders with few, both warm, in alternating rounds."""
    with shop(folder, *large) as many, shop(folder, *small) as few:
        rows = []
        for name in (PAGE, FIND):
            results, bases = alternate((many.port, many.requests[name]), (few.port, few.requests[name]), seconds)
            rows.append([name, rate(results), rate(bases), ratio(results, bases)])
    return rows


def alternate(
    ours: tuple[int, list[bytes]], base: tuple[int, list[bytes]], seconds: float
) -> tuple[list[load.Result], list[load.Result]]:
    """Run rounds of both alternately, after a warm-up round that doesn't count."""
    rounds = [(load.run(*ours, seconds), load.run(*base, seconds)) for _round in range(ROUNDS + 1)][1:]
    return [result for result, _base in rounds], [result for _ours, result in rounds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=0, help=f"put so many orders beside {FEW:,}, too")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    options = parser.parse_args()
    with stage.engines() as folder:
        django.setup()
        call_command("collectstatic", verbosity=0, interactive=False)
        fill("portal", options.orders)
        rows = against_bare_view(folder, "portal", options.orders, options.seconds)
        columns = ["what", "portal", "bare view", "ratio", "answers"]
        stage.report("Find and open, requests per second", columns, rows)
        if options.large:
            fill("few", FEW)
            fill("many", options.large)
            rows = large_against_small(folder, ("many", options.large), ("few", FEW), options.seconds)
            columns = ["what, warm", f"{options.large:,} orders", f"{FEW:,} orders", "ratio"]
            stage.report("Find and open in a large shop, requests per second", columns, rows)


if __name__ == "__main__":
    main()
