"""Lists the demo among the commands. `manage.py` starts it itself, before any settings are read."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demo.options import HELP, add_arguments


class Command(BaseCommand):
    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("The demo creates its own settings. Start it with `manage.py demo` or `make demo`.")
