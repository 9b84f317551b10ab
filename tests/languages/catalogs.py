"""The catalogs in locale/, and the glossaries beside them."""

from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings

LOCALE = Path(settings.BASE_DIR) / "locale"
TRANSLATED = [code for code, _name in settings.LANGUAGES if code != "en"]
FOR_BUYERS_ONLY = [code for code in TRANSLATED if code not in settings.STAFF_LANGUAGES]


@cache
def read_catalog(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def messages(language: str) -> list[Message]:
    return [message for message in read_catalog(language) if message.id]


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    """The text, or its singular and plural."""
    return [text] if isinstance(text, str) else list(text)
