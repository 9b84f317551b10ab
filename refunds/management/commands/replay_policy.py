"""Tells, before a policy is put in force, which returns of the past it would have decided otherwise."""

import json
import re
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from refunds.replay import Flip, Unusable, flips, read

UNUSABLE = 2  # exit status
TABLE_WIDTH = 140  # characters, also where there is no terminal
EXAMPLE = """
FILE is a policy as JSON. What it leaves out has the portal's defaults (30 days, activated licences may
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
        found: list[Flip] = []
        judged = 0
        terminal = Console(stderr=True)
        with Progress(console=terminal, transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("Judging", total=None)
            for flip in flips(terms, store, since):
                judged += 1
                progress.update(task, completed=judged)
                if flip is not None:
                    found.append(flip)
        if options["json"]:
            self.stdout.write(json.dumps(summary(found, judged), indent=1, ensure_ascii=False))
        else:
            self._table(found, judged)

    def _table(self, found: list[Flip], judged: int) -> None:
        if found:
            table = Table("Return", "Order", "Sent", "Amount", "Before", "After", "Why")
            for flip in found:
                said = flip.as_dict()
                amount = f"{flip.case.amount.normalize():f} {flip.case.currency}"
                cells = (said["reference"], said["order"], said["sent_at"][:10], amount)
                table.add_row(*cells, said["before"], said["after"], said["why"])
            console = Console(width=TABLE_WIDTH)
            with console.capture() as written:
                console.print(table)
            self.stdout.write(written.get())
        self.stdout.write(f"{judged} returns judged, {len(found)} would be decided otherwise.")
        for (before, after, currency), total in sums(found).items():
            self.stdout.write(f"  {before} → {after}: {total.normalize():f} {currency}")


def sums(found: list[Flip]) -> dict[tuple[str, str, str], Decimal]:
    """The money by kind of flip and currency."""
    money: dict[tuple[str, str, str], Decimal] = {}
    for flip in found:
        kind = (str(flip.before.verdict), str(flip.after.verdict), flip.case.currency)
        money[kind] = money.get(kind, Decimal(0)) + flip.case.amount
    return dict(sorted(money.items()))


def summary(found: list[Flip], judged: int) -> dict[str, Any]:
    money = [
        {"before": before, "after": after, "currency": currency, "amount": str(amount)}
        for (before, after, currency), amount in sums(found).items()
    ]
    return {"judged": judged, "flips": [flip.as_dict() for flip in found], "money": money}
