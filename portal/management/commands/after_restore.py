"""`after_restore`: holds everything outgoing after a restore, until a person says that it may leave."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.utils.translation import gettext as _

from notifications.models import OutgoingHold
from portal import restoring

EXIT_UNUSABLE = 2
EPILOG = """
Run it after the restore, before the worker and beat start. The backup is older than the world: emails that waited in it
may have been sent since, and refunds may have been made. So this command

  - holds all emails, refunds and store events, until you release them;
  - ends all sessions, because some of them may have been ended since;
  - lets the gateway be asked about each refund before it is sent.

Then start everything, look at *Messages*, *Refund transactions* and *Store events* in the admin, and release:

  manage.py after_restore --dry-run              what waits in the restored data
  manage.py after_restore                        hold everything
  manage.py after_restore --release              everything may leave
  manage.py after_restore --release --cancel-emails
                                                 the same, without the emails that waited in the backup

`doctor` fails as long as the hold lasts. Exit status: 0, or 2 if the database can't be used.
"""


class Command(BaseCommand):
    help = "Holds emails, refunds and store events after a restore, until you release them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--dry-run", action="store_true", help="only say what waits")
        parser.add_argument("--release", action="store_true", help="end the hold")
        parser.add_argument(
            "--cancel-emails", action="store_true", help="with --release: don't send what waited in the backup"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["cancel_emails"] and not options["release"]:
            raise CommandError(_("--cancel-emails needs --release."), returncode=EXIT_UNUSABLE)
        try:
            self._run(**options)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            reason = (str(error).splitlines() or [""])[0]
            text = _("The database can’t be used (%(reason)s). Restore it, and run `manage.py migrate`.")
            raise CommandError(text % {"reason": reason}, returncode=EXIT_UNUSABLE) from None

    def _run(self, *, release: bool, cancel_emails: bool, dry_run: bool, **_options: Any) -> None:
        if dry_run:
            self._print(restoring.count_waiting())
            self.stdout.write(_("This was a dry run. Nothing was changed."))
        elif not release:
            self._print(restoring.hold())
            self.stdout.write(_("Nothing leaves the portal until you run this again with --release."))
        elif not OutgoingHold.is_active():
            self.stdout.write(_("Nothing was held."))
        else:
            canceled = restoring.release(cancel_emails=cancel_emails)
            self.stdout.write(_("Released. Emails canceled: %(count)d.") % {"count": canceled})

    def _print(self, waiting: restoring.Waiting) -> None:
        for label, count in (
            (_("emails"), waiting.emails),
            (_("refunds through gateways, which are asked first"), waiting.refunds),
            (_("refunds to make manually"), waiting.manual_refunds),
            (_("store events"), waiting.store_events),
            (_("sessions"), waiting.sessions),
        ):
            self.stdout.write(f"{count:>8}  {label}")
