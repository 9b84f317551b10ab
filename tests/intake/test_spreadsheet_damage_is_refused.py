"""A table saved by a spreadsheet is read as the store wrote it, or refused, but never changed."""

import csv
import re
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.feeds import shopify
from intake.notation import detect_notation
from intake.problems import ImportRejected, Problem, ProblemCode
from intake.source_file import SourceFile
from intake.tables import read_table
from intake.values import parse_amount, parse_time
from tests.intake.exports import Importer, shopify_row

Row = tuple[str, str, datetime, Decimal]  # order number, postcode, time, total
GERMAN_MONTHS = ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]


def write_date(at: datetime, notation: str) -> str:
    day = {
        "iso": f"{at:%Y-%m-%d}",
        "dmy": f"{at:%d/%m/%Y}",
        "german": f"{at:%d.%m.%Y}",
        "mdy": f"{at:%m/%d/%Y}",
        "american": f"{at.month}/{at.day}/{at:%Y}",
        "words": f"{at.day} {at:%b %Y}",
    }[notation]
    return f"{day} {at:%H:%M}"


def write_amount(amount: Decimal, notation: str) -> str:
    text = f"{amount:,.2f}" if notation.endswith("grouped") else f"{amount:.2f}"
    return text.translate(str.maketrans(",.", ".,")) if notation.startswith("comma") else text


class Spreadsheet:
    """What a spreadsheet does to cells that look like numbers or dates to it."""

    def __init__(self, decimal: str, order: str) -> None:
        self.decimal = decimal
        self.order = order

    def save(self, cell: str) -> str:
        return self.save_date(cell) or self.save_number(cell) or cell

    def save_number(self, cell: str) -> str:
        if not re.fullmatch(r"-?\d+", cell):
            return self.save_short_date(cell)
        if len(cell) >= 12:
            return f"{int(cell):.5E}".replace(".", self.decimal)
        return str(int(cell))

    def save_short_date(self, cell: str) -> str:
        """A German spreadsheet reads 12.05 as May 12, and 12.76 as December 1976."""
        found = re.fullmatch(r"(\d{1,2})\.(\d\d)", cell)
        if self.decimal == "," and found and 1 <= int(found[2]) <= 12 and 1 <= int(found[1]) <= 28:
            return f"{int(found[1]):02}. {GERMAN_MONTHS[int(found[2]) - 1]}"
        if self.decimal == "," and found and 1 <= int(found[1]) <= 12 and int(found[2]) > 12:
            return f"{GERMAN_MONTHS[int(found[1]) - 1]} {found[2]}"
        return ""

    def save_date(self, cell: str) -> str:
        numbers = re.fullmatch(r"(\d+)([-/.])(\d+)\2(\d+)( \d\d:\d\d)", cell)
        if not numbers:
            return ""
        first, sign, second, third, clock = numbers.groups()
        if len(first) == 4:
            parts = {"y": first, "m": second, "d": third}
        elif sign == "." and self.decimal == ".":
            return ""
        else:
            parts = dict(zip(self.order, (first, second, third), strict=True))
        try:
            at = datetime(int(parts["y"]), int(parts["m"]), int(parts["d"]), tzinfo=UTC)
        except ValueError:
            return ""
        return f"{write_date(at, 'german' if self.decimal == ',' else 'american')[:-6]}{clock}"


SPREADSHEETS: dict[str, Spreadsheet | None] = {
    "none": None,
    "German": Spreadsheet(",", "dmy"),
    "American": Spreadsheet(".", "mdy"),
}


def read_back(cells: list[list[str]], delimiter: str) -> list[tuple[Any, ...] | Problem]:
    """Read a table like an import, but only its notation."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows(cells)
        source = SourceFile(path)
        notation = detect_notation(source, shopify.FEED)
        rows = read_table(source, shopify.EXACT_COLUMNS)
        next(rows)
        results: list[tuple[Any, ...] | Problem] = []
        for row in rows:
            number, postcode, _country, created, total = row.cells
            if row.problem:
                results.append(row.problem if isinstance(row.problem, Problem) else Problem(row.problem))
                continue
            try:
                at = parse_time(created, UTC, notation.date_order)
                results.append((number, postcode, at, parse_amount(total, notation.decimal_comma, "EUR")))
            except ImportRejected as rejected:
                results.append(rejected.problem)
        source.close()
        return results


ROWS = st.lists(
    st.tuples(
        st.from_regex(r"#[0-9]{1,5}|[1-9][0-9]{3,14}|S-[0-9]{1,4}", fullmatch=True),
        st.from_regex(r"[0-9]{5}", fullmatch=True).filter(lambda postcode: not postcode.startswith("000")),
        st.integers(0, 3650 * 24 * 60).map(
            lambda minutes: datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        ),
        st.decimals(0, 9999999, places=2),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    ROWS,
    st.sampled_from(["iso", "dmy", "german", "mdy", "american", "words"]),
    st.sampled_from(["point", "comma", "point grouped", "comma grouped"]),
    st.sampled_from(sorted(SPREADSHEETS)),
    st.sampled_from([",", ";", "\t"]),
)
def test_a_saved_table_is_read_correctly_or_refused(
    rows: list[Row], dates: str, amounts: str, spreadsheet: str, delimiter: str
) -> None:
    cells = [
        [number, postcode, "DE", write_date(at, dates), write_amount(total, amounts)]
        for number, postcode, at, total in rows
    ]
    if program := SPREADSHEETS[spreadsheet]:
        cells = [[program.save(cell) for cell in row] for row in cells]
    header = ["Name", "Billing Zip", "Billing Country", "Created at", "Total"]
    results = read_back([header, *cells], delimiter)
    assert len(results) == len(rows)
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Problem):
            assert result.code != ProblemCode.INVALID
            assert dates not in ("iso", "words") or spreadsheet != "none"  # nothing unambiguous was refused
        else:
            assert result == row


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cells",
    [
        {"Name": "2.02611E+11"},
        {"Name": "2,02611E+11"},
        {"Lineitem_sku": "4.00638E+12"},
        {"Lineitem_sku": "10. Dez"},
        {"Name": "####"},
        {"Name": "1001.0"},
        {"Billing_Zip": "1067"},
        {"Billing_Zip": "2139", "Billing_Country": "US"},
        {"Created_at": "46327.4166666667"},
        {"Total": "12. Mai"},
    ],
)
def test_a_damaged_cell_is_refused_with_a_way_out(importer: Importer, cells: dict[str, str]) -> None:
    result = importer.shopify(shopify_row(**cells), shopify_row(Name="#2"))
    assert result.tally == (1, 0, 0, 1)
    assert result.counts["rejects"][0]["code"] == "spreadsheet_damage"
    assert "Export the file from the store again without saving it in a spreadsheet" in result.said


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cells",
    [
        {"Billing_Zip": "1010", "Billing_Country": "AT"},
        {"Billing_Zip": "SW1A 1AA", "Billing_Country": "GB"},
        {"Billing_Zip": "1067", "Billing_Country": "Germany"},
        {"Lineitem_sku": "2E10"},
        {"Id": "5.12346E+12"},
        {"Notes": "4.91512E+12 ####"},
    ],
)
def test_what_is_whole_or_not_used_is_taken(importer: Importer, cells: dict[str, str]) -> None:
    assert importer.shopify(shopify_row(**cells)).tally == (1, 0, 0, 0)
