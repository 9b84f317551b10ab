"""Amounts of money as people type them, in whatever language."""

import re
import unicodedata
from decimal import Decimal

# Digits, perhaps in groups. The last separator may begin the cents.
_NUMBER = re.compile(r"[0-9]+(?:[.,'’ ][0-9]+)*")
_MOST_DIGITS = 13  # before the decimals, as many as the database keeps


def read_amount(typed: str, decimals: int = 2) -> Decimal | None:
    """The amount in a text such as `1.234,56 €`, `$1,234.56`, `79,95` or `79.-`; None where there is not exactly one.

    `decimals` is how many its currency has. Three digits after a lone separator are thousands, unless the
    currency has three decimals: 1.234 is 1234 euros, and 1.234 Kuwaiti dinars.
    """
    numbers = _NUMBER.findall(_plain(typed))
    if len(numbers) != 1:
        return None
    parts = re.split(r"[.,'’ ]", numbers[0])
    separators = re.findall(r"[.,'’ ]", numbers[0])
    has_decimals = (
        bool(separators)
        and separators[-1] in ".,"
        and separators.count(separators[-1]) == 1
        and (len(parts[-1]) <= 2 or len(parts[-1]) == decimals or (len(parts[-1]) == 3 and len(separators) > 1))
        and not (len(parts[-1]) == 3 and decimals != 3)
    )
    groups = parts[1:-1] if has_decimals else parts[1:]
    if any(len(group) not in (2, 3) for group in groups):  # two digits: groups as in India
        return None
    whole = "".join(parts[:-1] if has_decimals else parts)
    if len(whole) > _MOST_DIGITS:
        return None
    return Decimal(f"{whole}.{parts[-1]}" if has_decimals else whole)


def _plain(typed: str) -> str:
    """With ASCII digits and separators, whatever keyboard they come from."""
    text = unicodedata.normalize("NFKC", typed).translate({0x66B: ",", 0x66C: ".", 0x2D9: "'", 0x2019: "'"})
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    # `Fr. 79.-` and `79,–` have no cents.
    return " ".join(re.sub(r"(?<=[0-9])[.,][-–—]+", "", text).split())
