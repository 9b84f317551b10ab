"""Parse amounts in the notations that stores use. Ambiguous values are rejected, never guessed."""

import html
import re
from decimal import Decimal
from typing import NoReturn

from babel import Locale
from django.utils.translation import gettext as _

from intake.dates import parse_time
from intake.problems import ImportRejected, ProblemCode
from orders.money import decimals as currency_decimals

__all__ = ["NO_CURRENCY", "THOUSANDTH", "AmountEvidence", "is_spreadsheet_damage", "parse_amount", "parse_time"]

THOUSANDTH = Decimal("0.001")  # the precision of stored amounts
NO_CURRENCY = "XXX"  # the ISO 4217 code for no currency
MAX_LENGTH = 100  # characters of an amount

# Currency signs and the currencies that they can mean. A sign with a letter before it ("US$") is matched as "$".
_SIGNS: dict[str, frozenset[str]] = {
    sign: frozenset(codes.split())
    for sign, codes in {
        "€": "EUR",
        "euro": "EUR",
        "$": "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP UYU BRL BBD BMD BND BSD BZD DOP FJD GYD JMD KYD LRD NAD SBD "
        "SRD TTD XCD CUP",
        "£": "GBP EGP LBP SYP SDG GIP FKP SHP",
        "¥": "JPY CNY",
        "元": "CNY TWD",
        "円": "JPY",
        "₩": "KRW",
        "₹": "INR",
        "rs": "INR PKR LKR NPR MUR SCR",
        "₽": "RUB",
        "руб": "RUB",
        "₴": "UAH",
        "₺": "TRY",
        "tl": "TRY",
        "zł": "PLN",
        "kč": "CZK",
        "ft": "HUF",
        "lei": "RON MDL",
        "лв": "BGN",
        "kr": "SEK NOK DKK ISK",
        "fr": "CHF",
        "sfr": "CHF",
        "₪": "ILS",
        "฿": "THB",
        "₫": "VND",
        "₱": "PHP",
        "rp": "IDR",
        "rm": "MYR",
        "r": "ZAR",
        "din": "RSD",
    }.items()
}
_DOLLAR_LETTERS = re.compile(r"[A-Z]{1,3}\$")  # US$, C$, NT$, R$
_PLAIN = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,2})?")
_AMOUNT = re.compile(
    r"(?P<open>\()?(?P<before>(?:[^0-9.,()]|(?<=[^\W\d_])\.)*?)"
    r"(?P<number>(?:(?<![^\W\d_])[.,][0-9]|[0-9])(?:[0-9.,'’\s]*[0-9])?)(?P<rest>(?:[.,][-–—]{1,2}|[-−–]|[.,])(?=\D*$))?"
    r"(?P<after>[^0-9()]*)(?P<close>\))?"
)
_MINUS = re.compile("[-−–]")
_GROUPS = r"[0-9]{1,3}(?:%s[0-9]{3})+|[0-9]{1,2}(?:%s[0-9]{2})+%s[0-9]{3}"  # thousands, or lakhs as in 1,23,456
_GROUPED = {sign: re.compile(_GROUPS.replace("%s", re.escape(sign))) for sign in (",", ".", "'", " ")}
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MONTHS = "Jan|Feb|Mar|Mär|Mrz|Apr|May|Mai|Jun|Jul|Aug|Sep|Sept|Oct|Okt|Nov|Dec|Dez"
# A number with an exponent, a column that was too narrow, and a number that was converted to a day or month.
_DAMAGED = re.compile(
    rf"[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]{{1,3}}|#{{2,}}"
    rf"|[0-9]{{1,2}}\. ?(?:{_MONTHS})\.?|[0-9]{{1,2}}-(?:{_MONTHS})|(?:{_MONTHS})[- ][0-9]{{2}}"
)


def is_spreadsheet_damage(text: str) -> bool:
    """Whether a spreadsheet changed a number, SKU or amount: "2.02611E+11", "12. Mai", "####"."""
    return _DAMAGED.fullmatch(text.strip()) is not None


def parse_amount(text: str, decimal_comma: bool | None = False, currency: str = "") -> Decimal:
    """Parse an amount such as "1,234.50", "1.234,50", "1 234,50 €", "EUR 5", "5.-", "5-" or "(5)". Empty text is zero.

    `decimal_comma` says whether decimals follow a comma in the file, or None if unknown. If it is unknown, an amount
    such as "1,234" is rejected with the code `unclear_amount`. Raises ImportRejected if the text isn't a single amount,
    or has a different currency.
    """
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    compact = _INVISIBLE.sub("", html.unescape(text) if "&" in text else text).strip()
    if not compact:
        return Decimal(0)
    if len(compact) > MAX_LENGTH:
        _refuse(text)
    if is_spreadsheet_damage(compact):
        raise ImportRejected(
            _(
                "“%(text)s” is an amount that a spreadsheet changed. Export the file from the store again without "
                "saving it in a spreadsheet."
            )
            % {"text": text[:40]},
            ProblemCode.SPREADSHEET_DAMAGE,
            text[:40],
        )
    found = _AMOUNT.fullmatch(compact)
    if not found or bool(found["open"]) != bool(found["close"]):
        _refuse(text)
    marks = f"{found['before']} {found['after']}"
    minuses = len(_MINUS.findall(marks)) + bool(found["open"])
    signs = minuses + marks.count("+")
    rest = found["rest"] or ""
    if rest and rest[0] not in ".,":  # "5-" is negative, "5,-" and "5.-" are not
        signs, minuses = signs + 1, minuses + 1
    if signs > 1:
        _refuse(text)
    _check_currency(text, re.sub("[-−–+]", " ", marks), currency)
    number = _SPACES.sub(" ", found["number"]).replace("’", "'")
    value = Decimal(_to_decimal(text, number, decimal_comma, currency_decimals(currency)))
    return -value if minuses else value


