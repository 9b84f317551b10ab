"""Django's makemessages, with catalogs that change only if a text changes, and that have only what is shown."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages

from portal.translation.buyer_texts import keep_buyer_texts


class Command(makemessages.Command):
    # Sorted by text. Otherwise, a renamed file would move its texts in every catalog.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--sort-output", "--no-fuzzy-matching"]

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        for catalog in Path(settings.BASE_DIR, "locale").glob("*/LC_MESSAGES/*.po"):
            text = catalog.read_text(encoding="utf-8")
            # The date of the run is redundant with git, and would change every time.
            catalog.write_text(re.sub(r'^"POT-Creation-Date: .*\n', "", text, count=1, flags=re.M), encoding="utf-8")

    def build_potfiles(self) -> list[str]:
        """Keep the locations, even with --no-location: they decide what buyers see. No catalog contains them."""
        for options in (self.xgettext_options, self.msguniq_options):
            while "--no-location" in options:
                options.remove("--no-location")
        return list(super().build_potfiles())

    def write_po_file(self, potfile: str, locale: str) -> None:
        """Update one catalog: with all texts, or with those for buyers."""
        template = Path(potfile)
        full = template.read_text(encoding="utf-8")
        if locale not in settings.STAFF_LANGUAGES:
            template.write_text(keep_buyer_texts(full, Path(settings.BASE_DIR)), encoding="utf-8")
        try:
            super().write_po_file(potfile, locale)
        finally:
            template.write_text(full, encoding="utf-8")
