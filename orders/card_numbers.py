"""Full card numbers are recognized, so that they are never kept."""

import re
from collections.abc import Iterator

# Digits in groups or not. Not inside a longer run of letters or digits: that is a serial number or an id.
_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ \-]?[0-9]){12,}(?![0-9A-Za-z])")
_GROUP = re.compile(r"[0-9]+")
# One in ten serial numbers like XAAB-1234-5678-9012-3456 ends as a card number does; their first group tells.
_SERIAL_BEFORE = re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*[A-Z])[0-9A-Z]{3,8}-\Z")
_BRANDS = frozenset({"VISA-", "AMEX-", "JCB-", "DINERS-", "DISCOVER-", "MAESTRO-", "CARD-", "KARTE-", "CARTE-", "PAN-"})
LENGTHS = range(13, 20)  # of card numbers, in digits
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def passes_luhn(digits: str) -> bool:
    """Whether the check digit of ISO/IEC 7812-1 fits."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        digit = ord(character) - 48
        total += _DOUBLED[digit] if index % 2 else digit
    return total % 10 == 0


def _find(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand. Other digits may stand beside one, as its end date does: 4242… 12/28."""
    for run in _RUN.finditer(text):
        before = _SERIAL_BEFORE.search(text, max(0, run.start() - 10), run.start())
        if before and before[0] not in _BRANDS:
            continue
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last = _card_from(text, groups[first:])
            if last is not None:
                yield groups[first][0], groups[first + last][1]
                first += last
            first += 1


def _card_from(text: str, groups: list[tuple[int, int]]) -> int | None:
    """Which group ends the card number that begins with the first of these; None, if none begins there."""
    digits = ""
    for index, (start, end) in enumerate(groups):
        digits += text[start:end]
        if len(digits) >= LENGTHS.stop:
            return None
        if len(digits) in LENGTHS and passes_luhn(digits):
            return index
    return None


def holds_card_number(text: str) -> bool:
    """Whether the text holds a full card number, with or without spaces and dashes."""
    return any(True for _span in _find(text))


def mask_card_numbers(text: str) -> str:
    """The text with all but the last 4 digits of each card number replaced by bullets."""
    masked, done = [], 0
    for start, end in _find(text):
        masked += [text[done:start], f"••••{text[end - 4 : end]}"]
        done = end
    return "".join([*masked, text[done:]])
