"""The languages of the pages. A language is a folder in locale/ with a catalog; English needs none."""

import re
from pathlib import Path

from babel import Locale, UnknownLocaleError
from django.conf.locale import LANG_INFO

# The language of the code. It has no catalog.
ENGLISH = "en"
# What browsers in Norway may ask for. The catalog is in Bokmål, which all of them read.
NORWEGIAN = ("no", "nn", "no-no", "nn-no")
BOKMAL = "nb"
# The table of translations in locale/README.md: the language, its code, how it speaks to the reader, who signed it.
SIGNATURES = re.compile(r"^\| [^|]+ \| (?P<code>[a-z-]+) \| [^|]+ \| (?P<signed>[^|]+) \|$", re.MULTILINE)
NOT_SIGNED = "not yet"


def find_languages(folder: Path) -> list[str]:
    """Return the codes of all languages that have a catalog in the folder, English first."""
    found = (catalog.parts[-3].replace("_", "-").lower() for catalog in folder.glob("*/LC_MESSAGES/django.po"))
    return [ENGLISH, *sorted(set(found) - {ENGLISH})]


def describe_language(code: str) -> str:
    """Return the English name of a language. Tells Django about it if necessary.

    Raises ValueError if the code is not known to Unicode's CLDR.
    """
    if code not in LANG_INFO:
        try:
            locale = Locale.parse(code, sep="-")
        except UnknownLocaleError as error:
            raise ValueError(f"Unicode knows no language with the code {code}.") from error
        LANG_INFO[code] = {
            "bidi": locale.character_order == "right-to-left",
            "code": code,
            "name": locale.get_display_name("en"),
            "name_local": locale.get_display_name(),
        }
    return str(LANG_INFO[code]["name"])


def read_norwegian_as_bokmal() -> None:
    """Let Django answer browsers that ask for Norwegian without saying which, or for Nynorsk, in Bokmål."""
    for code in NORWEGIAN:
        LANG_INFO[code] = LANG_INFO.get(code, LANG_INFO[BOKMAL]) | {"fallback": [BOKMAL]}


def unsigned_languages(folder: Path) -> list[str]:
    """Return the languages whose translation no native reader has signed yet, as the folder's README.md says."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    return [row["code"] for row in SIGNATURES.finditer(text) if row["signed"] == NOT_SIGNED]
