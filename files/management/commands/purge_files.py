"""Deletes uploads whose time is over, and files that no row knows."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from files.purging import purge


class Command(BaseCommand):
    help = "Delete uploads past their time and files without a row. Beat does this every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            purged = purge(timezone.now(), dry_run=options["dry_run"])
        except Exception as error:  # every storage has errors of its own
            text = _("The storage of files cannot be reached; see `manage.py doctor storage`. (%(error)s)")
            raise CommandError(text % {"error": error}) from error
        told = [
            (_("uploads past their time"), purged.uploads),
            (_("files without a row"), purged.orphans),
            (_("old records of looks"), purged.looks),
        ]
        word = _("would be deleted") if options["dry_run"] else _("deleted")
        for what, count in told:
            self.stdout.write(f"{count:>8}  {what}: {word}")
        if purged.held:
            self.stdout.write(f"{purged.held:>8}  {_('uploads past their time: still held by a case, kept')}")
