"""A table in an unknown format is read with a mapping of its columns. Its values are imported exactly, or refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from intake.models import ImportFile, ImportRun, TableMapping
from orders.models import Order
from tests.intake.exports import Importer, Result, table, the_order
from tests.intake.mapped_tables import GERMAN_COLUMNS, german_row, make_mapping

pytestmark = pytest.mark.django_db

STATUSES = {"bezahlt": "completed", "storniert": "cancelled"}


@pytest.fixture
def mapping() -> TableMapping:
    return make_mapping(GERMAN_COLUMNS, statuses=STATUSES, date_order="dmy", decimal_sign=",")


def send(importer: Importer, *rows: dict[str, str], **options: Any) -> Result:
    return importer(table(*rows, delimiter=";"), store="old-shop", **options)


def code(result: Result) -> str:
    return str(result.counts["rejects"][0]["code"])


def test_a_known_header_is_recognized_and_read(importer: Importer, mapping: TableMapping) -> None:
    result = send(importer, german_row())
    assert result.tally == (1, 0, 0, 0), result.said
    order = the_order("R-1001")
    assert order.placed_at == datetime(2026, 11, 15, 13, 5, tzinfo=UTC)
    assert (order.total, order.currency, order.status, order.billing_city) == (
        Decimal("1079.900"),
        "EUR",
        "completed",
        "Köln",
    )
    line = order.lines.get()
    assert (line.name, line.sku, line.quantity, line.total) == ("Maximum Security", "MAX-3D-1Y", 2, order.total)
    assert line.licensed_lines.get().license.serial == "XAAB-1234-5678"
    run = ImportRun.objects.get()
    assert run.options["mapping"] == "sales (version 1)"
    assert (ImportFile.objects.get().format, ImportFile.objects.get().mapping) == ("table", mapping)
    assert send(importer, german_row()).tally == (0, 0, 1, 0)


def test_the_columns_may_stand_in_another_order(importer: Importer, mapping: TableMapping) -> None:
    assert send(importer, dict(reversed(german_row().items()))).tally == (1, 0, 0, 0)


def test_an_unknown_table_is_refused_with_what_to_do(importer: Importer, mapping: TableMapping) -> None:
    result = send(importer, {"Foo": "1", "Bar": "2"})
    assert result.exit_status == 2
    assert "--mapping NAME" in result.said
    assert importer(table(german_row()), store="other-shop").exit_status == 2
    assert not Order.objects.exists()


def test_a_named_mapping_reads_tables_with_other_columns(importer: Importer, mapping: TableMapping) -> None:
    row = german_row() | {"Notiz": "4242424242424242"}
    del row["Ort"]
    assert send(importer, row).exit_status == 2
    assert send(importer, row, mapping="sales").tally == (1, 0, 0, 0)
    assert the_order("R-1001").billing_city == ""


def test_a_wrong_name_is_refused_with_the_known_ones(importer: Importer, mapping: TableMapping) -> None:
    result = send(importer, german_row(), mapping="other")
    assert (result.exit_status, "It has: sales" in result.said) == (2, True)
    assert importer(table(german_row()), mapping="sales").exit_status == 2
    assert send(importer, german_row(), mapping="sales", format="shopify").exit_status == 2
    missing = send(importer, {"Bestelldatum": "1.11.2026", "Ort": "Köln"}, mapping="sales")
    assert (missing.exit_status, "bestellnummer" in missing.said) == (2, True)


def test_what_the_file_lacks_is_kept(importer: Importer, mapping: TableMapping) -> None:
    send(importer, german_row())
    row = german_row(Status="storniert")
    for name in ("Ort", "E-Mail", "Artikel", "Artikelnummer", "Menge", "Einzelpreis", "Seriennummer"):
        del row[name]
    assert send(importer, row, mapping="sales").tally == (0, 1, 0, 0)
    order = the_order("R-1001")
    assert (order.status, order.billing_city, order.store_email) == ("cancelled", "Köln", "ann@example.com")
    assert order.lines.get().licensed_lines.count() == 1


def test_an_order_has_a_row_for_each_item(importer: Importer, mapping: TableMapping) -> None:
    first = german_row(Menge="1", Gesamtbetrag="549,95")
    second = german_row(Artikel="Backup", Artikelnummer="B-1", Menge="1", Einzelpreis="10,00", Seriennummer="")
    second |= dict.fromkeys(("Bestelldatum", "E-Mail", "Status", "Währung", "Gesamtbetrag", "Ort"), "")
    assert send(importer, first, second).tally == (1, 0, 0, 0)
    lines = the_order("R-1001").lines.order_by("position")
    assert [(line.name, line.total) for line in lines] == [
        ("Maximum Security", Decimal("539.950")),
        ("Backup", Decimal("10.000")),
    ]


@pytest.mark.parametrize(
    ("column", "other"), [("E-Mail", "bob@example.com"), ("Gesamtbetrag", "5,00"), ("Bestelldatum", "16.11.2026 14:05")]
)
def test_rows_that_contradict_each_other_are_refused(
    importer: Importer, mapping: TableMapping, column: str, other: str
) -> None:
    result = send(importer, german_row(), german_row(**{column: other}))
    assert (result.tally, code(result)) == ((0, 0, 0, 1), "column_conflict")


def test_a_repeated_row_counts_once_if_the_total_needs_one(importer: Importer, mapping: TableMapping) -> None:
    send(importer, german_row(), german_row())
    assert the_order("R-1001").lines.count() == 1
    twice = german_row(Bestellnummer="R-2", Menge="1", Einzelpreis="539,95", Seriennummer="")
    send(importer, twice, twice)
    assert the_order("R-2").lines.count() == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Status": "kurios"}, "unknown_status"),
        ({"Währung": "Taler"}, "unknown_currency"),
        ({"Währung": ""}, "unknown_currency"),
        ({"Gesamtbetrag": ""}, "missing_total"),
        ({"Bestelldatum": ""}, "missing_date"),
        ({"Bestelldatum": "13.14.2026"}, "unclear_date"),
        ({"Artikelnummer": "2,02611E+11"}, "spreadsheet_damage"),
        ({"Gesamtbetrag": "12. Mai"}, "spreadsheet_damage"),
        ({"Ort": "4111 1111 1111 1111"}, "card_number"),
        ({"Menge": "1,5"}, "invalid"),
    ],
)
def test_unknown_values_are_refused(
    importer: Importer, mapping: TableMapping, change: dict[str, str], expected: str
) -> None:
    result = send(importer, german_row(**change))
    assert (result.tally, code(result)) == ((0, 0, 0, 1), expected)
    assert "4111 1111" not in result.said


def test_a_row_without_number_rejects_its_order_or_only_itself(importer: Importer, mapping: TableMapping) -> None:
    total = dict.fromkeys(german_row(), "") | {"Gesamtbetrag": "1.079,90"}
    assert send(importer, german_row(), total).tally == (1, 0, 0, 1)
    item = dict.fromkeys(german_row(), "") | {"Artikel": "Backup"}
    result = send(importer, german_row(Bestellnummer="R-2"), item)
    assert result.tally == (0, 0, 0, 1)


def test_constants_hold_for_all_orders(importer: Importer) -> None:
    columns = {"Nr": "number", "Datum": "placed_at", "Summe": "total"}
    make_mapping(columns, constants={"currency": "CHF", "status": "refunded", "country": "CH", "language": "de"})
    importer(table({"Nr": "1", "Datum": "2026-11-01", "Summe": "5.00"}), store="old-shop")
    order = the_order("1")
    assert (order.currency, order.status, order.billing_country, order.language) == ("CHF", "refunded", "CH", "de")


def test_the_mapping_says_what_a_file_leaves_open(importer: Importer) -> None:
    columns = {"Nr": "number", "Datum": "placed_at", "Summe": "total"}
    make_mapping(
        columns, constants={"currency": "EUR"}, date_order="mdy", decimal_sign=",", time_zone="America/New_York"
    )
    importer(table({"Nr": "1", "Datum": "01/02/2026", "Summe": "1.234"}), store="old-shop")
    order = the_order("1")
    assert order.placed_at == datetime(2026, 1, 2, 5, 0, tzinfo=UTC)
    assert order.total == 1234


def test_without_a_total_the_items_are_what_was_paid(importer: Importer) -> None:
    columns = {"Nr": "number", "Datum": "placed_at", "Titel": "item_name", "Betrag": "line_total", "MwSt": "line_tax"}
    make_mapping(columns, constants={"currency": "EUR"})
    rows = [
        {"Nr": "1", "Datum": "2026-11-01", "Titel": "A", "Betrag": "11.90", "MwSt": "1.90"},
        {"Nr": "1", "Datum": "2026-11-01", "Titel": "B", "Betrag": "23.80", "MwSt": "3.80"},
    ]
    assert importer(table(*rows), store="old-shop").tally == (1, 0, 0, 0)
    order = the_order("1")
    assert (order.total, order.tax) == (Decimal("35.700"), Decimal("5.700"))
    assert [line.total for line in order.lines.order_by("position")] == [Decimal("11.900"), Decimal("23.800")]


def test_without_a_total_an_order_in_pieces_is_refused(importer: Importer) -> None:
    columns = {"Nr": "number", "Datum": "placed_at", "Titel": "item_name", "Betrag": "line_total"}
    make_mapping(columns, constants={"currency": "EUR"})
    row = {"Nr": "1", "Datum": "2026-11-01", "Titel": "A", "Betrag": "11.90"}
    result = importer(table(row, row | {"Nr": "2"}, row | {"Titel": "B"}), store="old-shop")
    assert result.tally == (1, 0, 0, 1)
    assert "Sort the file by order number" in result.said
    assert [order.number for order in Order.objects.all()] == ["2"]


@pytest.mark.parametrize(
    ("written", "last4"), [("4242", "4242"), ("VISA ****4242", "4242"), ("xxxx-xxxx-xxxx-0042", "0042"), ("", "")]
)
def test_the_last_digits_of_a_card_are_found(importer: Importer, written: str, last4: str) -> None:
    columns = {"Nr": "number", "Datum": "placed_at", "Summe": "total", "Karte": "last4"}
    make_mapping(columns, constants={"currency": "EUR"})
    row = {"Nr": "1", "Datum": "2026-11-01", "Summe": "5.00", "Karte": written}
    assert importer(table(row), store="old-shop").tally == (1, 0, 0, 0)
    assert the_order("1").card_last4 == last4


@pytest.mark.parametrize(("written", "expected"), [("4242424242424242", "card_number"), ("42", "spreadsheet_damage")])
def test_other_digits_of_a_card_are_refused(importer: Importer, written: str, expected: str) -> None:
    columns = {"Nr": "number", "Datum": "placed_at", "Summe": "total", "Karte": "last4"}
    make_mapping(columns, constants={"currency": "EUR"})
    row = {"Nr": "1", "Datum": "2026-11-01", "Summe": "5.00", "Karte": written}
    result = importer(table(row), store="old-shop")
    assert (result.tally, code(result)) == ((0, 0, 0, 1), expected)
    assert "4242424242424242" not in result.said


def test_corrected_rejects_find_their_mapping_again(importer: Importer, mapping: TableMapping) -> None:
    rejects = importer.folder / "rejects.csv"
    send(importer, german_row(Status="kurios"), rejects=rejects)
    corrected = rejects.read_text().replace("kurios", "bezahlt")
    assert importer(corrected, store="old-shop").tally == (1, 0, 0, 0)


def test_the_newest_version_of_a_mapping_is_used(importer: Importer, mapping: TableMapping) -> None:
    make_mapping(GERMAN_COLUMNS | {"Ort": ""}, version=2, date_order="dmy", decimal_sign=",")
    send(importer, german_row())
    assert the_order("R-1001").billing_city == ""


def test_two_mappings_of_one_header_are_asked(importer: Importer, mapping: TableMapping) -> None:
    make_mapping(GERMAN_COLUMNS | {"Ort": ""}, name="other", date_order="dmy", decimal_sign=",")
    result = send(importer, german_row())
    assert (result.exit_status, "other, sales" in result.said) == (2, True)
    assert send(importer, german_row(), mapping="other").tally == (1, 0, 0, 0)


def test_the_encoding_of_the_mapping_is_used(importer: Importer) -> None:
    make_mapping(GERMAN_COLUMNS, statuses=STATUSES, date_order="dmy", encoding="windows-1250")
    content = table(german_row(Ort="Łódź"), delimiter=";").encode("windows-1250")
    assert importer(content, store="old-shop", mapping="sales").tally == (1, 0, 0, 0)
    assert the_order("R-1001").billing_city == "Łódź"
