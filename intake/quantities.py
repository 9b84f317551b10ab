"""Quantities and lists of serial numbers as stores write them."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.problems import ImportRejected
from intake.values import parse_amount

_BETWEEN_SERIALS = re.compile(r"[,;|\t\r\n]|<br\s*/?>", re.IGNORECASE)


def read_quantity(value: Any, decimal_comma: bool | None = False) -> int:
    """Return a quantity. Raises ImportRejected if it isn't a whole number, because half a license can't be counted."""
    quantity = Decimal(value) if isinstance(value, int | Decimal) else parse_amount(str(value or ""), decimal_comma)
    if quantity != int(quantity):
        raise ImportRejected(_("“%(text)s” isn’t a quantity. Enter a whole number.") % {"text": str(value)[:40]})
    return int(quantity)


def read_serials(value: Any) -> list[str]:
    """Return the serial numbers in a value: one, a list, or text with JSON, commas, semicolons or line breaks."""
    return list(dict.fromkeys(_serials(value)))


def _serials(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _serials(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _serials(each)
    elif isinstance(value, str):
        text = value.strip()
        if text[:1] in ("[", "{"):
            try:
                yield from _serials(json.loads(text))
            except (ValueError, RecursionError):
                pass
            else:
                return
        yield from filter(None, (part.strip().strip("\"'[]") for part in _BETWEEN_SERIALS.split(text)))
