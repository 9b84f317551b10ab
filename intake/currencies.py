"""Currency codes and country names as stores write them."""

from functools import cache

from babel import Locale
from babel.numbers import list_currencies
from django.utils.translation import gettext as _

from intake.problems import ImportRejected, ProblemCode
from intake.records import NO_CURRENCY

# Codes for tests, for no currency, and for metals and funds, in which nothing is sold.
_NO_MONEY = frozenset("XXX XTS XAU XAG XPT XPD XBA XBB XBC XBD XDR XSU XUA XRE".split())  # noqa: SIM905 (short)
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "da", "nb", "sv")


@cache
def _known_currencies() -> frozenset[str]:
    return frozenset(list_currencies()) - _NO_MONEY


def is_currency(code: str) -> bool:
    """Whether this is the ISO 4217 code of a currency in which something can be sold."""
    return code in _known_currencies()


def read_currency(text: str) -> str | None:
    """Return the code in a cell, or None if it is empty. Raises ImportRejected if it isn't a currency code."""
    code = text.strip().upper()
    if not code:
        return None
    if not is_currency(code):
        raise unknown_currency(text)
    return code


def unknown_currency(text: str, column: str = "") -> ImportRejected:
    """Return the rejection of an order whose currency is missing or unknown. `column` is where it is expected."""
    if text.strip() and text != NO_CURRENCY:
        sentence = _("“%(text)s” isn’t a currency. Enter its three-letter ISO 4217 code, for example EUR.")
        return ImportRejected(sentence % {"text": text.strip()[:40]}, ProblemCode.UNKNOWN_CURRENCY, text.strip()[:64])
    sentence = _("This order has no currency. Export the file with the currency, or set it in a mapping.")
    if column:
        sentence = _(
            "column “%(column)s”: This order has no currency. Export the file with this column (for example EUR), "
            "or set the currency in a mapping."
        ) % {"column": column}
    return ImportRejected(sentence, ProblemCode.UNKNOWN_CURRENCY)


@cache
def _codes_by_country() -> dict[str, str]:
    codes: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                codes.setdefault(name.casefold(), code)
    return codes


def country_code(text: str) -> str | None:
    """Return the ISO 3166 code of a country given as a code or name, or None if it is unknown."""
    country = text.strip()
    if len(country) == 2 and country.isascii() and country.isalpha():
        return country.upper()
    return _codes_by_country().get(country.casefold())
