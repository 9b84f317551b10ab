"""A vendor's own wording of single texts: small catalogs outside of the checkout, one for each language."""

from collections import defaultdict
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from django.conf import settings
from django.utils.translation import trans_real

from portal.translation.languages import ENGLISH

CONTEXT_SEPARATOR = "\x04"  # of gettext: between the context of a text and the text


class UnusableTexts(Exception):
    """A catalog can't be used. The message says which, and what to change."""


def use_own_texts(folder: Path) -> int:
    """Let the catalogs `<language>.po` in the folder overrule texts of the portal. Returns how many were overruled.

    Catalogs of languages that are switched off are ignored. Raises UnusableTexts, before any text is changed.
    """
    texts = {language: _read(folder / f"{language}.po") for language in _languages_with_file(folder)}
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


def _read(path: Path) -> Catalog:
    language = path.stem
    try:
        with path.open("rb") as file:
            catalog = read_po(file, locale=language, abort_invalid=True)
    except (PoFileError, ValueError, OSError) as error:  # ValueError: another encoding
        raise UnusableTexts(f"{path.name} can't be read: {error}") from error
    for message in catalog:
        if message.id:
            _check(path.name, message, catalog)
    return catalog


def _check(name: str, message: Message, catalog: Catalog) -> None:
    english = message.id if isinstance(message.id, str) else message.id[0]
    place = f"{name}, line {message.lineno}: “{english}”"
    key = f"{message.context}{CONTEXT_SEPARATOR}{english}" if message.context else english
    if not _is_text_of_the_portal(key, catalog.locale_identifier or ENGLISH):
        raise UnusableTexts(f"{place} isn't a text of the portal. Copy it from a catalog in locale/.")
    if any(message.check(catalog)) or not all(map(_can_be_filled, _placeholder_texts(message))):
        raise UnusableTexts(f"{place}: the placeholders, such as %(name)s, must be those of the English text.")


def _is_text_of_the_portal(key: str, language: str) -> bool:
    """English has no catalog, and others may have no texts of the admin: the languages of staff have all."""
    languages = {language, *settings.STAFF_LANGUAGES} - {ENGLISH}
    catalogs = (trans_real.translation(each)._catalog for each in languages)  # type: ignore[attr-defined]
    return any(key in catalog or (key, 0) in catalog for catalog in catalogs)


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
