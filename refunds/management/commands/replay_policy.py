"""Tells, before a policy is put in force, which returns of the past it would have decided otherwise."""

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

from refunds.replay import Flip, Unusable, flips, read

UNUSABLE = 2  # exit status
TABLE_WIDTH = 140  # characters, also where there is no terminal
TABLE_ROWS = 500
COLUMNS = {"Return": 10, "Order": 16, "Sent": 10, "Amount": 14, "Before": 17, "After": 17, "Why": 34}
EXAMPLE = """
FILE is a policy as JSON. What it leaves out has the portal's defaults (30 days, activated licenses may
be returned, no exceptions, people decide):

  {"store": "acme-eu", "days": 14, "activated_may_return": false,
   "exceptions": [{"product": "maximum-security", "days": 60}, {"kind": "renewal", "days": null}],
   "auto_approve": {"EUR": "20.00"}}

"store": "*", or no store, judges every store. "days": null means: cannot be returned. Nothing is written.

  manage.py replay_policy new.json --since 90d
  manage.py replay_policy new.json --since 52w --json > flips.json

Exit status: 0 when it ran, 2 when FILE or the call cannot be used.
"""
UNITS = {"d": timedelta(days=1), "w": timedelta(weeks=1)}
LONGEST = timedelta(days=36500)


def age(text: str) -> timedelta:
    """90d, 12w."""
    found = re.fullmatch(r"([0-9]{1,6})([dw])", text.strip())
    if found is None or int(found[1]) * UNITS[found[2]] > LONGEST:
        raise ArgumentTypeError("write it like 90d or 12w")
    return int(found[1]) * UNITS[found[2]]


class Command(BaseCommand):
    help = "List past returns whose verdict a new policy would flip, with the money it is about."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", type=Path, metavar="FILE", help="the policy, as JSON")
        parser.add_argument(
            "--since", type=age, default=timedelta(days=90), metavar="AGE", help="how far back, as 90d or 12w"
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            terms, store = read(options["file"])
        except Unusable as error:
            raise CommandError(f"{options['file']}: {error}", returncode=UNUSABLE) from error
        since = timezone.now() - options["since"]
        report = JsonReport(self.stdout) if options["json"] else TableReport(self.stdout)
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("Judging", total=None)
            for flip in flips(terms, store, since):
                report.judged += 1
                progress.update(task, completed=report.judged)
                if flip is not None:
                    report.add(flip)
        report.end()


class Report:
    """Counts, and adds the money up; what is listed goes out as it comes, so that memory stays flat."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out = out
        self.judged = self.flipped = 0
        self.money: dict[tuple[str, str, str], Decimal] = {}  # by verdict before, verdict after, currency

    def add(self, flip: Flip) -> None:
        kind = (str(flip.before.verdict), str(flip.after.verdict), flip.case.currency)
        self.money[kind] = self.money.get(kind, Decimal(0)) + flip.case.amount
        self.show(flip)
        self.flipped += 1

    def show(self, flip: Flip) -> None:
        raise NotImplementedError

    def end(self) -> None:
        raise NotImplementedError


class JsonReport(Report):
    def show(self, flip: Flip) -> None:
        self.out.write("," if self.flipped else '{"flips": [')
        self.out.write(json.dumps(flip.as_dict(), ensure_ascii=False), ending="")

    def end(self) -> None:
        money = [
            {"before": before, "after": after, "currency": currency, "amount": str(amount)}
            for (before, after, currency), amount in sorted(self.money.items())
        ]
        self.out.write("\n]" if self.flipped else '{"flips": []', ending="")
        self.out.write(f', "judged": {self.judged}, "money": {json.dumps(money)}}}')


class TableReport(Report):
    """A table of some rows after the other, its columns as wide in each."""

    def __init__(self, out: OutputWrapper) -> None:
        super().__init__(out)
        self.console = Console(width=TABLE_WIDTH)
        self.rows: list[tuple[str, ...]] = []

    def show(self, flip: Flip) -> None:
        said = flip.as_dict()
        amount = f"{flip.case.amount.normalize():f} {flip.case.currency}"
        sent = said["sent_at"][:10]
        self.rows.append((said["reference"], said["order"], sent, amount, said["before"], said["after"], said["why"]))
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
        self.out.write(f"{self.judged} returns judged, {self.flipped} would be decided otherwise.")
        for (before, after, currency), total in sorted(self.money.items()):
            self.out.write(f"  {before} → {after}: {total.normalize():f} {currency}")
