"""`reset_second_factor`: for a member of staff who lost the device, when no supervisor can do it."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from desk import second_factor
from desk.staff_sessions import load_sessions

EXIT_REFUSED = 1

EPILOG = """
Deletes the authenticators and recovery codes of a login, and ends its sessions. At the next login, a new device is set
up. It doesn't change the password: whoever knows it can set up a device. First verify who asks; if others may know the
password, run manage.py changepassword NAME, too.

  manage.py reset_second_factor ann --dry-run     only say what would be deleted

Supervisors can do the same in the admin, except for themselves and for superusers. Both are recorded under Log entries.

Exit status: 0 if the second factor was reset, or there was none; 1 if no login has this name; 2 if the call is
unusable.
"""


class Command(BaseCommand):
    help = "Resets the second factor of a staff login whose device is lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("name", metavar="NAME", help="the user name of the login")
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted without changing it")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"].replace("\x00", "")).first()
        if user is None:
            raise CommandError(_("No login is named %(name)s.") % {"name": options["name"]}, returncode=EXIT_REFUSED)
        devices = second_factor.authenticators(user).count()
        codes = second_factor.count_recovery_codes(user)
        if not devices and not codes:
            self.stdout.write(_("%(name)s has no second factor. Nothing was changed.") % {"name": user.username})
            return
        if options["dry_run"]:
            values = {"devices": devices, "codes": codes, "sessions": len(load_sessions(user))}
            text = _("To be deleted: authenticators: %(devices)d, recovery codes: %(codes)d, sessions: %(sessions)d.")
            self.stdout.write(text % values)
            return
        ended = second_factor.reset(user, by=None)
        text = ngettext(
            "The second factor of %(name)s was reset. %(count)d session ended.",
            "The second factor of %(name)s was reset. %(count)d sessions ended.",
            ended,
        )
        self.stdout.write(text % {"name": user.username, "count": ended})
