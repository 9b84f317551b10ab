"""Lists the longest texts of buttons in each language. `make messages` calls it."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand

from portal.translation.button_texts import find_button_texts, longest

COUNT = 5  # per language


class Command(BaseCommand):
    help = """List the longest texts of buttons in each language, with their lengths and the English texts.

On a phone, a button has room for about 30 characters in a line. Longer texts take several lines: shorten them where a
shorter text says the same. Reads templates, forms and the catalogs in locale/, and writes nothing.

Example: manage.py list_longest_buttons"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--count", type=int, default=COUNT, help=f"texts per language (default: {COUNT})")

    def handle(self, *, count: int, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        texts = find_button_texts(root)
        for path in sorted((root / "locale").glob("*/LC_MESSAGES/django.po")):
            language = path.parent.parent.name
            with path.open("rb") as file:
                catalog = read_po(file, locale=language)
            self.stdout.write(f"The longest buttons, {language}:")
            for text in longest(texts, catalog, count):
                self.stdout.write(f"  {len(text.translated):3}  {text.translated}  ({text.english})")
