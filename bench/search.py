"""Staff's search and lists in a large shop, compared with a small one; and what the search's indexes cost an import.

`python -m bench.search [--orders N] [--rounds N] [--sample N]`. Both shops are databases on one server, each behind a
web server as in production. Requests to both alternate. Then orders are imported with and without the indexes.
"""

import argparse
import http.client
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import django
import psutil
from django.core.management import call_command

from bench import data, stage
from bench.find_and_open import FEW, fill
from bench.import_orders import empty_tables, run_import, write_orders

SEARCH_INDEXES = (
    "order_by_name",
    "order_by_surname",
    "order_by_number_ending",
    "order_by_postcode",
    "order_by_total",
    "order_by_wallet_card",
)
IMPORT_ROUNDS = 4


def _slip(text: str) -> str:
    """Swap two neighboring characters, if they differ."""
    places = [index for index in range(1, len(text) - 1) if text[index] != text[index + 1]]
    place = random.choice(places)
    return f"{text[:place]}{text[place + 1]}{text[place]}{text[place + 2 :]}"


# What staff type to find order B-<n>.
TERMS: dict[str, Callable[[int], str]] = {
    "address": lambda n: f"buyer{n}@example.com",
    "address with a slip": lambda n: _slip(f"buyer{n}@example.com"),
    "beginning of an address": lambda n: f"buyer{n}"[:-1],
    "name": lambda n: data.name_of(n),
    "last name first": lambda n: ", ".join(reversed(data.name_of(n).split())),
    "name with a slip": lambda n: _slip(data.name_of(n)),
    "first name": lambda n: data.name_of(n).split()[0],
    "number": lambda n: f"B-{n}",
    "digits of a number": lambda n: str(n),
    "number with a slip": lambda n: _slip(f"B-{n}00"),
    "card": lambda n: f"visa {n % 10000:04}",
    "card and name": lambda n: f"{n % 10000:04} {data.name_of(n).split()[1]}",
    "amount": lambda n: f"{79 + n % 40},95",
    "postcode": lambda n: f"{n * 7919 % 100000:05}",
    "serial number": lambda n: f"XAAB-{n}",
    "serial number with a slip": lambda n: _slip(f"XAAB-{n}00"),
    "reference that is unknown": lambda n: "R-7K3M9Q2P",
    "nonsense": lambda n: "qqxxzzyy kkjjvv",
}
LISTS = {
    "orders": "/admin/orders/order/",
    "orders, last page": "/admin/orders/order/?p=250",
    "licenses": "/admin/licenses/license/",
    "messages": "/admin/notifications/message/",
    "attempts": "/admin/orders/attempt/",
    "threads": "/admin/support/thread/",
}


