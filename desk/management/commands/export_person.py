"""`export_person`: a ZIP file with everything that is held about the person behind an email address."""

import os
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from desk.privacy.export import PersonExport, collect, write_zip
from notifications.addresses import email_key

EXIT_INCOMPLETE = 1
EXIT_UNUSABLE = 2

EPILOG = """
The ZIP file has person.html to read, person.json with the same data for programs, and the files that the person sent.
It contains everything that docs/privacy.md lists, bank details included, and nothing of other people. Addresses of
others are masked, staff aren't named, and secrets such as password hashes and tokens are omitted. Verify who asks
before you hand it over, and delete it afterwards.

  manage.py export_person ann@example.com                      writes person-DATE-TIME.zip into this folder
  manage.py export_person ann@example.com --output ann.zip     another name; an existing file is never overwritten

Only this user can read the file. Supervisors can do the same on the page of the person.

Exit status: 0 if the file was written, or nothing is held about the address; 1 if a file of the person could not be
read; 2 if the call is unusable.
"""


class Command(BaseCommand):
    help = "Writes everything that is held about a person into a ZIP file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("address", metavar="ADDRESS", help="the person's email address, in any spelling")
        parser.add_argument("--output", metavar="FILE", default="", help="the ZIP file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        key = email_key(options["address"])
        if not key:
            text = _("%(address)s isn’t an email address that orders can be found by. Check its spelling.")
            raise CommandError(text % {"address": options["address"]}, returncode=EXIT_UNUSABLE)
        path = Path(options["output"] or f"person-{timezone.now():%Y%m%d-%H%M%S}.zip")
        try:
            export = collect(key, reveals_payout=True)
        except (OperationalError, InterfaceError) as error:
            reason = (str(error).splitlines() or [""])[0]
            text = _("The database can’t be reached (%(reason)s).") % {"reason": reason}
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
        if export.is_empty:
            self.stdout.write(_("Nothing is held about this address."))
            return
        missing = self._write(export, path)
        for label, count in export.counts.items():
            self.stdout.write(f"{count:>8}  {label}")
        self.stdout.write(_("Written: %(path)s") % {"path": path})
        if missing:
            text = ngettext(
                "%(count)d file of the person could not be read. Run `manage.py doctor storage`.",
                "%(count)d files of the person could not be read. Run `manage.py doctor storage`.",
                missing,
            )
            raise CommandError(text % {"count": missing}, returncode=EXIT_INCOMPLETE)

    def _write(self, export: PersonExport, path: Path) -> int:
        """Write the file, or nothing if that fails. Returns how many files of the person are missing."""
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            text = _("%(path)s exists. Choose another name.") % {"path": path}
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
        except OSError as error:
            text = _("%(path)s can’t be written: %(reason)s") % {"path": path, "reason": error.strerror}
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                return write_zip(export, file)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            text = _("%(path)s can’t be written: %(reason)s") % {"path": path, "reason": error.strerror}
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
