"""Factories for store exports, and a way to import them as in production."""

import csv
import io
import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from orders.models import Order

ORDER: dict[str, Any] = {
    "store": "acme-eu",
    "number": "A-1001",
    "placed_at": "2026-11-01T10:00:00+01:00",
    "status": "completed",
    "email": "ann@example.com",
    "language": "de",
    "currency": "EUR",
    "payment": {"method": "card", "brand": "visa", "last4": "4242", "wallet": "apple_pay", "device_last4": "1881"},
    "billing": {
        "name": "Ann Beispiel",
        "company": "",
        "lines": ["Beispielweg 1", "Hinterhof"],
        "city": "Köln",
        "postcode": "50667",
        "country": "DE",
        "vat_id": "",
    },
    "lines": [
        {
            "id": "1",
            "sku": "MAX-3D-1Y",
            "name": "Maximum Security",
            "kind": "new",
            "quantity": 1,
            "unit_price": "67.19",
            "discount": "0.00",
            "tax_rate": "19",
            "tax": "12.76",
            "total": "79.95",
            "licenses": [
                {"serial": "XAAB-1234-5678", "devices": 3, "starts_on": "2026-11-01", "expires_on": "2027-11-01"}
            ],
        },
        {
            "id": "2",
            "sku": "EDS-2Y",
            "name": "Extended Download Service",
            "kind": "extended_download",
            "quantity": 1,
            "unit_price": "8.39",
            "tax_rate": "19",
            "tax": "1.60",
            "total": "9.99",
        },
    ],
    "totals": {"subtotal": "75.58", "discount": "0.00", "tax": "14.36", "total": "89.94"},
}

ABSENT = object()


def portal_order(**changes: Any) -> dict[str, Any]:
    """Return an order in the portal's own format. A value of ABSENT removes a key."""
    order = deepcopy(ORDER) | changes
    return {key: value for key, value in order.items() if value is not ABSENT}


def json_lines(*orders: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(order, ensure_ascii=False)}\n" for order in orders)


def table(*rows: dict[str, Any], delimiter: str = ",") -> str:
    """Return a CSV file with the columns of its first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


SHOPIFY: dict[str, Any] = {
    "Name": "#1001",
    "Email": "ann@example.com",
    "Financial Status": "paid",
    "Paid at": "2026-11-01 10:00:05 +0100",
    "Currency": "EUR",
    "Subtotal": "79.95",
    "Shipping": "0.00",
    "Taxes": "12.76",
    "Total": "79.95",
    "Discount Code": "",
    "Discount Amount": "0.00",
    "Created at": "2026-11-01 10:00:00 +0100",
    "Lineitem quantity": "1",
    "Lineitem name": "Maximum Security",
    "Lineitem price": "79.95",
    "Lineitem sku": "MAX-3D-1Y",
    "Billing Name": "Ann Beispiel",
    "Billing Address1": "Beispielweg 1",
    "Billing Address2": "",
    "Billing Company": "",
    "Billing City": "Köln",
    "Billing Zip": "'50667",
    "Billing Province": "",
    "Billing Country": "DE",
    "Notes": "",
    "Cancelled at": "",
    "Payment Method": "Stripe",
    "Payment Reference": "",
    "Refunded Amount": "0.00",
    "Id": "5123456789012",
}


def shopify_row(**changes: Any) -> dict[str, Any]:
    """Return the first row of an order; underscores in names are replaced by spaces."""
    return SHOPIFY | {key.replace("_", " "): value for key, value in changes.items()}


def shopify_more(number: str, **changes: Any) -> dict[str, Any]:
    """Return a row with one more item."""
    return dict.fromkeys(SHOPIFY, "") | {"Name": number} | {key.replace("_", " "): v for key, v in changes.items()}


@dataclass
class Result:
    """The result of a run of the command."""

    exit_status: int
    counts: dict[str, Any]
    said: str  # stdout, stderr and the message of an error

    @property
    def tally(self) -> tuple[int, int, int, int]:
        """Created, updated, unchanged, rejected."""
        counts = self.counts
        return counts["created"], counts["updated"], counts["unchanged"], counts["rejected"]


def run_import(*files: Path, **options: Any) -> Result:
    """Run `import_orders` on files, and capture its output."""
    out, err = io.StringIO(), io.StringIO()
    status, sentence = 0, ""
    try:
        call_command("import_orders", *map(str, files), json=True, stdout=out, stderr=err, **options)
    except CommandError as error:
        status, sentence = error.returncode, str(error)
    except SystemExit as ended:
        status = int(ended.code or 0)
    lines = out.getvalue().splitlines()
    counts = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Result(status, counts, f"{out.getvalue()}{err.getvalue()}{sentence}")


@dataclass
class Importer:
    """Writes a file and imports it."""

    folder: Path

    def __call__(self, content: str | bytes, *, name: str = "orders.txt", **options: Any) -> Result:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return run_import(path, **options)

    def orders(self, *orders: dict[str, Any], **options: Any) -> Result:
        return self(json_lines(*orders), name="orders.jsonl", **options)

    def shopify(self, *rows: dict[str, Any], **options: Any) -> Result:
        return self(table(*rows), name="orders.csv", **{"store": "shop"} | options)


def the_order(number: str = "A-1001") -> Order:
    return Order.objects.get(number=number)
