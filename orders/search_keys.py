"""Database expressions by which staff find orders. Indexes of `Order` store their values.

`fold_name` does the same in Python for what staff type. Values are compared byte by byte (`COLLATE "C"`), so that an
index also serves beginnings of values.
"""

import unicodedata
from typing import Any

from django.db.models import Func, TextField
from django.db.models.functions import Collate

# Letters that Unicode doesn't decompose into a base letter and a mark.
_BASE_LETTERS = {"ß": "s", "ẞ": "S", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i"}
_MARKS = "".join(map(chr, range(0x300, 0x370)))  # combining accents
_FOLDING = str.maketrans(_BASE_LETTERS | dict.fromkeys(_MARKS, ""))
BYTEWISE = "C"  # the collation


def fold_name(name: str) -> str:
    """Return a name in lower case, without accents, with single spaces."""
    folded = unicodedata.normalize("NFKD", name).translate(_FOLDING).lower()
    return " ".join(folded.split())


class NameKey(Func):
    """A name in lower case, without accents."""

    output_field = TextField()
    # translate() could remove the marks, too, but takes ten times as long.
    template = (
        f"lower(translate(regexp_replace(normalize(%(expressions)s, NFKD), '[{_MARKS[0]}-{_MARKS[-1]}]', '', 'g'),"
        f" '{''.join(_BASE_LETTERS)}', '{''.join(_BASE_LETTERS.values())}'))"
    )


class SurnameFirst(Func):
    """A name with its last word before it: "archer ann marie archer" of "ann marie archer".

    Moving the word instead of repeating it would take twice as long.
    """

    output_field = TextField()
    template = "(substring(%(expressions)s from '[^ ]+ *$') || ' ' || %(expressions)s)"


class ReversedDigits(Func):
    """The digits of a number, last one first, so that its last digits are the beginning."""

    output_field = TextField()
    template = "reverse(regexp_replace(%(expressions)s, '[^0-9]', '', 'g'))"


class Postcode(Func):
    """A postcode in capitals, without spaces and dashes."""

    output_field = TextField()
    template = "upper(translate(%(expressions)s, ' -', ''))"


def bytewise(expression: Any) -> Collate:
    return Collate(expression, BYTEWISE)


def name_key() -> Collate:
    return bytewise(NameKey("billing_name"))


def surname_key() -> Collate:
    return bytewise(SurnameFirst(NameKey("billing_name")))


def number_ending() -> Collate:
    return bytewise(ReversedDigits("number_key"))


def postcode_key() -> Collate:
    return bytewise(Postcode("billing_postcode"))
