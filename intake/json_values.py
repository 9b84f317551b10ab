"""Read API responses of stores: values at any depth, ISO 8601 times, and amounts in the smallest currency unit."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.currencies import read_currency, unknown_currency
from intake.problems import ImportRejected
from orders.money import decimals

MAX_UNITS = 10**15
BRANDS = {"american_express": "amex", "americanexpress": "amex", "diners_club": "diners", "union_pay": "unionpay"}

_SERIAL_KEY = re.compile(r"_?(?:licen[cs]e|serial)[ _-]?(?:key|number|code)s?", re.IGNORECASE)


def dict_at(value: Any, *keys: str) -> dict[str, Any]:
    """Return the object at this path, or an empty one if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, dict) else {}


def list_at(value: Any, *keys: str) -> list[dict[str, Any]]:
    """Return the objects of the list at this path, or an empty list if there is none."""
    found = dict_at(value, *keys[:-1]).get(keys[-1])
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def text_at(value: Any, *keys: str) -> str:
    """Return the text or whole number at this path as text, or an empty text if there is none."""
    found = dict_at(value, *keys[:-1]).get(keys[-1])
    is_number = isinstance(found, int) and not isinstance(found, bool)
    return str(found).strip() if isinstance(found, str) or is_number else ""


def time_at(value: Any, *keys: str) -> datetime | None:
    """Return the time at this path, or None if it is missing. Raises ImportRejected if it has no offset."""
    text = text_at(value, *keys)
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise ImportRejected(
            _("“%(text)s” isn’t a time with an offset. Write it like 2026-11-01T10:00:00Z.") % {"text": text[:40]}
        )
    return parsed


def currency_at(value: Any, *keys: str) -> str:
    """Return the ISO 4217 code at this path. Raises ImportRejected, with the code `unknown_currency`."""
    text = text_at(value, *keys)
    code = read_currency(text)
    if code is None:
        raise unknown_currency(text)
    return code


def amount_in_units(value: Any, currency: str, places: int | None = None) -> Decimal:
    """Convert an amount from the currency's smallest unit: 1999 is 19.99 EUR, 1999 JPY and 1.999 KWD.

    `places` is the number of decimals if the store deviates from ISO 4217. Raises ImportRejected.
    """
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,16}", text) or abs(int(text)) > MAX_UNITS:
        raise ImportRejected(_("“%(text)s” isn’t an amount in the smallest unit of a currency.") % {"text": text[:40]})
    return Decimal(text).scaleb(-(decimals(currency) if places is None else places))


def card_brand(text: str) -> str:
    """Return the name of a card brand as it is stored: `amex` for *American Express*."""
    brand = text.strip().lower().replace(" ", "_")
    return BRANDS.get(brand, brand)


def serials_at(value: Any, *keys: str) -> list[str]:
    """Return serial numbers stored by a vendor in the custom data at this path, under names like `license_key`."""
    found: list[str] = []
    for name, content in dict_at(value, *keys).items():
        if _SERIAL_KEY.fullmatch(name):
            found += content if isinstance(content, list) else [content]
    return list(dict.fromkeys(each.strip() for each in found if isinstance(each, str) and each.strip()))
