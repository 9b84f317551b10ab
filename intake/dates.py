"""Parse times in the notations of stores and spreadsheets, and detect the order of day and month in a file.

ISO 8601 and dates with a month name are unambiguous. For "01/02/2026", other dates in the same file, or a person, have
to decide which part is the month.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NoReturn

from babel import Locale
from django.utils.translation import gettext as _

from intake.problems import ImportRejected, ProblemCode

DATE_ORDERS = ("dmy", "mdy", "ymd")
# The order of a file in which a spreadsheet swapped days and months wherever that was possible. None of its dates can
# be trusted.
MIXED_UP = "mixed"
MAX_LENGTH = 100  # characters of a time

# Languages whose names of months and days are recognized.
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "da", "nb", "sv", "pt", "pl", "cs", "fi")
_MORE_MONTHS = {"sept": 9, "sep": 9, "mrz": 3}
# Words and ordinal endings in dates: "1st of November", "1er novembre", "1 de noviembre de 2026".
_FILLERS = frozenset(("st", "nd", "rd", "th", "of", "the", "er", "de", "del", "do", "den", "le", "il", "el"))

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
)
_CLOCK = re.compile(
    r"(?<!\d)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"\s*(?:([ap])\.?\s?m\b\.?)?\s*(?:Uhr\b)?\s*"
    r"((?:UTC|GMT)?[+-]\d\d(?::?\d\d)?|Z|UTC|GMT)?(?:\s*\([^)]*\))?$",
    re.IGNORECASE,
)
_BEFORE_CLOCK = re.compile(r"(?:[\s,@T]|\b(?:at|um|à|alle|om|kl|a las)\b\.?)+$")
_NUMERIC = re.compile(r"(\d{4}|\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{1,2})\.?")
_COMPACT = re.compile(r"(?:19|20)\d{6}")
_IDEOGRAPHS = str.maketrans({"年": "-", "月": "-", "日": " ", "/": "/"})
_SERIAL_NUMBER = re.compile(r"[2-7]\d{4}(?:[.,]\d+)?")
_DAMAGED_NUMBER = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}|#{2,}", re.IGNORECASE)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def parse_time(text: str, time_zone: tzinfo, date_order: str = "") -> datetime:
    """Parse a time with or without an offset. Without one, it is in `time_zone`, that of the store.

    `date_order` is the order of numeric dates: one of DATE_ORDERS, or empty if unknown. If it is unknown, an ambiguous
    date is rejected with the code `unclear_date`. Raises ImportRejected if the text isn't a time.
    """
    compact = text.strip()
    if found := _ISO.fullmatch(compact):
        year, month, day, hour, minute, second, fraction, offset = found.groups()
        if date_order == MIXED_UP and not offset and "T" not in compact and int(day) <= 12 and day != month:
            raise _mixed_up(text)
        try:
            return _combine(date(int(year), int(month), int(day)), (hour, minute, second, fraction), offset, time_zone)
        except ValueError:
            _refuse(text)
    return _parse_written_time(text, compact, time_zone, date_order)


def _parse_written_time(text: str, compact: str, time_zone: tzinfo, date_order: str) -> datetime:
    if len(compact) > MAX_LENGTH:
        _refuse(text)
    compact = _INVISIBLE.sub("", compact).translate(_IDEOGRAPHS).strip()
    if _SERIAL_NUMBER.fullmatch(compact) or _DAMAGED_NUMBER.fullmatch(compact):
        raise ImportRejected(
            _(
                "“%(text)s” is a date that a spreadsheet changed. Export the file from the store again without "
                "saving it in a spreadsheet, or format the column as a date with the year first (2026-11-01)."
            )
            % {"text": text[:40]},
            ProblemCode.SPREADSHEET_DAMAGE,
            text[:40],
        )
    clock: tuple[str | None, ...] = ()
    offset = ""
    found = _CLOCK.search(compact)
    if found:
        *parts, half, offset = found.groups()
        clock = (_hour(parts[0], half, text), *parts[1:])
        compact = _BEFORE_CLOCK.sub("", compact[: found.start()])
    try:
        return _combine(_parse_date(text, compact.strip(" ,-"), date_order), clock, offset, time_zone)
    except ValueError:
        _refuse(text)


def _hour(hour: str, half: str | None, text: str) -> str:
    """Return the hour on a 24-hour clock. `half` may be AM or PM."""
    if not half:
        return hour
    if not 1 <= int(hour) <= 12:
        _refuse(text)
    return str(int(hour) % 12 + (12 if half.lower() == "p" else 0))


def _combine(day: date, clock: tuple[str | None, ...], offset: str | None, time_zone: tzinfo) -> datetime:
    """Combine a day with a time given as texts. Raises ValueError if there is no such time."""
    hour, minute, second, fraction = clock or (None,) * 4
    return datetime(
        day.year,
        day.month,
        day.day,
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "")[:6].ljust(6, "0")),
        _offset(offset) if offset else time_zone,
    )


@lru_cache(maxsize=100)
def _offset(text: str) -> tzinfo:
    digits = text.upper().removeprefix("UTC").removeprefix("GMT").replace(":", "")
    if digits in ("", "Z"):
        return UTC
    minutes = int(digits[1:3]) * 60 + int(digits[3:5] or 0)
    return timezone(timedelta(minutes=-minutes if digits[0] == "-" else minutes))


def _parse_date(text: str, compact: str, date_order: str) -> date:
    if found := _NUMERIC.fullmatch(compact):
        return _parse_numeric(text, found[1], found[3], found[4], date_order)
    if _COMPACT.fullmatch(compact):
        return date(int(compact[:4]), int(compact[4:6]), int(compact[6:]))
    return _parse_worded(text, compact, date_order)


def _parse_numeric(text: str, first: str, second: str, third: str, date_order: str) -> date:
    if len(first) == 4:
        if len(third) == 4:
            _refuse(text)
        if date_order == MIXED_UP and int(third) <= 12 and int(third) != int(second):
            raise _mixed_up(text)
        return date(int(first), int(second), int(third))
    if len(third) == 1:
        _refuse(text)
    if date_order in DATE_ORDERS and (date_order != "ymd" or len(third) == 2):
        if date_order not in _possible_orders(first, second, third):
            raise ImportRejected(
                _("“%(text)s” isn’t a date in the order %(order)s, which this file uses.")
                % {"text": text[:40], "order": date_order},
                ProblemCode.UNCLEAR_DATE,
                text[:40],
            )
        return _date_in_order(first, second, third, date_order)
    possible = _possible_orders(first, second, third)
    if not possible:
        _refuse(text)
    days = {_date_in_order(first, second, third, order) for order in possible}
    if len(days) > 1 or len(third) == 2:
        raise _unclear(text)
    return days.pop()


def _possible_orders(first: str, second: str, third: str) -> frozenset[str]:
    """Return the orders in which three numbers can be a date. The first has one or two digits, the last two or four."""
    a, b, c = int(first), int(second), int(third)
    orders = {"dmy"} if 1 <= a <= 31 and 1 <= b <= 12 else set()
    if 1 <= a <= 12 and 1 <= b <= 31:
        orders.add("mdy")
    if len(third) == 2 and 1 <= b <= 12 and 1 <= c <= 31:
        orders.add("ymd")
    return frozenset(orders)


def _date_in_order(first: str, second: str, third: str, order: str) -> date:
    numbers = dict(zip(order, (int(first), int(second), int(third)), strict=True))
    year = numbers["y"] if numbers["y"] > 99 else 2000 + numbers["y"]
    return date(year, numbers["m"], numbers["d"])


def _parse_worded(text: str, compact: str, date_order: str) -> date:
    """Parse a date with the name of its month and optionally of its weekday."""
    if re.search(r"[^\w\s.,/'’º-]", compact):
        _refuse(text)
    months, weekdays = _names()
    parts: list[str] = []  # d, m, y, or two digits; in this sequence
    numbers: list[int] = []
    month = 0
    for token in re.findall(r"\d+|[^\W\d_]+", compact):
        word = token.casefold()
        if token.isdigit():
            parts.append("y" if len(token) == 4 else "n" if len(token) <= 2 else "?")
            numbers.append(int(token))
        elif word in months and not month and not (word in weekdays and not parts and _has_month_after(word, compact)):
            month = months[word]
            parts.append("m")
        elif word not in weekdays and word not in _FILLERS:
            _refuse(text)
    form = "".join(parts)
    if form in ("nmy", "mny"):
        return date(numbers[1], month, numbers[0])
    if form == "ymn":
        return date(numbers[0], month, numbers[1])
    if form in ("nmn", "mnn"):  # a year of two digits
        if date_order not in DATE_ORDERS or (date_order == "ymd" and form == "mnn"):
            raise _unclear(text)
        day, year = reversed(numbers) if date_order == "ymd" else numbers
        return date(2000 + year, month, day)
    _refuse(text)


def _has_month_after(word: str, compact: str) -> bool:
    """Whether another word is a month. "mar" is March, but in some languages Tuesday."""
    months, _weekdays = _names()
    words = [found.casefold() for found in re.findall(r"[^\W\d_]+", compact)]
    return any(other in months for other in words[words.index(word) + 1 :])


@lru_cache(maxsize=1)
def _names() -> tuple[dict[str, int], frozenset[str]]:
    """Return the month names with their numbers, and the weekday names, from CLDR."""
    months = dict(_MORE_MONTHS)
    weekdays: set[str] = set()
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                months |= {
                    name.casefold().rstrip("."): number for number, name in locale.months[context][width].items()
                }
                weekdays |= {name.casefold().rstrip(".") for name in locale.days[context][width].values()}
    return months, frozenset(weekdays)


def _refuse(text: str) -> NoReturn:
    raise ImportRejected(
        _("“%(text)s” isn’t a date and time. Write it like 2026-11-01 10:00:00 +0100.") % {"text": text[:40]},
        word=text[:40],
    ) from None


def _unclear(text: str) -> ImportRejected:
    sentence = _(
        "“%(text)s” can be more than one date. Set the order of day, month and year with --date-order dmy, mdy or ymd."
    )
    return ImportRejected(sentence % {"text": text[:40]}, ProblemCode.UNCLEAR_DATE, text[:40])


def _mixed_up(text: str) -> ImportRejected:
    sentence = _(
        "“%(text)s” may have its day and month swapped: other dates in this column have another format, so a "
        "spreadsheet may have changed some of them. Export the file from the store again without saving it in a "
        "spreadsheet. If the dates are correct, set --date-order dmy or mdy for the others."
    )
    return ImportRejected(sentence % {"text": text[:40]}, ProblemCode.SPREADSHEET_DAMAGE, text[:40])


_BEGINS_NUMERIC = re.compile(r"\s*(\d{4}|\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{1,2})(?!\d)(.*)", re.DOTALL)
_HAS_OFFSET = re.compile(r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$")


class DateOrderEvidence:
    """Collects, in constant memory, what the dates of a file show about their order."""

    def __init__(self) -> None:
        self.found_numeric = False  # whether any date needs an order
        # The orders that fit all dates with a four-digit year, and those that fit all dates with a two-digit year.
        self._with_long_year = frozenset(("dmy", "mdy"))
        self._with_short_year = frozenset(DATE_ORDERS)
        self._found_long_year = False
        self._columns: dict[str, set[str]] = {}  # the kinds of dates in each column

    def add(self, column: str, text: str) -> None:
        found = _BEGINS_NUMERIC.match(text)
        if not found:
            return
        first, _separator, second, third, rest = found.groups()
        if len(first) == 4:
            if not rest.startswith("T") and not _HAS_OFFSET.search(rest.strip()):
                self._note(column, "iso, may be exchanged" if int(third) <= 12 else "iso")
            return
        if len(third) == 1:
            return
        self.found_numeric = True
        orders = _possible_orders(first, second, third)
        if not orders:
            return
        clear = len(orders) == 1 or (int(first) == int(second) and len(third) == 4)
        self._note(column, "clear" if clear else "unclear")
        if len(third) == 4:
            self._found_long_year = True
            self._with_long_year &= orders
        else:
            self._with_short_year &= orders

    def _note(self, column: str, kind: str) -> None:
        self._columns.setdefault(column, set()).add(kind)

    @property
    def order(self) -> str:
        """One of DATE_ORDERS or MIXED_UP; empty if the dates don't show it, or contradict each other."""
        if any(kinds == {"iso, may be exchanged", "clear"} for kinds in self._columns.values()):
            return MIXED_UP
        possible = self._with_short_year
        if self._found_long_year:
            possible &= self._with_long_year
        return next(iter(possible)) if len(possible) == 1 else ""
