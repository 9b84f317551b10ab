"""The allowed content of a withdrawal's statement.

Anyone can submit a withdrawal with any email address, and the law requires an email that repeats the statement. To keep
strangers from putting their own text into that email, a name consists only of letters, and an order number is a single
word. Programs that make links or phone numbers clickable recognize neither.
"""

import re
import unicodedata

from orders.models import normalize_order_number

MAX_NAME_LENGTH = 100  # characters
MAX_NUMBER_LENGTH = 64  # characters, as in stores' order numbers
MAX_ABBREVIATION_LENGTH = 5  # letters, as in Dipl.

_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_SAME_SIGNS = str.maketrans(dict.fromkeys("‘’ʼ`´", "'") | dict.fromkeys("‐‑‒–", "-"))
_LINK_WORDS = frozenset({"www", "http", "https", "ftp", "mailto", "tel"})
# Names are matched by character class: L for letters, M for the marks that follow them.
_PART = r"'?(?:LM*)+(?:['·](?:LM*)+)*'?"
_ABBREVIATION = rf"(?:LM*){{1,{MAX_ABBREVIATION_LENGTH}}}\."
_INITIALS = r"(?:LM*\.)+"  # J.R.R.
_WORD = re.compile(rf"(?:{_PART}|{_ABBREVIATION}|{_INITIALS})(?:-(?:{_PART}|{_ABBREVIATION}|{_INITIALS}))*")
# Bullets replace the digits of a card number that was typed instead (orders/card_numbers).
_NUMBER = re.compile(r"(?:[^\W_]|•)+(?:[-_/](?:[^\W_]|•)+|(?<=[0-9])\.[0-9]+){0,12}")
_TOO_MANY_DOTS = re.compile(r"\..*\..*\.")  # 192.0.2.1; a date has two
_PHONE_NUMBER = re.compile(r"(?:[0-9]{1,3}[-./])?[0-9]{3}[-./][0-9]{3}[-./][0-9]{4}")


def without_invisible(typed: str) -> str:
    """Remove soft hyphens, joiners and other characters without a width."""
    return _INVISIBLE.sub("", typed)


def clean_name(typed: str) -> str:
    """Return the name in the form in which it is stored and repeated; empty if it is invalid.

    A name has letters of any script, spaces, hyphens and apostrophes, and periods after initials and abbreviations.
    """
    written = without_invisible(typed).translate(_SAME_SIGNS)
    name = " ".join(unicodedata.normalize("NFKC", written).split())
    words = name.split(" ")
    if len(name) > MAX_NAME_LENGTH or not all(_WORD.fullmatch(_character_classes(word)) for word in words):
        return ""
    if any(part.casefold() in _LINK_WORDS for part in re.split(r"[^\w]+", name)):
        return ""
    return name


def clean_order_number(typed: str) -> str:
    """Return the order number in the form in which orders are looked up; empty if it is invalid.

    It has letters and digits, with single hyphens, slashes and underscores between them. A date such as 23.11.2026 is
    accepted, too, because support can use it to find the order.
    """
    number = normalize_order_number(without_invisible(typed).translate(_SAME_SIGNS))
    if len(number) > MAX_NUMBER_LENGTH or not _NUMBER.fullmatch(number):
        return ""
    if _TOO_MANY_DOTS.search(number) or _PHONE_NUMBER.fullmatch(number):
        return ""
    return number


def _character_classes(word: str) -> str:
    return "".join(_character_class(character) for character in word)


def _character_class(character: str) -> str:
    category = unicodedata.category(character)[0]
    if category in "LM":
        return category
    return "·" if character in "·・" else character
