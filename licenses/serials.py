"""Help with serial numbers that are typed wrong: what was probably meant, and what was changed to get there.

Nothing here looks a serial number up: signed out, a verdict is one on its form only.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.utils.translation import gettext_lazy as _

from licenses.models import Product, SerialPrefix, normalize_serial

LONGEST = 100  # characters; what is longer is no serial number
LETTER, DIGIT = "A", "0"  # how Product.serial_pattern writes a place that takes any

# Letters of other alphabets that look like these, as a copied text or another keyboard brings them.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮԚԜ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABESIJKMHOPCTYXYQW" + "ABEZHIKMNOPTYX",
)
_DIGITS_MEANT = {"O": "0", "I": "1", "L": "1"}
_LETTERS_MEANT = {"0": "O", "1": "I"}


class Change(Enum):
    """What was repaired."""

    ALPHABET = "alphabet"
    ZERO = "zero"
    ONE = "one"


class Verdict(Enum):
    """What can be said of the form alone."""

    NOTHING = "nothing"
    UNREADABLE = "unreadable"  # too long, or with signs that no serial number has
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    WRONG_PLACES = "wrong_places"  # letters where digits belong, or the other way round
    RIGHT_FORM = "right_form"
    UNKNOWN_FORM = "unknown_form"  # nobody said how the serial numbers of this product look


TOLD: dict[Change, Any] = {
    Change.ALPHABET: _("A letter of another alphabet that looks the same became the right one."),
    Change.ZERO: _("The letter O and the digit 0 were mixed up."),
    Change.ONE: _("The letters I or L and the digit 1 were mixed up."),
}


@dataclass(frozen=True)
class Repaired:
    """What was probably meant. `missing` is how many characters it has too few; negative: too many."""

    serial: str
    verdict: Verdict
    product: Product | None = None
    changes: tuple[Change, ...] = ()
    missing: int = 0

    @property
    def told(self) -> list[Any]:
        """What was changed, a sentence each, translated."""
        return [TOLD[change] for change in self.changes]

    @property
    def too_many(self) -> int:
        return -self.missing


def repair(typed: str, prefixes: Sequence[SerialPrefix]) -> Repaired:
    """What somebody who typed this probably meant. `prefixes` are all that there are, with their products."""
    if len(typed) > 4 * LONGEST:
        return Repaired("", Verdict.UNREADABLE)
    key = normalize_serial(typed.replace("\x00", ""))
    if not key:
        return Repaired("", Verdict.NOTHING)
    latin = key.translate(_LOOKALIKES)
    if len(latin) > LONGEST or not (latin.isascii() and latin.isalnum()):
        return Repaired("", Verdict.UNREADABLE)
    changes = {Change.ALPHABET} if latin != key else set()
    product = product_of(latin, prefixes)
    pattern = product.serial_pattern if product else ""
    if not pattern:
        return Repaired(_as_typed(typed, latin), Verdict.UNKNOWN_FORM, product, _ordered(changes))
    places = _places(pattern)
    meant = "".join(_meant(character, place) for character, place in zip(latin, places, strict=False))
    meant += latin[len(places) :]
    changes |= _changes(latin, meant)
    return Repaired(
        _grouped(meant, pattern), _verdict(meant, places), product, _ordered(changes), len(places) - len(meant)
    )


def product_of(key: str, prefixes: Iterable[SerialPrefix]) -> Product | None:
    """The product whose prefix this begins with; the longest wins. Read again with O, 0, I and 1 mixed up."""
    matching = [prefix for prefix in prefixes if key.startswith(prefix.prefix)]
    if not matching:
        matching = [prefix for prefix in prefixes if _unmixed(key).startswith(_unmixed(prefix.prefix))]
    longest = max(matching, key=lambda prefix: len(prefix.prefix), default=None)
    return longest.product if longest else None


def _unmixed(text: str) -> str:
    return "".join(_DIGITS_MEANT.get(character, character) for character in text)


def _places(pattern: str) -> str:
    """The pattern without the dashes of its groups."""
    return normalize_serial(pattern)


def _meant(character: str, place: str) -> str:
    if place == DIGIT:
        return _DIGITS_MEANT.get(character, character)
    if place == LETTER:
        return _LETTERS_MEANT.get(character, character)
    return place if _unmixed(character) == _unmixed(place) else character


def _changes(typed: str, meant: str) -> set[Change]:
    pairs = {frozenset(pair) for pair in zip(typed, meant, strict=True) if pair[0] != pair[1]}
    return {Change.ZERO if frozenset("O0") == pair else Change.ONE for pair in pairs}


def _ordered(changes: set[Change]) -> tuple[Change, ...]:
    return tuple(change for change in Change if change in changes)


def _verdict(meant: str, places: str) -> Verdict:
    if len(meant) != len(places):
        return Verdict.TOO_SHORT if len(meant) < len(places) else Verdict.TOO_LONG
    fits = all(_fits(character, place) for character, place in zip(meant, places, strict=True))
    return Verdict.RIGHT_FORM if fits else Verdict.WRONG_PLACES


def _fits(character: str, place: str) -> bool:
    if place == DIGIT:
        return character.isdigit()
    return character.isalpha() if place == LETTER else character == place


def _grouped(key: str, pattern: str) -> str:
    """The serial number in the pattern's groups; what is longer than the pattern stands at its end."""
    characters, grouped = iter(key), []
    for place in pattern:
        character = place if unicodedata.category(place) == "Pd" else next(characters, "")
        if not character:
            break
        grouped.append(character)
    return "".join([*grouped, *characters]).rstrip("-")


def _as_typed(typed: str, key: str) -> str:
    """In the groups in which it was typed, where nobody said how such serial numbers look."""
    sizes = [len(normalize_serial(group)) for group in in_groups(typed).split("-")]
    parts, rest = [], key
    for size in sizes:
        parts.append(rest[:size])
        rest = rest[size:]
    return "-".join(part for part in parts if part)


def in_groups(typed: str) -> str:
    """What was typed in capitals, with one plain dash wherever it has spaces or dashes of any kind."""
    plain = "".join(_dash_or_self(character) for character in unicodedata.normalize("NFKC", typed))
    return re.sub("-+", "-", plain).strip("-").upper()


def _dash_or_self(character: str) -> str:
    return "-" if character.isspace() or unicodedata.category(character) == "Pd" else character
