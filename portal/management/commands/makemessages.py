"""Django's makemessages, with catalogs that change only if a text changes."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages


class Command(makemessages.Command):
    # Sorted by text. Otherwise, a renamed file would move its texts in every catalog.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--sort-output"]

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        for catalog in Path(settings.BASE_DIR, "locale").glob("*/LC_MESSAGES/*.po"):
            text = catalog.read_text(encoding="utf-8")
            # The date of the run is redundant with git, and would change every time.
            catalog.write_text(re.sub(r'^"POT-Creation-Date: .*\n', "", text, count=1, flags=re.M), encoding="utf-8")
