"""Correct mistyped serial numbers, and explain what was corrected.

Only the format is checked: nothing here looks up a serial number, so it reveals nothing to visitors.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.utils.translation import gettext_lazy as _

from licenses.models import License, Product, SerialPrefix, normalize_serial
from orders.card_numbers import contains_card_number
from orders.number_shapes import any_number_like

MAX_LENGTH = 100  # characters
LETTER, DIGIT = "A", "0"  # the placeholders of Product.serial_pattern

# Cyrillic and Greek letters that look like Latin ones, from copied text or other keyboard layouts.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮԚԜ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABESIJKMHOPCTYXYQW" + "ABEZHIKMNOPTYX",
)
_DIGITS_FOR_LETTERS = {"O": "0", "I": "1", "L": "1"}
_LETTERS_FOR_DIGITS = {"0": "O", "1": "I"}


class Change(Enum):
    """A kind of correction."""

    ALPHABET = "alphabet"
    ZERO = "zero"
    ONE = "one"


class SerialFormat(Enum):
    """The result of checking the format."""

    EMPTY = "nothing"
    INVALID = "unreadable"  # far too long, or with characters that no serial number has
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    WRONG_CHARACTERS = "wrong_places"  # letters in the place of digits, or vice versa
    VALID = "right_form"
    NO_PATTERN = "unknown_form"  # the product has no pattern, or is unknown


CHANGE_TEXTS: dict[Change, Any] = {
    Change.ALPHABET: _("We replaced a similar letter of another alphabet."),
    Change.ZERO: _("We corrected the letter O and the digit 0."),
    Change.ONE: _("We corrected the letter I or L and the digit 1."),
}


@dataclass(frozen=True)
class RepairedSerial:
    """A corrected serial number. `missing` is how many characters are missing; negative if there are too many."""

    serial: str
    format: SerialFormat
    product: Product | None = None
    changes: tuple[Change, ...] = ()
    missing: int = 0

    @property
    def change_texts(self) -> list[Any]:
        """A translated sentence for each kind of correction."""
        return [CHANGE_TEXTS[change] for change in self.changes]

    @property
    def too_many(self) -> int:
        return -self.missing


def repair(typed: str, prefixes: Sequence[SerialPrefix]) -> RepairedSerial:
    """Correct a typed serial number. `prefixes` are all prefixes, with their products."""
    if len(typed) > 4 * MAX_LENGTH:
        return RepairedSerial("", SerialFormat.INVALID)
    key = normalize_serial(typed.replace("\x00", ""))
    if not key:
        return RepairedSerial("", SerialFormat.EMPTY)
    latin = key.translate(_LOOKALIKES)
    if len(latin) > MAX_LENGTH or not (latin.isascii() and latin.isalnum()):
        return RepairedSerial("", SerialFormat.INVALID)
    changes = {Change.ALPHABET} if latin != key else set()
    product = product_by_prefix(latin, prefixes)
    pattern = product.serial_pattern if product else ""
    if not pattern:
        return RepairedSerial(_group_as_typed(typed, latin), SerialFormat.NO_PATTERN, product, _ordered(changes))
    places = _download_slots(pattern)
    repaired = "".join(_repair_character(character, place) for character, place in zip(latin, places, strict=False))
    repaired += latin[len(places) :]
    changes |= _changes(latin, repaired)
    return RepairedSerial(
        _group_by_pattern(repaired, pattern),
        _format(repaired, places),
        product,
        _ordered(changes),
        len(places) - len(repaired),
    )


def product_by_prefix(key: str, prefixes: Iterable[SerialPrefix]) -> Product | None:
    """The product with the longest matching prefix; if none matches, O and 0, and I and 1, count as equal."""
    matching = [prefix for prefix in prefixes if key.startswith(prefix.prefix)]
    if not matching:
        matching = [prefix for prefix in prefixes if _as_digits(key).startswith(_as_digits(prefix.prefix))]
    longest = max(matching, key=lambda prefix: len(prefix.prefix), default=None)
    return longest.product if longest else None


def _as_digits(text: str) -> str:
    return "".join(_DIGITS_FOR_LETTERS.get(character, character) for character in text)


def _download_slots(pattern: str) -> str:
    """The pattern without dashes."""
    return normalize_serial(pattern)


def _repair_character(character: str, place: str) -> str:
    if place == DIGIT:
        return _DIGITS_FOR_LETTERS.get(character, character)
    if place == LETTER:
        return _LETTERS_FOR_DIGITS.get(character, character)
    return place if _as_digits(character) == _as_digits(place) else character


def _changes(typed: str, repaired: str) -> set[Change]:
    pairs = {frozenset(pair) for pair in zip(typed, repaired, strict=True) if pair[0] != pair[1]}
    return {Change.ZERO if frozenset("O0") == pair else Change.ONE for pair in pairs}


def _ordered(changes: set[Change]) -> tuple[Change, ...]:
    return tuple(change for change in Change if change in changes)


def _format(repaired: str, places: str) -> SerialFormat:
    if len(repaired) != len(places):
        return SerialFormat.TOO_SHORT if len(repaired) < len(places) else SerialFormat.TOO_LONG
    fits = all(_matches_place(character, place) for character, place in zip(repaired, places, strict=True))
    return SerialFormat.VALID if fits else SerialFormat.WRONG_CHARACTERS


def _matches_place(character: str, place: str) -> bool:
    if place == DIGIT:
        return character.isdigit()
    return character.isalpha() if place == LETTER else character == place


def _group_by_pattern(key: str, pattern: str) -> str:
    """Insert the pattern's dashes. Characters beyond the pattern are appended."""
    characters, grouped = iter(key), []
    for place in pattern:
        character = place if unicodedata.category(place) == "Pd" else next(characters, "")
        if not character:
            break
        grouped.append(character)
    return "".join([*grouped, *characters]).rstrip("-")


def _group_as_typed(typed: str, key: str) -> str:
    """Keep the groups in which it was typed, for products without a pattern."""
    sizes = [len(normalize_serial(group)) for group in normalize_groups(typed).split("-")]
    parts, rest = [], key
    for size in sizes:
        parts.append(rest[:size])
        rest = rest[size:]
    return "-".join(part for part in parts if part)


def normalize_groups(typed: str) -> str:
    """In capitals, with one plain dash for each run of spaces and dashes of any kind."""
    plain = "".join(_dash_or_self(character) for character in unicodedata.normalize("NFKC", typed))
    return re.sub("-+", "-", plain).strip("-").upper()


def looks_like_card(typed: str) -> bool:
    """Whether a typed serial number is more likely a card number.

    False if a product has serial numbers with the same number of digits, or if similar serial numbers exist.
    """
    if not contains_card_number(normalize_groups(typed)):
        return False
    key = normalize_serial(typed)
    patterns = Product.objects.exclude(serial_pattern="").values_list("serial_pattern", flat=True)
    if key.isdecimal() and any(normalize_serial(pattern) == DIGIT * len(key) for pattern in patterns):
        return False
    return not any_number_like(License.objects.all(), "serial_key", key)


def _dash_or_self(character: str) -> str:
    return "-" if character.isspace() or unicodedata.category(character) == "Pd" else character
