"""`erase_person`: erases everything about the person behind an email address that law doesn't require to keep."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _

from desk.privacy.erase import erase
from desk.privacy.results import ErasureRefused, ErasureResult
from intake.services.imports import system_user
from notifications.addresses import email_key

EXIT_REFUSED = 1
EXIT_UNUSABLE = 2

EPILOG = """
Orders stay with their numbers, items, amounts, taxes, dates and country, and with their serial numbers, but without the
person. All else goes: messages and files, emails, attempts, and what imports and webhooks still hold. Nothing can open
the orders anymore. The address is put on a list of keyed hashes, so that no later import brings the person back; orders
that are placed from now on are imported as usual. docs/privacy.md has the details.

  manage.py erase_person ann@example.com --dry-run     says what would be erased, and what prevents it
  manage.py erase_person ann@example.com               erases it, and prints a receipt without personal data

It's refused while a return, withdrawal, swap, cashback claim or charge claim is undecided, while money is promised, and
while a correction of the address can still be undone. It can't be undone. You can repeat it at any time.

Exit status: 0 if everything was erased, or nothing is held about the address; 1 if it was refused; 2 if the call is
unusable.
"""


class Command(BaseCommand):
    help = "Erases a person's data. What law requires to keep stays without the person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("address", metavar="ADDRESS", help="the person's email address, in any spelling")
        parser.add_argument("--dry-run", action="store_true", help="say what would be erased without erasing it")

    def handle(self, *args: Any, **options: Any) -> None:
        key = email_key(options["address"])
        if not key:
            text = _("%(address)s isn’t an email address that orders can be found by. Check its spelling.")
            raise CommandError(text % {"address": options["address"]}, returncode=EXIT_UNUSABLE)
        try:
            result = erase(key, system_user(), dry_run=options["dry_run"])
        except ErasureRefused as refused:
            reasons = "".join(f"\n- {reason}" for reason in refused.reasons)
            raise CommandError(
                _("Nothing was erased:%(reasons)s") % {"reasons": reasons}, returncode=EXIT_REFUSED
            ) from None
        except (OperationalError, InterfaceError) as error:
            reason = (str(error).splitlines() or [""])[0]
            text = _("The database can’t be reached (%(reason)s). Nothing was erased.") % {"reason": reason}
            raise CommandError(text, returncode=EXIT_UNUSABLE) from None
        self._report(result, dry_run=options["dry_run"])
        if result.obstacles:
            sys.exit(EXIT_REFUSED)

    def _report(self, result: ErasureResult, *, dry_run: bool) -> None:
        for label, count in result.counts.items():
            self.stdout.write(f"{count:>8}  {label}")
        if not result.counts:
            self.stdout.write(_("Nothing is held about this address."))
        elif result.receipt is not None:
            values = {"reference": result.receipt.reference, "date": f"{result.receipt.made_at:%Y-%m-%d %H:%M} UTC"}
            self.stdout.write(_("Erased on %(date)s. Receipt: %(reference)s") % values)
        for reason in result.obstacles:
            self.stdout.write(_("This prevents it: %(reason)s") % {"reason": reason})
        if dry_run:
            self.stdout.write(_("This was a dry run. Nothing was erased."))
