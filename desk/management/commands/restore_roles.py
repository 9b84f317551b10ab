"""`restore_roles`: restores the original permissions of the roles' groups."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from desk.roles import compare_groups, restore_groups

EPILOG = """
Creates deleted groups again, and sets the permissions of the groups agent, supervisor, finance, editor and auditor
to what docs/staff.md says. Other groups, members of groups, and permissions of single users stay as they are.

  manage.py restore_roles --dry-run     only list what differs

Exit status: 0.
"""


class Command(BaseCommand):
    help = "Restores the permissions of the staff roles."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--dry-run", action="store_true", help="list what differs without changing it")

    def handle(self, *args: Any, **options: Any) -> None:
        differences = compare_groups(Group)
        for role, difference in differences.items():
            for permission in difference.missing:
                self.stdout.write(_("%(role)s lacks %(permission)s") % {"role": role, "permission": permission})
            for permission in difference.additional:
                self.stdout.write(_("%(role)s also has %(permission)s") % {"role": role, "permission": permission})
        if not differences:
            self.stdout.write(_("All roles have their permissions."))
        elif not options["dry_run"]:
            restore_groups(Group, Permission)
            self.stdout.write(_("Restored."))
