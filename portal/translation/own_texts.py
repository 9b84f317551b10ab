"""A vendor's own wording of single texts: small catalogs outside of the checkout, one for each language."""

from collections import defaultdict
from collections.abc import Collection
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from django.conf import settings
from django.utils.translation import trans_real

from notifications.vendor_texts import VENDOR_CONTEXT
from portal.translation.languages import ENGLISH

TextKey = tuple[str, str]  # the context of a text, and its English


class UnusableTexts(Exception):
    """A catalog can't be used. The message says which, and what to change."""


def use_own_texts(folder: Path) -> int:
    """Let the catalogs `<language>.po` in the folder overrule texts of the portal. Returns how many were overruled.

    Catalogs of languages that are switched off are ignored. Raises UnusableTexts, before any text is changed.
    """
    languages = _languages_with_file(folder)
    known = _texts_of_the_portal({*languages, *settings.STAFF_LANGUAGES} - {ENGLISH}) if languages else set()
    texts = {language: _read(folder / f"{language}.po", known) for language in languages}
    for language, catalog in texts.items():
        compiled = BytesIO()
        write_mo(compiled, catalog)
        compiled.seek(0)
        trans_real.translation(language).merge(GNUTranslations(compiled))
    return sum(len(catalog) for catalog in texts.values())


def _languages_with_file(folder: Path) -> list[str]:
    known = [path.name for path in settings.LOCALE_PATHS[0].iterdir() if path.is_dir()] + [ENGLISH]
    found = sorted(path.stem for path in folder.glob("*.po"))
    if unknown := [each for each in found if each not in known]:
        raise UnusableTexts(f"{unknown[0]}.po: the portal has no such language. It has {', '.join(sorted(known))}.")
    return [each for each in found if each in dict(settings.LANGUAGES)]


def _texts_of_the_portal(languages: Collection[str]) -> set[TextKey]:
    """English has no catalog, and others may have no texts of the admin: the languages of staff have all."""
    texts: set[TextKey] = set()
    for language in languages:
        with (settings.LOCALE_PATHS[0] / language / "LC_MESSAGES" / "django.po").open("rb") as file:
            texts |= {_key(message) for message in read_po(file) if message.id}
    return texts


def _read(path: Path, known: Collection[TextKey]) -> Catalog:
    try:
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.stem, abort_invalid=True)
    except (PoFileError, ValueError, OSError) as error:  # ValueError: another encoding
        raise UnusableTexts(f"{path.name} can't be read: {error}") from error
    for message in catalog:
        if message.id:
            _check(path.name, message, catalog, known)
    return catalog


def _check(name: str, message: Message, catalog: Catalog, known: Collection[TextKey]) -> None:
    key = _key(message)
    place = f"{name}, line {message.lineno}: “{key[1]}”"
    if key not in known and message.context != VENDOR_CONTEXT:
        raise UnusableTexts(f"{place} isn't a text of the portal. Copy it from a catalog in locale/.")
    if any(message.check(catalog)) or not all(map(_can_be_filled, _placeholder_texts(message))):
        raise UnusableTexts(f"{place}: the placeholders, such as %(name)s, must be those of the English text.")


def _key(message: Message) -> TextKey:
    return message.context or "", message.id if isinstance(message.id, str) else message.id[0]


def _placeholder_texts(message: Message) -> list[str]:
    texts = message.string if isinstance(message.string, list | tuple) else [message.string or ""]
    return list(texts) if message.python_format else []


def _can_be_filled(text: str) -> bool:
    """Whether Python can fill in the placeholders, which are known to be the right ones."""
    try:
        text % defaultdict(int)
    except (TypeError, ValueError):
        return False
    return True
