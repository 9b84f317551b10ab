"""`read_bounces PATH`: record the bounces in a mailbox."""

import email
import mailbox
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from email.message import Message as Mail
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications import bounces
from notifications.addresses import mask_address

EXIT_REFUSED, EXIT_UNUSABLE = 1, 2

EPILOG = """
Reads delivery reports (RFC 3464) from the mailbox of the sender's address and marks the emails that bounced. Their
orders then show the bounce and offer to correct the address. Other emails are ignored and the mailbox isn't changed.
You can read the same reports again.

  manage.py read_bounces --dry-run /var/mail/orders     show what would be marked
  manage.py read_bounces /var/mail/orders               an mbox file, a Maildir folder, or one email (.eml)

Exit status: 0 if all went well; 1 if a report wasn't about an email from this portal; 2 if the mailbox or the
database can't be read.
"""


class Command(BaseCommand):
    help = "Marks bounced emails, using the delivery reports in a mailbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("path", type=Path, help="an mbox file, a Maildir folder, or one email (.eml)")
        parser.add_argument("--dry-run", action="store_true", help="show what would be marked without marking it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reports = [report for mail in _mails(options["path"]) for report in bounces.parse_reports(mail)]
        except OSError as error:
            values = {"path": options["path"], "reason": error.strerror or error}
            raise CommandError(_("%(path)s can’t be read: %(reason)s.") % values, returncode=EXIT_UNUSABLE) from error
        if not reports:
            self.stdout.write(_("%(path)s contains no delivery report.") % {"path": options["path"]})
        try:
            unknown = self._record(reports, dry_run=options["dry_run"])
        except (OperationalError, InterfaceError) as error:
            reason = " ".join(str(error).split())
            words = _("The database can’t be reached (%(reason)s). No email was marked.") % {"reason": reason}
            raise CommandError(words, returncode=EXIT_UNUSABLE) from error
        if options["dry_run"]:
            self.stdout.write(_("This was a dry run. No email was marked."))
        if unknown:
            words = ngettext(
                "%(count)s report isn’t about an email from this portal.",
                ("%(count)s reports aren’t about an email from this portal."),
                unknown,
            )
            raise CommandError(words % {"count": unknown}, returncode=EXIT_REFUSED)

    def _record(self, reports: list[bounces.Bounce], *, dry_run: bool) -> int:
        """Record the reports. Returns how many match no email."""
        now, unknown = timezone.now(), 0
        with transaction.atomic():
            for report in reports:
                message = bounces.record_bounce(report, now)
                unknown += message is None
                state = message.get_status_display() if message else _("not an email from this portal")
                self.stdout.write(f"{mask_address(report.recipient)}: {state} ({report.reason})")
            transaction.set_rollback(dry_run)
        return unknown


def _mails(path: Path) -> Iterator[Mail]:
    """The emails in a mailbox. Raises OSError."""
    if path.is_dir():
        if not (path / "cur").is_dir():
            raise NotADirectoryError(20, _("This folder isn’t a Maildir"))
        yield from mailbox.Maildir(path, create=False)
        return
    with path.open("rb") as file:
        begins = file.read(5)
    if begins == b"From ":
        yield from mailbox.mbox(path, create=False)
    else:
        yield email.message_from_bytes(path.read_bytes())
