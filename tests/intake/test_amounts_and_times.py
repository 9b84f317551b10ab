"""Amounts and times in the notations of many countries. Ambiguous values are refused."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from intake.problems import ImportRejected, ProblemCode
from intake.values import parse_amount, parse_time


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", "0"),
        ("12", "12"),
        ("12.50", "12.50"),
        ("12,50", "12.50"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50 €", "1234.50"),
        ("1\u202f234,50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1’234’567.50", "1234567.50"),
        ("1,23,456.00", "123456.00"),
        ("$1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("0,123", "0.123"),
        ("1234,567", "1234.567"),
        ("EUR 5", "5"),
        ("5 €", "5"),
        ("5 eur", "5"),
        ("US$ 5", "5"),
        ("R$ 5,00", "5.00"),
        ("kr. 100", "100"),
        ("Rs.500", "500"),
        ("12,50 zł", "12.50"),
        ("&#36;12.50", "12.50"),
        ("5.-", "5"),
        ("5,-", "5"),
        ("5,–", "5"),
        ("CHF 1'200.-", "1200"),
        ("+5", "5"),
        ("-5.00", "-5.00"),
        ("−5", "-5"),
        ("5-", "-5"),
        ("5.00 -", "-5.00"),
        ("5,00- EUR", "-5.00"),
        ("1.000,00-", "-1000.00"),
        ("(5.00)", "-5.00"),
        ("($5.00)", "-5.00"),
        ("€ -5,00", "-5.00"),
        ("-€5", "-5"),
    ],
)
def test_amounts_that_are_clear_by_themselves(text: str, value: str) -> None:
    assert parse_amount(text, decimal_comma=None) == Decimal(value)
    assert parse_amount(text, decimal_comma=True) == Decimal(value)
    assert parse_amount(text, decimal_comma=False) == Decimal(value)


def code_of(text: str, decimal_comma: bool | None = None, currency: str = "") -> ProblemCode:
    with pytest.raises(ImportRejected) as rejected:
        parse_amount(text, decimal_comma, currency)
    assert text[:40] in rejected.value.problem.text
    return rejected.value.problem.code


def test_one_separator_before_three_digits_is_decided_by_the_file() -> None:
    assert parse_amount("1,234", decimal_comma=True) == Decimal("1.234")
    assert parse_amount("1.234", decimal_comma=True) == Decimal(1234)
    assert parse_amount("1,234", decimal_comma=False) == Decimal(1234)
    assert parse_amount("1.234", decimal_comma=False) == Decimal("1.234")
    assert code_of("1,234") == code_of("1.234") == ProblemCode.UNCLEAR_AMOUNT


def test_currencies_with_no_or_three_decimals_decide_the_separator() -> None:
    assert parse_amount("1,234", None, "JPY") == Decimal(1234)
    assert code_of("1,000", None, "JPY") == ProblemCode.UNCLEAR_AMOUNT
    assert parse_amount("1.234", False, "KWD") == Decimal("1.234")
    assert code_of("1,234", False, "KWD") == ProblemCode.UNCLEAR_AMOUNT


@pytest.mark.parametrize(
    "text",
    [
        *(
            "abc",
            "1 and 2",
            "--",
            "--5",
            "-5-",
            "(-5)",
            "(5",
            "1-2",
            "NaN",
            "Infinity",
            "5%",
            "5 CR",
            "5 Stück",
            "12 50",
        ),
        *("1,2345.00", "1,2,3", "1.234,56,7", "12.5.2026", "²", "٣", "5 € 6", "1" * 200),
    ],
)
def test_texts_that_are_no_amount_are_refused(text: str) -> None:
    assert code_of(text) == ProblemCode.INVALID


@pytest.mark.parametrize("text", ["12. Mai", "05. Okt", "Dez 76", "12-May", "2.02611E+11", "1,5E+03", "####"])
def test_amounts_that_a_spreadsheet_took_for_something_else_are_refused(text: str) -> None:
    assert code_of(text) == ProblemCode.SPREADSHEET_DAMAGE


def test_an_amount_in_another_currency_than_the_orders_is_refused() -> None:
    assert code_of("€5", currency="USD") == code_of("USD 5", currency="EUR") == ProblemCode.UNCLEAR_AMOUNT
    assert parse_amount("$5", currency="CAD") == parse_amount("€5", currency="EUR") == 5


BERLIN = ZoneInfo("Europe/Berlin")


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
        "2026. 11. 1. 10:00",
        "2026年11月1日 10:00",
        "20261101 10:00",
        "2026-11-01T10:00:00.000",
        "2026-11-01 10:00 AM",
        "1 Nov 2026 10:00",
        "1-Nov-2026 10:00",
        "01/Nov/2026 10:00",
        "Nov 1, 2026 10:00 a.m.",
        "November 1st, 2026 at 10:00",
        "November 1, 2026 @ 10:00 am",
        "1. November 2026, 10:00 Uhr",
        "1er novembre 2026 à 10:00",
        "1 de noviembre de 2026 10:00",
        "1 listopada 2026 10:00",
        "dom. 1 nov. 2026 10:00",
        "Sun, 01 Nov 2026 10:00:00 +0100",
        "Sun Nov 01 2026 10:00:00 GMT+0100 (Central European Standard Time)",
        "\u200e2026-11-01 10:00",
    ],
)
def test_times_that_are_clear_by_themselves(text: str) -> None:
    assert parse_time(text, BERLIN) == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert parse_time(text, BERLIN, "mdy") == datetime(2026, 11, 1, 9, tzinfo=UTC)


def test_a_day_without_a_time_is_its_beginning() -> None:
    assert parse_time("2026-11-01", UTC) == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(("clock", "hour"), [("12:05 AM", 0), ("1:05 am", 1), ("12:05 PM", 12), ("11:05 p. m.", 23)])
def test_the_half_of_the_day_is_read(clock: str, hour: int) -> None:
    assert parse_time(f"2026-11-01 {clock}", UTC) == datetime(2026, 11, 1, hour, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["13/02/2026", "02/13/2026", "13.2.2026", "2-13-2026 00:00"])
def test_a_month_of_13_or_more_decides(text: str) -> None:
    assert parse_time(text, UTC) == datetime(2026, 2, 13, tzinfo=UTC)


def test_the_same_number_for_day_and_month_is_clear() -> None:
    assert parse_time("05/05/2026", UTC) == datetime(2026, 5, 5, tzinfo=UTC)


def time_code(text: str, date_order: str = "") -> ProblemCode:
    with pytest.raises(ImportRejected) as rejected:
        parse_time(text, UTC, date_order)
    assert text[:40] in rejected.value.problem.text
    return rejected.value.problem.code


@pytest.mark.parametrize("text", ["01/02/2026", "12-01-2010", "1.2.2026 10:00", "26-11-01", "13/02/26", "1-Nov-26"])
def test_a_date_that_can_be_read_in_two_ways_is_refused(text: str) -> None:
    assert time_code(text) == ProblemCode.UNCLEAR_DATE


@pytest.mark.parametrize(
    ("text", "date_order", "day"),
    [
        ("12-01-2010", "dmy", "2010-01-12"),
        ("12-01-2010", "mdy", "2010-12-01"),
        ("1.2.2026", "dmy", "2026-02-01"),
        ("26-11-01", "ymd", "2026-11-01"),
        ("1/2/26", "mdy", "2026-01-02"),
        ("1-Nov-26", "dmy", "2026-11-01"),
    ],
)
def test_the_order_that_is_said_is_taken(text: str, date_order: str, day: str) -> None:
    assert parse_time(text, UTC, date_order) == datetime.fromisoformat(f"{day}T00:00:00Z")


def test_a_date_that_does_not_fit_the_order_is_refused() -> None:
    assert time_code("13/02/2026", "mdy") == ProblemCode.UNCLEAR_DATE
    assert time_code("01/02/2026", "ymd") == ProblemCode.UNCLEAR_DATE


@pytest.mark.parametrize("text", ["45962", "45962.4166667", "45962,4167", "#######", "1.79E+12"])
def test_a_date_as_a_spreadsheet_counts_it_is_refused(text: str) -> None:
    assert time_code(text, "dmy") == ProblemCode.SPREADSHEET_DAMAGE


@pytest.mark.parametrize(
    "text",
    [
        *(
            "yesterday",
            "2026-13-01",
            "",
            "0000-00-00 00:00:00",
            "2026-02-30",
            "31/02/2026",
            "10:00",
            "1 Nov",
            "Nov 2026",
        ),
        *("2026-11-01 10:00 PST", "2026-11-01 25:00", "2026-11-01 13:05 PM", "1/1/6", "1793523600", "1 2 2026"),
    ],
)
def test_texts_that_are_no_time_are_refused(text: str) -> None:
    assert time_code(text) == ProblemCode.INVALID
