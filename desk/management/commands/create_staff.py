"""`create_staff`: creates a staff login with a role."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from desk.roles import ROLES
from desk.staff_accounts import RoleMissing, create_staff

EXIT_REFUSED = 1
EXIT_UNUSABLE = 2

EPILOG = """
Creates a member of staff and prints a password for the first login. It is shown only once.

  manage.py create_staff ann --role agent --email ann@vendor.example
  manage.py create_staff lee --role supervisor --role finance
  manage.py create_staff ann --role agent --dry-run       check the name and the role, create nothing

docs/staff.md says what each role may do. `createsuperuser` creates a login that may do everything.

Exit status: 0 if the login was created; 1 if the name or the email address was refused; 2 if the call is unusable.
"""


class Command(BaseCommand):
    help = "Creates a staff login with a role, and prints its first password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("name", metavar="NAME", help="the user name for the login")
        parser.add_argument(
            "--role", action="append", required=True, choices=ROLES, dest="roles", help="can be given several times"
        )
        parser.add_argument("--email", default="", help="their email address")
        parser.add_argument("--dry-run", action="store_true", help="check the call without creating the login")

    def handle(self, *args: Any, **options: Any) -> None:
        roles = sorted(set(options["roles"]))
        try:
            user, password = create_staff(options["name"], options["email"], roles, dry_run=options["dry_run"])
        except RoleMissing as error:
            raise CommandError(
                _("A role’s group was deleted. Restore it: manage.py restore_roles"), returncode=EXIT_UNUSABLE
            ) from error
        except ValidationError as error:
            raise CommandError(_describe(error), returncode=EXIT_REFUSED) from error
        if options["dry_run"]:
            self.stdout.write(_("%(name)s can be created. Nothing was changed.") % {"name": user.username})
            return
        self.stdout.write(
            _("%(name)s was created with the role %(roles)s.") % {"name": user.username, "roles": ", ".join(roles)}
        )
        self.stdout.write(_("Password, shown only once: %(password)s") % {"password": password})


def _describe(error: ValidationError) -> str:
    return " ".join(f"{field}: {message}" for field, texts in error.message_dict.items() for message in texts)
