"""Find an order by card, and open it, against a bare Django view with one query by hand.

`python -m bench.find_and_open [--orders N] [--large N] [--seconds S]`. Rounds of the baseline and of
ours alternate, so that whatever else the machine does hits both.
"""

import argparse
import ipaddress
import random
import re
import socket
import statistics
from pathlib import Path
from urllib.parse import urlencode

import django
import psutil

from bench import load, stage

ROUNDS = 5
SESSIONS = 16
FINDS = 4000  # different orders looked for, round and round
CSRF = "c" * 32
FIRST_CLIENT = int(ipaddress.IPv4Address("10.0.0.0"))


def find_request(number: int) -> bytes:
    body = urlencode(
        {"email": f"buyer{number}@example.com", "card_last4": f"{number % 10000:04}", "csrfmiddlewaretoken": CSRF}
    )
    return load.post("/orders/find/card/", body, f"csrftoken={CSRF}", client_of(number))


def client_of(number: int) -> str:
    """The network address of this buyer, as the proxy writes it: each sits at home."""
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
    """The largest worker's resident memory, in MB."""
    return max(float(worker.memory_info().rss) for worker in server.children()) / 1e6


def ratio(ours: list[load.Result], baseline: list[load.Result]) -> str:
    shares = [our.per_second / base.per_second for our, base in zip(ours, baseline, strict=True)]
    return f"{statistics.median(shares):.2f}"


def rate(results: list[load.Result]) -> str:
    return f"{statistics.median(result.per_second for result in results):.0f}"


def measure(folder: Path, orders: int, seconds: float) -> list[list[str]]:
    """Rows of the table for a database of so many orders."""
    from bench import data  # noqa: PLC0415 (needs Django set up)
    from orders.models import Order, Store  # noqa: PLC0415

    store, _created = Store.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    data.fill(orders, store.pk)
    numbers = random.sample(range(1, orders + 1), min(orders, FINDS))
    with (
        stage.web_server("bench.baseline_settings", folder) as (baseline_port, _baseline),
        stage.web_server("portal.settings", folder) as (port, server),
    ):
        ids = {n: Order.objects.only("public_id").get(number_key=f"B-{n}") for n in numbers[:SESSIONS]}
        data.make_large(ids[numbers[0]].pk)
        cookies = {n: open_session(port, n) for n in ids}
        ours = {
            "order page, 1 item": [load.get(f"/orders/{ids[n].public_id}/", cookies[n]) for n in numbers[1:SESSIONS]],
            f"order page, {data.LINES_OF_MANY} items": [
                load.get(f"/orders/{ids[numbers[0]].public_id}/", cookies[numbers[0]])
            ],
            "find by card, to the redirect": [find_request(n) for n in numbers],
            "find form": [load.get("/orders/find/")],
        }
        plain = [load.get(f"/{order.public_id}/") for order in ids.values()]
        results: dict[str, list[load.Result]] = {name: [] for name in ours}
        bases: dict[str, list[load.Result]] = {name: [] for name in ours}
        for _round in range(ROUNDS):
            for name, requests in ours.items():
                bases[name].append(load.run(baseline_port, plain, seconds))
                results[name].append(load.run(port, requests, seconds))
        statuses = {name: sorted({s for result in rounds for s in result.statuses}) for name, rounds in results.items()}
        rows = [
            [
                f"{name}, {orders:,} orders",
                rate(results[name]),
                rate(bases[name]),
                ratio(results[name], bases[name]),
                " ".join(map(str, statuses[name])),
            ]
            for name in ours
        ]
        rows.append([f"largest worker, {orders:,} orders", f"{memory_of_workers(server):.0f} MB", "", "", ""])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=0, help="measure with so many orders too, as with 10 thousand")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    options = parser.parse_args()
    with stage.engines() as folder:
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 (needs Django set up)

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        rows = []
        sizes = [10_000, options.orders, options.large] if options.large else [options.orders]
        for orders in sizes:
            rows += measure(folder, orders, options.seconds)
    stage.report("Find and open, requests per second", ["what", "portal", "bare view", "ratio", "answers"], rows)


if __name__ == "__main__":
    main()
