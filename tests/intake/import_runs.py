"""Helpers for tests of runs: undoing as in production, and the content of all tables that imports write."""

import io
import json
from dataclasses import dataclass
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection

from intake.models import ImportRun
from tests.intake.exports import Result

TABLES = [
    "orders_store",
    "orders_order",
    "orders_orderline",
    "orders_refund",
    "orders_paymentreference",
    "licenses_sku",
    "licenses_license",
    "licenses_licensedline",
    "refunds_withdrawal",
]


def content() -> dict[str, list[str]]:
    """Every row of the tables that imports write, with all columns."""
    rows = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT to_jsonb(row)::text FROM {table} AS row ORDER BY id")
            rows[table] = [text for (text,) in cursor.fetchall()]
    return rows


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the removed (-) and added (+) rows by table; empty if both contents are the same."""
    found = {
        table: [
            *(f"- {row}" for row in before[table] if row not in after[table]),
            *(f"+ {row}" for row in after[table] if row not in before[table]),
        ]
        for table in TABLES
    }
    return {table: rows for table, rows in found.items() if rows}


@dataclass
class Undone:
    """The result of a run of `undo_import`."""

    exit_status: int
    result: dict[str, Any]
    said: str

    @property
    def tally(self) -> tuple[int, int, int]:
        """Deleted, restored, kept."""
        return self.result["deleted"], self.result["restored"], self.result["kept"]

    @property
    def codes(self) -> dict[str, set[str]]:
        """The codes of the reasons by order number."""
        return {order["number"]: {each["code"] for each in order["reasons"]} for order in self.result["orders"]}


def undo(run: int | ImportRun | Result, **options: Any) -> Undone:
    """Run `undo_import`, given a run, its number, or the import's result."""
    number = run.counts["run"] if isinstance(run, Result) else run.pk if isinstance(run, ImportRun) else run
    out, err = io.StringIO(), io.StringIO()
    status, sentence = 0, ""
    try:
        call_command("undo_import", str(number), json=True, stdout=out, stderr=err, **options)
    except CommandError as error:
        status, sentence = error.returncode, str(error)
    except SystemExit as ended:
        status = int(ended.code or 0)
    lines = out.getvalue().splitlines()
    result = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Undone(status, result, f"{out.getvalue()}{err.getvalue()}{sentence}")
