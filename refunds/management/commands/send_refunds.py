"""`send_refunds`: sends due refunds through their gateways."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from rich.console import Console

from orders.models import Store
from refunds.models import RefundTransaction
from refunds.services import sending
from refunds.services.outstanding import Outstanding, list_outstanding

EXIT_NOT_ALL_DONE = 1
EXIT_FAILED = 2

EPILOG = """
Sends due refunds through the gateway of each store and checks unconfirmed ones again. Celery beat does the
same every 30 seconds. Use this command to see what's waiting, or if you run no worker. It's safe to run it
at any time: each refund has its own idempotency key and is made at most once.

  manage.py send_refunds --dry-run            what's waiting for a gateway or staff, or is blocked, and why
  manage.py send_refunds --dry-run --json     the same as one JSON object on the last line
  manage.py send_refunds --store acme         only the store with the short name "acme"

Exit status: 0 if no refund is left to send; 1 if some were declined or are unconfirmed (the admin shows
why, under "refund transactions"); 2 if the command failed.
"""


class Command(BaseCommand):
    help = "Sends due refunds through their payment gateways. You can run it at any time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--dry-run", action="store_true", help="show what's due without sending it")
        parser.add_argument("--json", action="store_true", help="with --dry-run: print one JSON object")
        parser.add_argument("--store", metavar="SLUG", default="", help="only the store with this short name")

    def handle(self, *args: Any, **options: Any) -> None:
        store = options["store"]
        try:
            if store and not Store.objects.filter(slug=store).exists():
                known = ", ".join(Store.objects.order_by("slug").values_list("slug", flat=True)) or "-"
                raise CommandError(
                    _("No store is named “%(store)s”. Stores: %(known)s.") % {"store": store, "known": known},
                    returncode=EXIT_FAILED,
                )
            if options["json"] and not options["dry_run"]:
                raise CommandError(_("--json requires --dry-run."), returncode=EXIT_FAILED)
            if options["dry_run"]:
                self._print_outstanding(list_outstanding(store), as_json=options["json"])
                return
            all_done = self._send(store)
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                _("The database can’t be reached (%(reason)s). The next run checks what was sent.")
                % {"reason": str(error).splitlines()[0] if str(error) else type(error).__name__},
                returncode=EXIT_FAILED,
            ) from None
        if not all_done:
            sys.exit(EXIT_NOT_ALL_DONE)

    def _send(self, store: str) -> bool:
        """Return whether all due refunds are done: none refused, none unclear."""
        counts: Counter[str] = Counter()
        with _progress(self.stderr.isatty()):
            # Each call stops after a limited time; repeat until nothing is due.
            while run_counts := sending.send_due(store=store):
                counts += run_counts
        self.stdout.write(
            _("%(done)d refunds completed, %(refused)d declined, %(unclear)d unconfirmed (checked again later).")
            % {name: counts[name] for name in ("done", "refused", "unclear")}
        )
        self._print_waiting_for_staff(store)
        return not (counts["refused"] or counts["unclear"])

    def _print_outstanding(self, outstanding: Outstanding, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(outstanding), ensure_ascii=False))
            return
        for name, rows in asdict(outstanding).items():
            for row in rows:
                line = "{store} {order} {case} {amount} {currency}".format(**row)
                self.stdout.write(f"{name}: {line}" + (f" ({row['reason']})" if row["reason"] else ""))
        counts = {name: len(rows) for name, rows in asdict(outstanding).items()}
        self.stdout.write(
            _("To send: %(to_send)d, manual: %(by_hand)d, unconfirmed: %(unclear)d, blocked: %(blocked)d.") % counts
        )
        self.stdout.write(_("This was a dry run. Nothing was sent."))

    def _print_waiting_for_staff(self, store: str) -> None:
        if count := _filter_by_store(RefundTransaction.objects.waiting_for_staff(), store).count():
            self.stdout.write(_("%(count)d refunds must be made manually.") % {"count": count})


def _filter_by_store(rows: Any, store: str) -> Any:
    return rows.filter(order__store__slug=store) if store else rows


@contextmanager
def _progress(on_terminal: bool) -> Iterator[None]:
    if not on_terminal:
        yield
        return
    with Console(stderr=True).status(_("Sending refunds …")):
        yield
