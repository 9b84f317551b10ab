"""The part of the demo's start that needs Django's settings. `manage.py demo` runs it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from portal.demo import content_loading, static_files

ORDERS_FILE = "demo-orders.jsonl"


class Command(BaseCommand):
    help = "Updates tables, static files and orders of the demo. `manage.py demo` runs this."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This isn't a demo (DEMO isn't set), so no demo orders were loaded.")
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database doesn't respond: {str(error).strip()}") from error
        call_command("migrate", interactive=False, verbosity=1)
        static_files.collect_if_changed()
        count = content_loading.load_demo_content(Path(settings.VAR_DIR) / ORDERS_FILE)
        self.stdout.write(f"Demo orders loaded: {count}" if count else "The demo orders are already loaded.")
