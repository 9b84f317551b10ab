"""Rejected rows are written unchanged with their reason, and can be imported after they are corrected."""

import csv
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from intake.formulas import escape_formula, unescape_formula
from orders.models import Order
from tests.intake.exports import (
    Importer,
    json_lines,
    portal_order,
    run_import,
    shopify_more,
    shopify_row,
    table,
    the_order,
)

pytestmark = pytest.mark.django_db


def test_json_lines_are_corrected_and_imported_again(importer: Importer) -> None:
    rejects = importer.folder / "rejects.jsonl"
    result = importer.orders(portal_order(number="A"), portal_order(number="B", currency="euro"), rejects=rejects)
    assert result.exit_status == 1
    assert result.tally == (1, 0, 0, 1)
    reason, line = rejects.read_text().splitlines()
    assert reason.startswith("# orders.jsonl line 2: currency: Write the currency as three capital letters")
    assert line == json_lines(portal_order(number="B", currency="euro")).strip()
    rejects.write_text(rejects.read_text().replace('"euro"', '"EUR"'))
    assert run_import(rejects).tally == (1, 0, 0, 0)
    assert the_order("B").currency == "EUR"


def test_a_table_keeps_its_header_and_all_rows_of_an_order(importer: Importer) -> None:
    rows = [
        shopify_row(Name="#1"),
        shopify_row(Name="#2", Created_at="", Paid_at="", Lineitem_name="=HYPERLINK(1)", Billing_Name="'quoted"),
        shopify_more("#2", Lineitem_name="-5 degrees", Lineitem_price="2.50", Lineitem_quantity="1"),
    ]
    rejects = importer.folder / "rejects.csv"
    assert importer.shopify(*rows, rejects=rejects).tally == (1, 0, 0, 1)
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["Name"] for row in written] == ["#2", "#2"]
    assert "no date" in written[0]["Import problem"]
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in written for cell in row.values())
    fixed = rejects.read_text(encoding="utf-8-sig").replace('"\'=HYPERLINK(1)"', "'=HYPERLINK(1)")
    lines = fixed.splitlines(keepends=True)
    lines[1] = lines[1].replace(",paid,,", ",paid,2026-11-01 10:00:00 +0100,")
    rejects.write_text("".join(lines))
    assert run_import(rejects, store="shop").tally == (1, 0, 0, 0)
    order = the_order("#2")
    assert order.billing_name == "'quoted"
    assert list(order.lines.order_by("position").values_list("name", flat=True)) == ["=HYPERLINK(1)", "-5 degrees"]
    assert order.lines.get(position=2).unit_price == Decimal("2.5")


def test_an_uncorrected_table_is_rejected_again(importer: Importer) -> None:
    rejects, again = importer.folder / "rejects.csv", importer.folder / "again.csv"
    text = table(shopify_row(Name="#1", Created_at="", Paid_at=""), shopify_row(Name="#2")) + "#3,short\n"
    importer(text, store="shop", rejects=rejects)
    assert run_import(rejects, store="shop", rejects=again).tally == (0, 0, 0, 2)
    strip = [line.split(":", 1)[1] for line in rejects.read_text().splitlines()[1:]]
    assert [line.split(":", 1)[1] for line in again.read_text().splitlines()[1:]] == strip


def test_the_rejects_are_for_their_owner_only(importer: Importer) -> None:
    rejects = importer.folder / "rejects.jsonl"
    rejects.touch(mode=0o644)
    importer.orders(portal_order(password="open sesame", currency="euro"), rejects=rejects)
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert "open sesame" in rejects.read_text()


def test_tables_with_other_columns_get_a_file_beside(importer: Importer) -> None:
    first, second = importer.folder / "1.csv", importer.folder / "2.csv"
    row = shopify_row(Created_at="", Paid_at="")
    first.write_text(table(row))
    second.write_text(table({key: row[key] for key in row if key != "Notes"}))
    rejects = importer.folder / "rejects.csv"
    result = run_import(first, second, store="shop", rejects=rejects)
    assert result.tally == (0, 0, 0, 2)
    assert (importer.folder / "rejects-2.csv").exists()
    assert "rejects-2.csv" in result.said


def test_a_file_is_never_its_own_rejects(importer: Importer) -> None:
    path = importer.folder / "orders.jsonl"
    path.write_text(json_lines(portal_order()))
    result = run_import(path, rejects=path)
    assert result.exit_status == 2
    assert path.read_text() == json_lines(portal_order())
    assert not Order.objects.exists()


def test_rejects_that_can_not_be_written_stop_the_import_before_it_begins(importer: Importer, tmp_path: Path) -> None:
    result = importer.orders(portal_order(), rejects=tmp_path / "no" / "folder.jsonl")
    assert result.exit_status == 2
    assert not Order.objects.exists()


@pytest.mark.parametrize("cell", ["=1+1", "'=1", "''", "'", "plain", "", "-5.00", "@x", "+49 30", "\tx", "＝1"])
def test_marks_are_taken_away_again(cell: str) -> None:
    assert unescape_formula(escape_formula(cell)) == cell
    assert not escape_formula(cell).startswith(("=", "+", "-", "@", "\t", "＝"))
