"""Detection and masking of full card numbers, so that they are never stored.

A card number is a number that an issuer could have assigned: its first digits belong to a card brand, it has a length
used by that brand, and its check digit is valid. It may be written in the digits of any script, with a few characters
between two digits (including as escaped in a URL or in HTML), and with letters directly before and after it.

Serial numbers in groups, UUIDs, hashes, IBANs, dates and times, and international phone numbers are not matched. Order
numbers that look like card numbers can't be distinguished by their shape: their form fields decide (`orders.forms`).

Detection takes time proportional to the length of the text.
"""

from typing import Any

from orders.card_numbers.brands import is_card_number, passes_luhn
from orders.card_numbers.finding import find_card_numbers
from orders.card_numbers.reading import MASK, may_contain

__all__ = [
    "MASK",
    "contains_card_number",
    "is_card_number",
    "mask_all_strings",
    "mask_card_numbers",
    "passes_luhn",
]


def contains_card_number(text: str) -> bool:
    """Whether the text contains a full card number in any notation."""
    return may_contain(text) and bool(find_card_numbers(text))


def mask_card_numbers(text: str) -> str:
    """Return the text with all but the last 4 digits of each card number replaced by bullets."""
    if not may_contain(text) or not (found := find_card_numbers(text)):
        return text
    parts, position = [], 0
    for number in found:
        parts += [text[position : number.start], MASK, number.last4]
        position = number.end
    return "".join([*parts, text[position:]])


def mask_all_strings(value: Any) -> Any:
    """Return a JSON value with the card numbers in all its strings masked."""
    if isinstance(value, str):
        return mask_card_numbers(value)
    if isinstance(value, dict):
        return {mask_all_strings(key): mask_all_strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask_all_strings(inner) for inner in value]
    return value