def _check_currency(text: str, marks: str, currency: str) -> None:
    """Reject text next to a number that isn't a currency, or isn't the order's."""
    for word in marks.split():
        sign = word.rstrip(".").casefold()
        if _DOLLAR_LETTERS.fullmatch(word):
            sign = "$"
        codes = _SIGNS.get(sign)
        if codes is None and word.upper() in _currency_codes():
            codes = frozenset((word.upper(),))
        if codes is None:
            _refuse(text)
        if currency and currency != NO_CURRENCY and currency not in codes:
            raise ImportRejected(
                _("“%(text)s” isn’t an amount in %(currency)s, the order’s currency.")
                % {"text": text[:40], "currency": currency[:3]},
                ProblemCode.UNCLEAR_AMOUNT,
                text[:40],
            )


def _currency_codes() -> frozenset[str]:
    return frozenset(Locale("en").currencies)


def _to_decimal(text: str, number: str, decimal_comma: bool | None, decimals: int) -> str:
    """Convert a number with a decimal point and without thousands separators."""
    comma, point = number.rfind(","), number.rfind(".")
    if comma >= 0 and point >= 0:
        decimal = "," if comma > point else "."
        whole, _sign, fraction = number.rpartition(decimal)
        return f"{_ungroup(text, whole, ',' if decimal == '.' else '.')}.{_digits(text, fraction)}"
    separator = "," if comma >= 0 else "." if point >= 0 else ""
    if not separator:
        return _ungroup(text, number, "' ")
    if number.count(separator) > 1:
        return _ungroup(text, number, separator)
    whole, _sign, fraction = number.partition(separator)
    if not _may_be_thousands(whole, fraction):
        return f"{_ungroup(text, whole, chr(39) + ' ') if whole else '0'}.{_digits(text, fraction)}"
    if decimal_comma is None and decimals == 0 and fraction != "000":
        return f"{whole}{fraction}"  # a currency without decimals
    is_decimal = (separator == ",") is decimal_comma
    if decimal_comma is None or (decimals == 3 and not is_decimal):
        raise ImportRejected(
            _(
                "“%(text)s” is ambiguous: the decimal separator can be a comma or a point. Write amounts with two "
                "decimals, or export the file from the store again."
            )
            % {"text": text[:40]},
            ProblemCode.UNCLEAR_AMOUNT,
            text[:40],
        )
    return f"{whole}.{fraction}" if is_decimal else f"{whole}{fraction}"


def _may_be_thousands(whole: str, fraction: str) -> bool:
    """Whether the only separator of a number may separate thousands: "1,234", but not "0,123" or "1234,567"."""
    return len(fraction) == 3 and fraction.isdigit() and 1 <= len(whole) <= 3 and whole.isdigit() and whole[0] != "0"


def _ungroup(text: str, number: str, separators: str) -> str:
    """Remove thousands separators, which must all be the same and in the right positions."""
    if number.isdigit():
        return number
    if not any(_GROUPED[separator].fullmatch(number) for separator in separators):
        _refuse(text)
    return re.sub("[^0-9]", "", number)


def _digits(text: str, digits: str) -> str:
    if not digits.isdigit():
        _refuse(text)
    return digits


def _refuse(text: str) -> NoReturn:
    raise ImportRejected(_("“%(text)s” isn’t an amount.") % {"text": text[:40]}, word=text[:40])


class AmountEvidence:
    """Collects, in constant memory, what the amounts of a file show about the decimal sign."""

    def __init__(self) -> None:
        self._signs: set[str] = set()

    def add(self, text: str) -> None:
        found = _AMOUNT.fullmatch(text.strip())
        if not found:
            return
        number = found["number"]
        try:
            _to_decimal(text, _SPACES.sub(" ", number).replace("’", "'"), None, 2)
        except ImportRejected:
            return
        comma, point = number.rfind(","), number.rfind(".")
        if comma >= 0 and point >= 0:
            self._signs.add("," if comma > point else ".")
        elif comma >= 0 or point >= 0:
            separator, other = (",", ".") if comma >= 0 else (".", ",")
            whole, _sign, fraction = number.partition(separator)
            if number.count(separator) > 1:
                self._signs.add(other)
            elif not _may_be_thousands(whole, fraction):
                self._signs.add(separator)

    @property
    def found(self) -> bool:
        """Whether any amount showed the decimal sign."""
        return bool(self._signs)

    @property
    def decimal_comma(self) -> bool | None:
        """Whether decimals follow a comma; None if no amount shows it, or if amounts contradict each other."""
        return self._signs == {","} if len(self._signs) == 1 else None
