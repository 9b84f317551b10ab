"""What the values of a column can be, according to the parsers that the import uses."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC

from intake.currencies import country_code, is_currency
from intake.dates import parse_time
from intake.mapping.fields import Kind
from intake.problems import ImportRejected, ProblemCode
from intake.values import parse_amount

MIN_SHARE = 0.95  # share of the values that must fit the guessed kind
MAX_STATUSES = 40

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
_QUANTITY = re.compile(r"[0-9]{1,5}(?:[.,]0+)?")
_SERIAL = re.compile(r"[A-Za-z0-9]{3,}(?:-[A-Za-z0-9]{3,}){2,}|(?=.*[A-Z])(?=.*[0-9])[A-Z0-9]{12,}")
_LAST4 = re.compile(r"[^0-9]*[0-9]{4}")
_NUMBER = re.compile(r"\S(?:.{0,62}\S)?")


def share_of(kind: Kind, values: Sequence[str]) -> float:
    """Return the share of the values that can be of this kind, from 0 to 1."""
    if not values:
        return 0.0
    if kind == Kind.STATUS:
        return 1.0 if len({value.casefold() for value in values}) <= MAX_STATUSES else 0.0
    is_kind = _CHECKS.get(kind)
    return sum(map(is_kind, values)) / len(values) if is_kind else 1.0


def fits(kind: Kind, values: Sequence[str]) -> bool:
    """Whether nearly all values can be of this kind."""
    return share_of(kind, values) >= MIN_SHARE


def _is_time(text: str) -> bool:
    try:
        parse_time(text, UTC)
    except ImportRejected as rejected:
        return rejected.problem.code == ProblemCode.UNCLEAR_DATE
    return True


def _is_amount(text: str) -> bool:
    try:
        parse_amount(text, None)
    except ImportRejected as rejected:
        return rejected.problem.code == ProblemCode.UNCLEAR_AMOUNT
    return True


def _is_currency(text: str) -> bool:
    return len(text) == 3 and is_currency(text.upper())


def _is_country(text: str) -> bool:
    return country_code(text) is not None


def is_serial_number(text: str) -> bool:
    """Whether a text has the shape of a serial number: groups with hyphens, or many capital letters and digits."""
    return all(_SERIAL.fullmatch(part.strip()) for part in re.split(r"[,;\s]+", text) if part)


_CHECKS: dict[Kind, Callable[[str], bool]] = {
    Kind.EMAIL: lambda text: _EMAIL.fullmatch(text) is not None,
    Kind.TIME: _is_time,
    Kind.AMOUNT: _is_amount,
    Kind.QUANTITY: lambda text: _QUANTITY.fullmatch(text) is not None,
    Kind.CURRENCY: _is_currency,
    Kind.COUNTRY: _is_country,
    Kind.LAST4: lambda text: _LAST4.fullmatch(text) is not None,
    Kind.NUMBER: lambda text: _NUMBER.fullmatch(text) is not None,
}
