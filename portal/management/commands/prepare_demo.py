"""The part of the demo's start that needs Django; the demo runs it by itself."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from portal.demo import loading, static_files

ORDERS_FILE = "demo-orders.jsonl"


class Command(BaseCommand):
    help = "Bring tables, static files and sample orders of the demo up to date. `manage.py demo` does it by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is no demo (DEMO is not set), so no sample orders are loaded.")
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {str(error).strip()}") from error
        call_command("migrate", interactive=False, verbosity=1)
        static_files.collect_if_changed()
        count = loading.load(Path(settings.VAR_DIR) / ORDERS_FILE)
        self.stdout.write(f"Sample orders loaded: {count}" if count else "The sample orders are there already.")
