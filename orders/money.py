"""Decimals of currencies, and the formatting and parsing of amounts."""

import re
import unicodedata
from copy import copy
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import format_decimal, get_minus_sign_symbol

from orders.formats import CACHED_RESULTS, active_language, active_locale, locale_for

# ISO 4217, list one: the currencies whose smallest unit is not a hundredth. Babel's CLDR data has the number of
# decimals that are usually displayed instead, which is 0 for RSD, ALL and IQD although they are paid with decimals.
_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF"), 0
    ),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_DEFAULT_DECIMALS = 2

# CLDR's currencySpacing, which Babel does not implement: without it, KWD79.950 is hard to read.
_LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
# Digits, grouped or not. The last separator may be the decimal separator.
_NUMBER = re.compile(r"[0-9]+(?:[.,'’ ][0-9]+)*")
_MAX_INTEGER_DIGITS = 13  # as many as fit into the database column


def decimals(currency: str) -> int:
    """Return the number of decimals of a currency by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DECIMALS.get(currency.upper(), _DEFAULT_DECIMALS)


def smallest_unit(currency: str) -> Decimal:
    """Return the smallest unit of a currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-decimals(currency))


def round_to_currency(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to the smallest unit of its currency, halves away from zero."""
    return amount.quantize(smallest_unit(currency), rounding=ROUND_HALF_UP)


def is_whole(amount: Decimal, currency: str) -> bool:
    """Whether an amount is a multiple of the smallest unit of its currency. Stores also export finer amounts."""
    return amount % smallest_unit(currency) == 0


def with_decimals(amount: Decimal, currency: str) -> Decimal:
    """Return an amount with at least the decimals of its currency. It is never rounded."""
    return amount.quantize(smallest_unit(currency)) if is_whole(amount, currency) else amount.normalize()


def plain_amount(amount: Decimal, currency: str) -> str:
    """Format an amount for programs, with a point and the decimals of the currency: 79.95, 80 or 79.950."""
    return f"{with_decimals(amount, currency):f}"


# --- Formatting ----------------------------------------------------------------------------------------


def format_money(amount: Decimal, currency: str) -> str:
    """Format an amount with its currency in the active language, with the decimals of the currency."""
    return format_money_in(amount, currency, active_language())


def format_number(amount: Decimal) -> str:
    """Format an amount of unknown currency: without padding zeros, except that cents have two digits.

    In the active language: 79.87, 79.80, 80 or 79.875.
    """
    locale = active_locale()
    is_whole = amount == amount.to_integral_value()
    return format_decimal(amount, "0" if is_whole else "0.00#", locale=locale)


@lru_cache(maxsize=CACHED_RESULTS)
def format_money_in(amount: Decimal, currency: str, language: str) -> str:
    """Like `format_money`, in a given language, for callers that format many amounts."""
    locale = locale_for(language)
    pattern = copy(locale.currency_formats["standard"])
    places = decimals(currency)
    if 0 < abs(amount) < smallest_unit(currency):
        places = -int(amount.normalize().as_tuple().exponent)  # it would be written as zero
    pattern.frac_prec = (places, places)
    written = pattern.apply(amount, locale, currency=currency, currency_digits=False)
    # Babel writes every minus as a hyphen; Swedish and Norwegian have a sign of their own.
    written = written.replace("-", get_minus_sign_symbol(locale))
    return _LETTER_BESIDE_DIGIT.sub("\N{NO-BREAK SPACE}", written)


# --- Parsing ----------------------------------------------------------------------------------------


def parse_amount(typed: str, places: int = _DEFAULT_DECIMALS) -> Decimal | None:
    """Return the amount in a text like `1.234,56 €`, `$1,234.56`, `79,95` or `79.-`; None if there is not exactly one.

    `places` is the number of decimals of the currency. Three digits after a single separator are thousands, unless
    the currency has three decimals: 1.234 is 1234 euros, but 1.234 Kuwaiti dinars.
    """
    numbers = _NUMBER.findall(_normalize(typed))
    if len(numbers) != 1:
        return None
    parts = re.split(r"[.,'’ ]", numbers[0])
    separators = re.findall(r"[.,'’ ]", numbers[0])
    has_decimals = (
        bool(separators)
        and separators[-1] in ".,"
        and separators.count(separators[-1]) == 1
        and (len(parts[-1]) <= 2 or len(parts[-1]) == places or (len(parts[-1]) == 3 and len(separators) > 1))
        and not (len(parts[-1]) == 3 and places != 3)
    )
    groups = parts[1:-1] if has_decimals else parts[1:]
    if any(len(group) not in (2, 3) for group in groups):  # two digits: groups as in India
        return None
    whole = "".join(parts[:-1] if has_decimals else parts)
    if len(whole) > _MAX_INTEGER_DIGITS:
        return None
    return Decimal(f"{whole}.{parts[-1]}" if has_decimals else whole)


def _normalize(typed: str) -> str:
    """Convert digits and separators of all scripts to ASCII, and drop a dash in place of decimals."""
    text = unicodedata.normalize("NFKC", typed).translate({0x66B: ",", 0x66C: ".", 0x2D9: "'", 0x2019: "'"})
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    # As in `Fr. 79.-` and `79,–`.
    return " ".join(re.sub(r"(?<=[0-9])[.,][-–—]+", "", text).split())
