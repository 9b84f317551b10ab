"""Amounts and times in the spellings of many countries."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from intake.problems import ImportRejected
from intake.values import parse_amount, parse_time


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", "0"),
        ("12", "12"),
        ("12.50", "12.50"),
        ("12,50", "12.50"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50 €", "1234.50"),
        ("1\u202f234,50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("$1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("1,234", "1234"),
        ("1.234", "1.234"),
        ("-5.00", "-5.00"),
        ("(5.00)", "-5.00"),
        ("€ -5,00", "-5.00"),
    ],
)
def test_amounts(text: str, value: str) -> None:
    assert parse_amount(text) == Decimal(value)


def test_an_ambiguous_separator_is_resolved_by_the_file_or_the_currency() -> None:
    assert parse_amount("1,234", decimal_comma=True) == Decimal("1.234")
    assert parse_amount("1.234", decimal_comma=True) == Decimal(1234)
    assert parse_amount("1,234", currency="KWD") == Decimal("1.234")
    assert parse_amount("1,234", currency="JPY") == Decimal(1234)


@pytest.mark.parametrize("text", ["abc", "1 and 2", "--", "1-2", "NaN", "Infinity"])
def test_no_amounts(text: str) -> None:
    with pytest.raises(ImportRejected):
        parse_amount(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01 10:00:00 +0100",
        "2026-11-01 10:00:00 +01:00",
        "2026-11-01T10:00:00+01:00",
        "2026-11-01T09:00:00Z",
        "2026-11-01 09:00:00 UTC",
        "2026-11-01 10:00",
        "2026/11/01 10:00:00",
        "01-11-2026 10:00:00",
        "2026-11-01T10:00:00.000",
    ],
)
def test_times(text: str) -> None:
    assert parse_time(text, ZoneInfo("Europe/Berlin")) == datetime(2026, 11, 1, 9, tzinfo=UTC)


def test_a_day_without_a_time_is_its_beginning() -> None:
    assert parse_time("2026-11-01", UTC) == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["01/02/2026", "yesterday", "2026-13-01", ""])
def test_no_times(text: str) -> None:
    with pytest.raises(ImportRejected):
        parse_time(text, UTC)
