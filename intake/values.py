"""Parse amounts and times in the notations that stores use."""

import re
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from intake.problems import ImportRejected
from orders.money import decimals as currency_decimals

THOUSANDTH = Decimal("0.001")  # the precision of stored amounts
NO_CURRENCY = "XXX"  # the ISO 4217 code for it

_NUMBER = re.compile(r"[0-9][0-9.,'’\s\u00a0\u202f]*")
_SPACES = re.compile(r"[\s\u00a0\u202f'’]")
_OFFSET = re.compile(r"\s*(?:UTC|GMT|Z|([+-])(\d\d):?(\d\d))$", re.IGNORECASE)
_DAY_FIRST = re.compile(r"(\d\d)-(\d\d)-(\d{4})(.*)", re.DOTALL)


def parse_amount(text: str, decimal_comma: bool = False, currency: str = "") -> Decimal:
    """Parse an amount such as "1,234.50", "1.234,50", "1 234,50 €" or "-5". Empty text is zero.

    An ambiguous separator ("1,234") separates thousands, unless the file uses decimal commas
    (`decimal_comma`) or the currency has three decimals. Raises Refused if it is not one number.
    """
    compact = text.strip()
    if not compact:
        return Decimal(0)
    found = _NUMBER.findall(compact)
    if len(found) != 1:
        raise ImportRejected(_("“%(text)s” is no amount.") % {"text": text[:40]})
    digits = _SPACES.sub("", found[0]).rstrip(".,")
    negative = compact.startswith(("-", "(", "−")) or f"-{found[0].strip()}" in compact
    try:
        value = Decimal(_with_decimal_point(digits, decimal_comma, currency_decimals(currency)))
    except InvalidOperation:
        raise ImportRejected(_("“%(text)s” is no amount.") % {"text": text[:40]}) from None
    return -value if negative else value


def _with_decimal_point(digits: str, decimal_comma: bool, decimals: int) -> str:
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        decimal, thousands = (",", ".") if comma > point else (".", ",")
        return digits.replace(thousands, "").replace(decimal, ".")
    separator = "," if comma >= 0 else "."
    if digits.count(separator) > 1:
        return digits.replace(separator, "")  # it separates thousands
    if comma < 0:
        whole, _point, fraction = digits.partition(".")
        is_thousands = decimal_comma and len(fraction) == 3 and decimals != 3 and len(whole) <= 3
        return digits.replace(".", "") if is_thousands else digits
    is_thousands = len(digits) - comma - 1 == 3 and not decimal_comma and decimals != 3
    return digits.replace(",", "" if is_thousands else ".")


def parse_time(text: str, time_zone: tzinfo) -> datetime:
    """Parse a time, with or without an offset; without one it is in `time_zone`, the store's.

    Raises Refused if it is not a time, or if the day is ambiguous ("01/02/2025").
    """
    compact = text.strip()
    offset = ""
    if found := _OFFSET.search(compact):
        offset = f"{found[1]}{found[2]}:{found[3]}" if found[1] else "+00:00"
        date_part = compact[: found.start()]
        # The end of "2025-01-05" looks like an offset too.
        if ":" in date_part:
            compact = date_part
        else:
            offset = ""
    if day_first := _DAY_FIRST.fullmatch(compact):
        compact = f"{day_first[3]}-{day_first[2]}-{day_first[1]}{day_first[4]}"
    try:
        parsed = datetime.fromisoformat(compact.replace("/", "-") + offset)
    except ValueError:
        raise ImportRejected(
            _("“%(text)s” is no time as in 2026-11-01 10:00:00 +0100.") % {"text": text[:40]}
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=time_zone)
