"""Full card numbers are recognised, so that they are never kept."""

import re

# 13 to 19 digits, in groups or not. Not inside a longer run of letters or digits: that is a serial number or an id.
_CANDIDATE = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ \-]?[0-9]){12,18}(?![0-9A-Za-z])")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def passes_luhn(digits: str) -> bool:
    """Whether the check digit of ISO/IEC 7812-1 fits."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        digit = ord(character) - 48
        total += _DOUBLED[digit] if index % 2 else digit
    return total % 10 == 0


def _is_card_number(found: str) -> bool:
    return passes_luhn(re.sub(r"[ \-]", "", found))


def holds_card_number(text: str) -> bool:
    """Whether the text holds a full card number, with or without spaces and dashes."""
    return any(_is_card_number(match.group()) for match in _CANDIDATE.finditer(text))


def mask_card_numbers(text: str) -> str:
    """The text with all but the last 4 digits of each card number replaced by bullets."""
    return _CANDIDATE.sub(
        lambda match: f"••••{match.group()[-4:]}" if _is_card_number(match.group()) else match[0], text
    )
