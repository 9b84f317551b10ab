"""`retention`: deletes what is older than its period."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from desk.privacy import retention

EXIT_INCOMPLETE = 1
EXIT_UNUSABLE = 2
EMPTIED = frozenset({"orders", "cases", "device_names", "store_event_bodies"})  # the rows stay, without the person

EPILOG = """
Each kind of data has a period, in days, with a reason; docs/privacy.md lists them, and --reasons prints them. Change
them with RETENTION_DAYS, such as RETENTION_DAYS=attempts=60,threads=730. Celery beat does the same every night. Use
this command to see what's due, or if you run no worker. Orders are never deleted: after their period, they stay without
the person.

  manage.py retention --dry-run      how many rows of each kind are due
  manage.py retention --reasons      the periods with their reasons

Exit status: 0 if nothing is left that is due; 1 if something couldn't be deleted; 2 if the database can't be reached.
"""


class Command(BaseCommand):
    help = "Deletes data that is older than its period."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--dry-run", action="store_true", help="only count what would be deleted")
        parser.add_argument("--reasons", action="store_true", help="print the periods with their reasons, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reasons"]:
            for kind, period in settings.RETENTION_PERIODS.items():
                days = settings.KEPT_FOR[kind].days
                self.stdout.write(f"{kind}: {period.what}, {days} days after {period.since}; {period.reason}")
            return
        counts: Counter[str] = Counter()
        is_complete = True
        try:
            for result in retention.run(timezone.now(), dry_run=options["dry_run"]):
                counts[result.kind] += result.count
                is_complete &= result.is_complete
        except (OperationalError, InterfaceError) as error:
            reason = (str(error).splitlines() or [""])[0]
            text = _("The database can’t be reached (%(reason)s). Run this again.") % {"reason": reason}
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
        deleted = _("would be deleted") if options["dry_run"] else _("deleted")
        emptied = _("would be erased, the rest stays") if options["dry_run"] else _("erased, the rest stays")
        for kind, count in counts.items():
            kept_for = _("%(days)d days") % {"days": settings.KEPT_FOR[kind].days}
            self.stdout.write(f"{count:>8}  {kind} ({kept_for}): {emptied if kind in EMPTIED else deleted}")
        if not is_complete:
            sys.exit(EXIT_INCOMPLETE)
