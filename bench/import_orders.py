"""Import the portal's own format, compared with a raw COPY of the same rows into the same tables with their indexes.

`python -m bench.import_orders [--orders N] [--sample N]`. The imported rows are copied out, the tables are emptied, and
the rows are copied in again. This is the baseline, measured directly after each import. Rounds with a sample come
first. One long import then shows the rate and the memory use for a million orders.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import django

from bench import stage

ROUNDS = 2
# Parents first, because of foreign keys.
TABLES = [
    "orders_store",
    "licenses_sku",
    "orders_order",
    "orders_orderline",
    "licenses_license",
    "licenses_licensedline",
]


def write_orders(path: Path, count: int) -> None:
    """Write this many orders of one item with one serial number, as a store would export them."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            order = {
                "store": "bench",
                "number": f"B-{number}",
                "placed_at": f"2026-0{1 + number % 9}-{1 + number % 28:02}T10:{number % 60:02}:00+01:00",
                "status": "completed",
                "email": f"buyer{number}@example.com",
                "language": "de",
                "currency": "EUR",
                "payment": {"method": "card", "brand": "visa", "last4": f"{number % 10000:04}"},
                "billing": {
                    "name": "Bea Beispiel",
                    "lines": [f"Beispielweg {number % 200}"],
                    "city": "Köln",
                    "postcode": "50667",
                    "country": "DE",
                },
                "lines": [
                    {
                        "id": "1",
                        "sku": "MAX-3D-1Y",
                        "name": "Maximum Security",
                        "kind": "new",
                        "quantity": 1,
                        "unit_price": "67.19",
                        "tax_rate": "19",
                        "tax": "12.76",
                        "total": "79.95",
                        "licenses": [{"serial": f"XAAB-{number:012}", "devices": 3, "expires_on": "2027-11-01"}],
                    }
                ],
                "totals": {"subtotal": "67.19", "tax": "12.76", "total": "79.95"},
            }
            file.write(json.dumps(order) + "\n")


def run_import(path: Path) -> float:
    """Import the file in a separate process, as in production. Returns its own measurement of the seconds."""
    command = [sys.executable, "manage.py", "import_orders", str(path), "--format", "portal", "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    counts = json.loads(answer.stdout.splitlines()[-1])
    if counts["rejected"]:
        raise RuntimeError(answer.stderr)
    return float(counts["seconds"])


def copy_again(folder: Path) -> float:
    """Copy all rows out, empty the tables, and copy the rows in. Returns the seconds for copying in."""
    from django.db import connection  # noqa: PLC0415 (needs Django set up)

    with connection.cursor() as cursor:
        columns = {}
        for table in TABLES:
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ',' ORDER BY ordinal_position) "
                "FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'",
                [table],
            )
            (columns[table],) = cursor.fetchone()
            with (folder / table).open("wb") as file:
                cursor.copy_expert(f"COPY {table} ({columns[table]}) TO STDOUT", file)
        empty_tables()
        started = time.perf_counter()
        for table in TABLES:
            with (folder / table).open("rb") as file:
                cursor.copy_expert(f"COPY {table} ({columns[table]}) FROM STDIN", file)
        return time.perf_counter() - started


def empty_tables() -> None:
    from django.db import connection  # noqa: PLC0415 (needs Django set up)

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(reversed(TABLES))} CASCADE")


def measure(folder: Path, count: int, *, again: bool) -> list[str]:
    """Return a row of the table: an import, the COPY of its rows, and optionally the same import again."""
    path = folder / "orders.jsonl"
    write_orders(path, count)
    empty_tables()
    first = run_import(path)
    copied = copy_again(folder)
    row = [f"{count:,}", f"{count / copied:,.0f}", f"{count / first:,.0f}", f"{copied / first:.2f}"]
    if not again:
        return [*row, "", ""]
    second = run_import(path)
    return [*row, f"{count / second:,.0f}", f"{first / second:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000, help="of the long import, last; 0 leaves it out")
    parser.add_argument("--sample", type=int, default=100_000, help="orders of each round before it")
    options = parser.parse_args()
    with stage.engines() as folder:
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 (needs Django set up)

        call_command("migrate", verbosity=0)
        rows = [measure(folder, options.sample, again=True) for _round in range(ROUNDS)]
        if options.orders:
            rows.append(measure(folder, options.orders, again=False))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    rows.append(["peak memory of an import", "", f"{peak:.0f} MiB", "", "", ""])
    columns = ["orders", "raw COPY a second", "import a second", "ratio", "the same again", "times as fast"]
    stage.report("Import, portal's own format", columns, rows)


if __name__ == "__main__":
    main()
