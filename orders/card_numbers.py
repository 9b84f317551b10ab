"""Detection of full card numbers, so that they are never stored."""

import re
from collections.abc import Iterator

# Digits, grouped or not. Not inside a longer run of letters or digits, which is a serial number or an id.
_DIGIT_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ \-]?[0-9]){12,}(?![0-9A-Za-z])")
_GROUP = re.compile(r"[0-9]+")
# One in ten serial numbers such as XAAB-1234-5678-9012-3456 ends in digits that pass the Luhn check. Their first group
# tells them from card numbers, unless it is the name of a card brand.
_SERIAL_PREFIX = re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*[A-Z])[0-9A-Z]{3,8}-\Z")
_BRAND_PREFIXES = frozenset(
    {"VISA-", "AMEX-", "JCB-", "DINERS-", "DISCOVER-", "MAESTRO-", "CARD-", "KARTE-", "CARTE-", "PAN-"}
)
CARD_NUMBER_LENGTHS = range(13, 20)  # in digits
_DOUBLED_DIGIT_SUMS = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def passes_luhn(digits: str) -> bool:
    """Whether the check digit is right by the Luhn algorithm (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        digit = ord(character) - 48
        total += _DOUBLED_DIGIT_SUMS[digit] if index % 2 else digit
    return total % 10 == 0


def _find_card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each card number. Other digits may be next to one, such as its expiry date."""
    for run in _DIGIT_RUN.finditer(text):
        prefix = _SERIAL_PREFIX.search(text, max(0, run.start() - 10), run.start())
        if prefix and prefix[0] not in _BRAND_PREFIXES:
            continue
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last = _last_group_of_card(text, groups[first:])
            if last is not None:
                yield groups[first][0], groups[first + last][1]
                first += last
            first += 1


def _last_group_of_card(text: str, groups: list[tuple[int, int]]) -> int | None:
    """Return the index of the group that ends the card number that begins with the first group; None if none does."""
    digits = ""
    for index, (start, end) in enumerate(groups):
        digits += text[start:end]
        if len(digits) >= CARD_NUMBER_LENGTHS.stop:
            return None
        if len(digits) in CARD_NUMBER_LENGTHS and passes_luhn(digits):
            return index
    return None


def contains_card_number(text: str) -> bool:
    """Whether the text contains a full card number, with or without spaces and dashes."""
    return any(True for _span in _find_card_numbers(text))


def mask_card_numbers(text: str) -> str:
    """Return the text with all but the last 4 digits of each card number replaced by bullets."""
    parts, position = [], 0
    for start, end in _find_card_numbers(text):
        parts += [text[position:start], f"••••{text[end - 4 : end]}"]
        position = end
    return "".join([*parts, text[position:]])
