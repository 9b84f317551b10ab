"""Show which past returns a new policy would have decided differently, before it takes effect."""

import json
import re
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from refunds.replay import ChangedOutcome, InvalidPolicyFile, load_policy_file, replay_returns

EXIT_INVALID_FILE = 2
TABLE_WIDTH = 140  # characters, independent of the terminal
TABLE_ROWS = 500
COLUMNS = {"Return": 10, "Order": 16, "Sent": 10, "Amount": 14, "Before": 17, "After": 17, "Why": 34}
EPILOG = """
FILE is a policy as JSON. Missing keys have the portal's defaults (30 days, activated licenses can be
returned, no exceptions, no automatic approval):

  {"store": "acme-eu", "days": 14, "activated_may_return": false,
   "exceptions": [{"product": "maximum-security", "days": 60}, {"kind": "renewal", "days": null}],
   "auto_approve": {"EUR": "20.00"}}

"auto_approve" limits the total refunds of the order, and of its email address within 30 days.
"store": "*", or no store, applies it to all stores. "days": null means no returns. Nothing is saved.

  manage.py replay_policy new.json --since 90d
  manage.py replay_policy new.json --since 52w --json > flips.json

Exit status: 0 if all went well, 2 if FILE or an option is invalid.
"""
UNITS = {"d": timedelta(days=1), "w": timedelta(weeks=1)}
MAX_AGE = timedelta(days=36500)


def parse_age(text: str) -> timedelta:
    """Parse an age in days or weeks, such as 90d or 12w."""
    match = re.fullmatch(r"([0-9]{1,6})([dw])", text.strip())
    if match is None or int(match[1]) * UNITS[match[2]] > MAX_AGE:
        raise ArgumentTypeError("use a number of days or weeks, for example 90d or 12w")
    return int(match[1]) * UNITS[match[2]]


class Command(BaseCommand):
    help = "Lists past returns that a new policy would decide differently, with their amounts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", type=Path, metavar="FILE", help="the policy, as JSON")
        parser.add_argument(
            "--since",
            type=parse_age,
            default=timedelta(days=90),
            metavar="AGE",
            help="how far back, for example 90d or 12w",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            terms, store = load_policy_file(options["file"])
        except InvalidPolicyFile as error:
            raise CommandError(f"{options['file']}: {error}", returncode=EXIT_INVALID_FILE) from error
        since = timezone.now() - options["since"]
        report = JsonReport(self.stdout) if options["json"] else TableReport(self.stdout)
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("Checking", total=None)
            for changed in replay_returns(terms, store, since):
                report.checked += 1
                progress.update(task, completed=report.checked)
                if changed is not None:
                    report.add(changed)
        report.end()


class Report:
    """Counts returns and adds up amounts. Subclasses write each changed outcome immediately, for
    constant memory use.
    """

    def __init__(self, out: OutputWrapper) -> None:
        self.out = out
        self.checked = self.changed = 0
        self.amounts: dict[tuple[str, str, str], Decimal] = {}  # by outcome before, outcome after, currency

    def add(self, changed: ChangedOutcome) -> None:
        key = (str(changed.before.outcome), str(changed.after.outcome), changed.case.currency)
        self.amounts[key] = self.amounts.get(key, Decimal(0)) + changed.case.amount
        self.show(changed)
        self.changed += 1

    def show(self, changed: ChangedOutcome) -> None:
        raise NotImplementedError

    def end(self) -> None:
        raise NotImplementedError


class JsonReport(Report):
    def show(self, changed: ChangedOutcome) -> None:
        self.out.write("," if self.changed else '{"flips": [')
        self.out.write(json.dumps(changed.as_dict(), ensure_ascii=False), ending="")

    def end(self) -> None:
        amounts = [
            {"before": before, "after": after, "currency": currency, "amount": str(amount)}
            for (before, after, currency), amount in sorted(self.amounts.items())
        ]
        self.out.write("\n]" if self.changed else '{"flips": []', ending="")
        self.out.write(f', "judged": {self.checked}, "money": {json.dumps(amounts)}}}')


class TableReport(Report):
    """Writes tables of up to TABLE_ROWS rows, all with the same column widths."""

    def __init__(self, out: OutputWrapper) -> None:
        super().__init__(out)
        self.console = Console(width=TABLE_WIDTH)
        self.rows: list[tuple[str, ...]] = []

    def show(self, changed: ChangedOutcome) -> None:
        row = changed.as_dict()
        amount = f"{changed.case.amount.normalize():f} {changed.case.currency}"
        sent = row["sent_at"][:10]
        self.rows.append((row["reference"], row["order"], sent, amount, row["before"], row["after"], row["why"]))
        if len(self.rows) == TABLE_ROWS:
            self._write_rows()

    def _write_rows(self) -> None:
        table = Table()
        for title, width in COLUMNS.items():
            table.add_column(title, width=width, overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(cell) for cell in row))
        with self.console.capture() as written:
            self.console.print(table)
        self.out.write(written.get())
        self.rows.clear()

    def end(self) -> None:
        if self.rows:
            self._write_rows()
        self.out.write(f"{self.checked} returns checked, {self.changed} would be decided differently.")
        for (before, after, currency), total in sorted(self.amounts.items()):
            self.out.write(f"  {before} → {after}: {total.normalize():f} {currency}")
