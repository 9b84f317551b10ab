"""`undo_import RUN`: undo an import."""

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cases.refusals import Refusal
from intake.models import ImportRun
from intake.services.imports import system_user
from intake.services.undo import UndoReport, undo_run
from intake.undo.obstacles import ObstacleCode

SHOWN_ORDERS = 20
EXIT_KEPT = 1
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130  # as shells report Ctrl-C

EPILOG = """
RUN is the number that import_orders printed. The admin lists all imports under Imports. Orders that the
import created are deleted, and orders that it changed are restored. An order is kept and listed with the
reason if something happened since: a request or message, a refund, an email about it, a lookup by its
buyer, a serial number in use or assigned by staff, or a later import. Undo later imports first.

  manage.py undo_import 12 --dry-run       show what would happen without changing anything
  manage.py undo_import 12                 undo it; waiting emails about deleted orders are canceled
  manage.py undo_import 12 --json          the result as JSON on the last line

An undo can be interrupted and run again at any time. An import can be undone for 30 days.

Exit status: 0 if everything is undone, also if it already was; 1 if some orders couldn't be undone or the
database connection was lost; 2 if the import doesn't exist, is too old or is still running; 130 after Ctrl-C.
"""


class Command(BaseCommand):
    help = "Undoes an import: deletes the orders that it created and restores those that it changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("run", metavar="RUN", type=int, help="the number of the import")
        parser.add_argument("--dry-run", action="store_true", help="show what would happen without changing anything")
        parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        started_at = time.monotonic()
        try:
            run = ImportRun.objects.filter(pk=options["run"]).first()
            if run is None:
                raise CommandError(
                    _("Import %(run)d doesn’t exist.") % {"run": options["run"]}, returncode=EXIT_REFUSED
                )
            with _progress(self.stderr.isatty()) as on_progress:
                report = undo_run(run, by=system_user(), dry_run=options["dry_run"], on_progress=on_progress)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=EXIT_REFUSED) from None
        except KeyboardInterrupt:
            raise CommandError(
                _("Stopped. What was undone stays undone. Run it again for the rest."), returncode=EXIT_INTERRUPTED
            ) from None
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                _(
                    "The database connection was lost (%(reason)s). What was undone stays undone. Run it again for the "
                    "rest."
                )
                % {"reason": str(error).splitlines()[0] if str(error) else type(error).__name__},
                returncode=EXIT_KEPT,
            ) from None
        self._print(run, report, options["dry_run"])
        if options["json"]:
            seconds = round(time.monotonic() - started_at, 3)
            self.stdout.write(json.dumps(_as_json(run, report) | {"dry_run": options["dry_run"], "seconds": seconds}))
        if report.kept:
            sys.exit(EXIT_KEPT)

    def _print(self, run: ImportRun, report: UndoReport, dry_run: bool) -> None:
        write = self.stdout.write
        if report.was_undone:
            write(_("Import %(run)d was already undone.") % {"run": run.pk})
            return
        for order in report.listed[:SHOWN_ORDERS]:
            reasons = "; ".join(obstacle.text for obstacle in order.obstacles)
            self.stderr.write(f"{order.store} {order.number}: {reasons}")
        if report.kept > SHOWN_ORDERS:
            self.stderr.write(_("… and %(count)d more.") % {"count": report.kept - SHOWN_ORDERS})
        sentence = _("%(deleted)d orders deleted, %(restored)d restored, %(kept)d couldn’t be undone.")
        if dry_run:
            sentence = _("%(deleted)d orders would be deleted, %(restored)d restored, %(kept)d can’t be undone.")
        write(sentence % {"deleted": report.deleted, "restored": report.restored, "kept": report.kept})
        for code, count in report.reasons.most_common():
            write(f"  {count} {ObstacleCode(code).label}")
        objects = report.objects
        if objects.licenses or objects.skus or objects.stores:
            write(_("Also deleted: %(licenses)d serial numbers, %(skus)d SKUs, %(stores)d stores.") % asdict(objects))
        if report.canceled_emails:
            write(_("%(count)d waiting emails were canceled.") % {"count": report.canceled_emails})
        if dry_run:
            write(_("This was a dry run. Nothing was changed."))


def _as_json(run: ImportRun, report: UndoReport) -> dict[str, Any]:
    return {
        "run": run.pk,
        "state": run.state,
        "was_undone": report.was_undone,
        "deleted": report.deleted,
        "restored": report.restored,
        "kept": report.kept,
        "reasons": dict(report.reasons),
        "orders": [
            {
                "store": order.store,
                "number": order.number,
                "reasons": [{"code": obstacle.code.value, "text": obstacle.text} for obstacle in order.obstacles],
            }
            for order in report.listed
        ],
        "canceled_emails": report.canceled_emails,
        **asdict(report.objects),
    }


@contextmanager
def _progress(on_terminal: bool) -> Iterator[Callable[[int, int], None]]:
    if not on_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_("orders"), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
