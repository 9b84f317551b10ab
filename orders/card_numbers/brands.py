"""The properties of card numbers: first digits, length and check digit."""

MIN_DIGITS, MAX_DIGITS = 12, 19  # of card numbers

# First digits of card brands, as ranges of equal length, and the number of digits of their cards (ISO/IEC 7812, and
# lists published by the brands).
_BRANDS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa; also Dankort and Elo
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),  # American Express
    ("300", "305", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("3095", "3095", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("36", "36", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("38", "39", (14, 15, 16, 17, 18, 19)),  # Diners Club; also Hipercard
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("1800", "1800", (15,)),  # JCB
    ("2131", "2131", (15,)),  # JCB
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Verve, Elo, RuPay
    ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("6", "6", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Discover, UnionPay, RuPay, Hipercard, Elo
    ("81", "82", (16, 17, 18, 19)),  # UnionPay, RuPay
    ("2200", "2205", (16, 17, 18, 19)),  # Mir, BORICA
    ("8600", "8600", (16,)),  # Uzcard
    ("9704", "9704", (16, 17, 18, 19)),  # Napas
    ("9792", "9792", (16,)),  # Troy
    ("9860", "9860", (16,)),  # Humo
)
PREFIX_LENGTH = 4
DOUBLED_DIGIT_SUMS = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _lengths_by_prefix() -> list[tuple[int, ...]]:
    """Return the lengths of cards, by their first 4 digits as a number."""
    lengths: list[tuple[int, ...]] = [()] * 10**PREFIX_LENGTH
    for first, last, brand_lengths in _BRANDS:
        missing = PREFIX_LENGTH - len(first)
        for prefix in range(int(first + "0" * missing), int(last + "9" * missing) + 1):
            lengths[prefix] = brand_lengths
    return lengths


LENGTHS_BY_PREFIX = _lengths_by_prefix()


def passes_luhn(digits: str) -> bool:
    """Whether the check digit is valid by the Luhn algorithm (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        digit = ord(character) - 48
        total += DOUBLED_DIGIT_SUMS[digit] if index % 2 else digit
    return total % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether these ASCII digits are exactly one full card number."""
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        return False
    return len(digits) in LENGTHS_BY_PREFIX[int(digits[:PREFIX_LENGTH])] and passes_luhn(digits)
