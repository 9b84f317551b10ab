"""Normalize a text: digits of any script, and separators escaped as in a URL or in HTML, become ASCII."""

import html
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from orders.card_numbers.brands import MIN_DIGITS

MASK = "••••"  # replaces all except the last 4 digits, so a masked number is no longer detected

# A character escaped as in a URL (%20, %C2%A0; %2520 if encoded twice) or in HTML (&nbsp; &#32; &amp;nbsp;).
_ESCAPE = re.compile(
    r"%(?:25)?(?:[0-7][0-9a-f]|[c-f][0-9a-f](?:%(?:25)?[89ab][0-9a-f]){1,3})"
    r"|&(?:amp;)?(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,20});",
    re.IGNORECASE | re.ASCII,
)
_TWELVE_DIGITS = re.compile(r"[0-9](?:[^0-9A-Za-z]*+[0-9]){11}")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_FEWEST_CHARACTERS = MIN_DIGITS // 2  # a character such as ㊷ stands for two digits


def may_contain(text: str) -> bool:
    """A cheap check that rules out almost every text."""
    if _TWELVE_DIGITS.search(text) or _ESCAPE.search(text):
        return True
    if text.isascii() or not any(map(str.isnumeric, _BEYOND_ASCII.findall(text))):
        return False
    return sum(map(str.isnumeric, text)) >= _FEWEST_CHARACTERS


DIGITS = re.compile(r"[0-9]+")
IGNORED = "\u200b"  # represents all invisible characters
COMMON = " ./_-" + IGNORED  # between digits
_LETTER = "x"  # represents letters beyond ASCII, and other characters that end a number
_DASHES = frozenset("−˗⁃⁻₋➖─━ーｰㅡ~～∼")  # like dashes, but not in Unicode class Pd
_DOTS = frozenset("·‧∙⋅・･●")
_SLASHES = frozenset("∕⁄⧸╱\\")
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # characters that look like spaces, but aren't


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """Return ASCII with the same meaning for the search: digits, letters, and separators."""
    if character in _SLASHES:
        return "/"
    if character in _DASHES:
        return "-"
    if character in _DOTS:
        return "."
    if character.isspace() or character in _BLANKS:
        return " "
    category = unicodedata.category(character)
    if character.isascii():
        return IGNORED if category == "Cc" else character
    value = unicodedata.numeric(character, None)
    if value is not None and value in range(10):
        return str(int(value))
    if category in ("Pd", "Lm"):
        return "-"
    if category in ("Cf", "Cc", "Mn", "Me", "Mc"):
        return IGNORED
    if category == "Pc":
        return "_"
    if category == "Sc":
        return _LETTER  # adjacent amounts aren't one number
    compatible = unicodedata.normalize("NFKC", character)
    if compatible != character:
        return "".join(map(_fold, compatible))
    return _LETTER if category[0] in "LN" else character


class FoldedText(NamedTuple):
    """A text with ASCII digits. `places` has the index in the original text for each character."""

    text: str
    places: range | list[int]


@lru_cache(maxsize=1024)
def _fold_escape(escape: str) -> str:
    """Return the ASCII equivalent of the escaped character, or an empty string if it doesn't
    commonly separate digits.
    """
    decode = unquote if escape[0] == "%" else html.unescape
    decoded = decode(decode(escape))
    folded = "".join(map(_fold, decoded))
    return "" if folded.strip(COMMON + "+,") else folded


def fold_text(text: str) -> FoldedText:
    escapes = {
        match.start(): (match.end(), folded) for match in _ESCAPE.finditer(text) if (folded := _fold_escape(match[0]))
    }
    if not escapes and text.isascii() and text.isprintable():
        return FoldedText(text.replace("\\", "/").replace("~", "-"), range(len(text) + 1))
    characters: list[str] = []
    places: list[int] = []
    end_of_escape = 0
    for index, character in enumerate(text):
        if index < end_of_escape:
            continue
        if index in escapes:
            end_of_escape, folded = escapes[index]
        else:
            folded = _fold(character)
        characters.append(folded)
        places += [index] * len(folded)
    return FoldedText("".join(characters), [*places, len(text)])