@dataclass
class Shop:
    """A web server with a database of this many orders, and the milliseconds of its answers by what was requested."""

    port: int
    orders: int
    cookie: str
    times: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    incomplete: int = 0

    def get(self, name: str, path: str, *, counts: bool = True) -> None:
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Cookie": self.cookie, "Accept": "*/*", "Host": "127.0.0.1"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        if counts:
            self.times.setdefault(name, []).append((time.perf_counter() - started) * 1000)
            self.sizes[name] = len(body)
            self.incomplete += b'"incomplete": true' in body


def sign_in() -> str:
    """Create a member of staff in the current database. Returns the cookie of a session."""
    from django.contrib.auth.models import User  # noqa: PLC0415 (needs Django set up)
    from django.test import Client  # noqa: PLC0415

    user, _created = User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True, "email": "bench@example.com"}
    )
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return f"sessionid={browser.cookies['sessionid'].value}"


def prepare(database: str, orders: int) -> str:
    fill(database, orders)
    data.fill_records()
    return sign_in()


def measure(shops: list[Shop], rounds: int) -> None:
    """Request everything from both shops alternately. The first round doesn't count."""
    for number in range(rounds + 1):
        for name, path in _requests(shops[0].orders, number):
            for shop in shops:
                shop.get(name, path(random.randint(shop.orders // 10, shop.orders)), counts=number > 0)


def _requests(orders: int, number: int) -> Iterator[tuple[str, Callable[[int], str]]]:
    for name, term in TERMS.items():
        yield name, lambda n, term=term: f"/admin/desk/search/?q={quote(term(n))}"  # type: ignore[misc]
    for name, path in LISTS.items():
        yield name, lambda n, path=path: path  # type: ignore[misc]


def _p95(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.95))]


def processor_rows(few: dict[str, float], many: dict[str, float]) -> list[list[str]]:
    rows = [[name, f"{few[name]:.0f}", f"{many[name]:.0f}", f"{many[name] / few[name]:.2f}"] for name in TERMS]
    before, after = statistics.median(few.values()), statistics.median(many.values())
    return [*rows, ["median", f"{before:.0f}", f"{after:.0f}", f"{after / before:.2f}"]]


def rows_of(shops: list[Shop], names: list[str]) -> list[list[str]]:
    few, many = shops
    rows = []
    for name in names:
        before, after = statistics.median(few.times[name]), statistics.median(many.times[name])
        size = f"{many.sizes[name] / 1000:.0f} KB"
        rows.append(
            [name, f"{before:.0f}", f"{after:.0f}", f"{_p95(many.times[name]):.0f}", f"{after / before:.2f}", size]
        )
    all_few, all_many = ([time for name in names for time in shop.times[name]] for shop in shops)
    before, after = statistics.median(all_few), statistics.median(all_many)
    rows.append(["all", f"{before:.0f}", f"{after:.0f}", f"{_p95(all_many):.0f}", f"{after / before:.2f}", ""])
    return rows


def processor_time(database: str, orders: int, rounds: int) -> dict[str, float]:
    """Return the milliseconds of processor time of one search, of Python and PostgreSQL together.

    Unlike the time of an answer, this hardly depends on other load on the machine.
    """
    from django.contrib.auth.models import User  # noqa: PLC0415 (needs Django set up)
    from django.db import connection  # noqa: PLC0415

    from desk.search import search  # noqa: PLC0415

    stage.use_database(database)
    user = User.objects.get(username="bench")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])

    def spent() -> float:
        times = backend.cpu_times()
        return time.process_time() + times.user + times.system

    found = {}
    for name, term in TERMS.items():
        search(term(orders), user)
        before = spent()
        for _round in range(rounds):
            search(term(random.randint(orders // 10, orders)), user)
        found[name] = (spent() - before) * 1000 / rounds
    return found


def import_rows(folder: Path, count: int) -> list[list[str]]:
    """Import the same orders with and without the indexes of the search, in alternating rounds."""
    from django.db import connection  # noqa: PLC0415 (needs Django set up)

    from orders.models import Order  # noqa: PLC0415

    stage.use_database("portal")
    call_command("migrate", verbosity=0)
    path = folder / "orders.jsonl"
    write_orders(path, count)
    indexes = [index for index in Order._meta.indexes if index.name in SEARCH_INDEXES]
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * IMPORT_ROUNDS):
        has_indexes = number % 2 == 0
        empty_tables()
        with connection.schema_editor() as editor:
            for index in indexes:
                editor.execute(f"DROP INDEX IF EXISTS {index.name}")
                if has_indexes:
                    editor.add_index(Order, index)
        seconds[has_indexes].append(run_import(path))
        if has_indexes:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT relname, pg_relation_size(oid) / 1e6 FROM pg_class WHERE relname = ANY(%s)",
                    [list(SEARCH_INDEXES)],
                )
                sizes = dict(cursor.fetchall())
    with_them, without = (min(seconds[each]) for each in (True, False))  # other load only makes it slower
    rows = [[f"{count:,} orders", f"{count / with_them:,.0f}", f"{count / without:,.0f}", f"{without / with_them:.2f}"]]
    return rows + [[f"{name}: {size:.1f} MB", "", "", ""] for name, size in sorted(sizes.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000, help="of the large shop")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--sample", type=int, default=50_000, help="orders of each import; 0 leaves it out")
    options = parser.parse_args()
    with stage.engines() as folder, ExitStack() as servers:
        django.setup()
        call_command("collectstatic", verbosity=0, interactive=False)
        shops = []
        for database, orders in (("few", FEW), ("many", options.orders)):
            cookie = prepare(database, orders)
            web = stage.web_server("portal.settings", folder, stage.address_of(database))
            port, _server = servers.enter_context(web)
            shops.append(Shop(port, orders, cookie))
        measure(shops, options.rounds)
        columns = ["", f"{FEW:,} orders", f"{options.orders:,} orders", "p95", "ratio", "size"]
        stage.report("Search by staff, median milliseconds", columns, rows_of(shops, list(TERMS)))
        stage.console.print(f"stopped by the time limit: {sum(shop.incomplete for shop in shops)}")
        times = [
            processor_time(name, count, options.rounds) for name, count in (("few", FEW), ("many", options.orders))
        ]
        columns_of_times = ["", f"{FEW:,} orders", f"{options.orders:,} orders", "ratio"]
        stage.report("Search by staff, processor milliseconds", columns_of_times, processor_rows(*times))
        stage.report("Lists of staff, median milliseconds", columns, rows_of(shops, list(LISTS)))
        if options.sample:
            rows = import_rows(folder, options.sample)
            columns = ["import", "with the indexes, orders/s", "without", "ratio"]
            stage.report("What the indexes of the search cost an import", columns, rows)


if __name__ == "__main__":
    main()
