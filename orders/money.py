"""Money: the decimals of a currency, and amounts as people write and read them."""

import re
import unicodedata
from copy import copy
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from orders.formats import CACHED_RESULTS, active_language, locale_for

# ISO 4217, list one: the currencies whose smallest unit is not a hundredth. (CLDR, which Babel carries, says how many
# decimals are usually shown; RSD, ALL and IQD are shown without any, and paid with them.)
_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF"), 0
    ),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_USUAL_DECIMALS = 2

# CLDR's currencySpacing, which Babel leaves out: KWD79.950 is hard to read.
_LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
# Digits, perhaps in groups. The last separator may begin the cents.
_NUMBER = re.compile(r"[0-9]+(?:[.,'’ ][0-9]+)*")
_MOST_DIGITS = 13  # before the decimals, as many as the database keeps


def decimals(currency: str) -> int:
    """How many decimals a currency is paid with, by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DECIMALS.get(currency.upper(), _USUAL_DECIMALS)


def smallest(currency: str) -> Decimal:
    """The smallest coin: 0.01 EUR, 1 JPY, 0.001 KWD."""
    return Decimal(1).scaleb(-decimals(currency))


def round_to(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole smallest coins, halves away from zero."""
    return amount.quantize(smallest(currency), rounding=ROUND_HALF_UP)


def plain_amount(amount: Decimal, currency: str) -> str:
    """As programs read it: 79.95, 80 or 79.950, with a point and the currency's decimals."""
    return f"{amount.quantize(smallest(currency)):f}"


# --- As people read it ----------------------------------------------------------------------------------------


def format_money(amount: Decimal, currency: str) -> str:
    """The amount with its currency as the active language writes it, with the currency's decimals."""
    return money_in(amount, currency, active_language())


@lru_cache(maxsize=CACHED_RESULTS)
def money_in(amount: Decimal, currency: str, language: str) -> str:
    """As `format_money`, for many amounts in a language that was asked for once."""
    locale = locale_for(language)
    pattern = copy(locale.currency_formats["standard"])
    places = decimals(currency)
    pattern.frac_prec = (places, places)
    written = pattern.apply(amount, locale, currency=currency, currency_digits=False)
    return _LETTER_BESIDE_DIGIT.sub("\N{NO-BREAK SPACE}", written)


# --- As people type it ----------------------------------------------------------------------------------------


def read_amount(typed: str, places: int = _USUAL_DECIMALS) -> Decimal | None:
    """The amount in a text such as `1.234,56 €`, `$1,234.56`, `79,95` or `79.-`; None where there is not exactly one.

    `places` is how many decimals its currency has. Three digits after a lone separator are thousands, unless the
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
        and (len(parts[-1]) <= 2 or len(parts[-1]) == places or (len(parts[-1]) == 3 and len(separators) > 1))
        and not (len(parts[-1]) == 3 and places != 3)
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
