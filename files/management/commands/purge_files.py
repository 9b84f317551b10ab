from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _

from files.purging import purge


class Command(BaseCommand):
    help = "Deletes expired uploads and files without a database record. Beat does this every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = purge(timezone.now(), dry_run=options["dry_run"])
        except DatabaseError:
            raise
        except Exception as error:  # each storage backend raises its own errors
            text = _("File storage can’t be reached. Run `manage.py doctor storage` for details. (%(error)s)")
            raise CommandError(text % {"error": error}) from error
        counts = [
            (_("expired uploads"), result.uploads),
            (_("files without a database record"), result.orphans),
            (_("old download records"), result.download_records),
        ]
        outcome = _("would be deleted") if options["dry_run"] else _("deleted")
        for label, count in counts:
            self.stdout.write(f"{count:>8}  {label}: {outcome}")
        if result.protected:
            kept = _("expired uploads kept because a case still uses them")
            self.stdout.write(f"{result.protected:>8}  {kept}")
