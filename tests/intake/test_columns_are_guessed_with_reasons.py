"""Columns are guessed by their names in nine languages and by their values, each with a reason."""

from pathlib import Path

import pytest

from intake.mapping.fields import FIELDS
from intake.mapping.guessing import ColumnGuess, guess_columns, guess_statuses
from intake.mapping.notation_guesses import guess_currency, guess_date_order, guess_decimal_sign, guess_encoding
from intake.mapping.sample import read_sample
from intake.mapping.synonyms import COLUMN_NAMES
from intake.source_file import SourceFile

VALUES = {
    "number": ["R-1", "R-2"],
    "placed_at": ["15.11.2026", "16.11.2026"],
    "email": ["ann@example.com", "bob@example.com"],
    "currency": ["EUR", "EUR"],
    "total": ["12,50", "8,90"],
    "item_name": ["Maximum Security", "Backup"],
    "quantity": ["1", "2"],
    "serials": ["XAAB-1234-5678", "XAAB-1234-9999"],
    "status": ["x", "y"],
    "city": ["Köln", "Berlin"],
}
HEADERS = {
    "en": "Order number,Order date,E-mail address,Currency,Grand total,Product name,Qty,License key,Order status,City",
    "de": (
        "Bestell-Nr.,Bestelldatum,E-Mail-Adresse,Währung,Gesamtbetrag,Artikelbezeichnung,Menge,Seriennummer,Status,Ort"
    ),
    "de, ASCII": "Bestellnr,Kaufdatum,Mailadresse,Waehrung,Summe,Artikel,Stueck,Lizenzschluessel,Bestellstatus,Stadt",
    "fr": "N° commande,Date de commande,Courriel,Devise,Montant TTC,Désignation,Quantité,Clé de licence,Statut,Ville",
    "es": (
        "Número de pedido,Fecha,Correo electrónico,Moneda,Importe total,Artículo,Cantidad,Número de serie,Estado,Ciudad"
    ),
    "it": (
        "Numero ordine,Data ordine,Indirizzo e-mail,Valuta,Importo totale,Prodotto,Quantità,Numero di serie,Stato,Città"
    ),
    "nl": "Bestelnummer,Besteldatum,E-mailadres,Valuta,Totaalbedrag,Productnaam,Aantal,Serienummer,Bestelstatus,Plaats",
    "da": "Ordrenummer,Ordredato,E-mail,Valuta,Beløb,Varenavn,Antal,Licensnøgle,Ordrestatus,By",
    "nb": "Bestillingsnummer,Kjøpsdato,E-post,Valuta,Beløp,Produktnavn,Antall,Lisensnøkkel,Ordrestatus,Poststed",
    "sv": "Beställningsnummer,Köpdatum,E-postadress,Valuta,Summa,Artikelnamn,Antal,Licensnyckel,Orderstatus,Postort",
}


def guess(folder: Path, header: str, *rows: str, delimiter: str = ";") -> list[ColumnGuess]:
    path = folder / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return guess_columns(read_sample(SourceFile(path)))


@pytest.mark.parametrize("language", HEADERS)
def test_columns_are_known_in_nine_languages(tmp_path: Path, language: str) -> None:
    header = HEADERS[language].replace(",", ";")
    rows = [";".join(values[row] for values in VALUES.values()) for row in (0, 1)]
    guesses = guess(tmp_path, header, *rows)
    assert [each.field for each in guesses] == list(VALUES)
    assert all(each.reasons for each in guesses)
    assert "All 2 values are email addresses." in guesses[2].reasons


def test_every_field_has_names_and_every_name_a_field() -> None:
    assert set(COLUMN_NAMES) == set(FIELDS)


def test_a_name_without_fitting_values_is_not_believed(tmp_path: Path) -> None:
    [number, date, total] = guess(tmp_path, "Order number;Date;Total", "1;green;often", "2;blue;never")
    assert (number.field, date.field, total.field) == ("number", "", "")
    assert date.reasons == ["Named like “Order date”, but its values are something else."]


def test_values_are_used_if_a_name_is_unknown(tmp_path: Path) -> None:
    guesses = guess(tmp_path, "A;B;C", "ann@example.com;EUR;XAAB-1234-5678", "bob@example.com;USD;XAAB-1234-9999")
    assert [each.field for each in guesses] == ["email", "currency", "serials"]


def test_a_total_that_differs_within_an_order_is_of_its_items(tmp_path: Path) -> None:
    header = "Order number;Order date;Total;Product;City"
    guesses = guess(
        tmp_path, header, "1;2026-11-01;5.00;A;Köln", "1;2026-11-01;7.00;B;Bonn", "2;2026-11-01;7.00;B;Bonn"
    )
    assert [each.field for each in guesses] == ["number", "placed_at", "line_total", "item_name", ""]
    assert "differs between the rows of an order" in guesses[2].reasons[-1]


def test_several_columns_can_be_parts_of_a_name_or_street(tmp_path: Path) -> None:
    guesses = guess(tmp_path, "Vorname;Nachname;Straße;Hausnummer", "Ann;Beispiel;Weg;1", "Bob;Muster;Allee;2")
    assert [each.field for each in guesses] == ["billing_name", "billing_name", "street", "street"]


def test_full_card_numbers_are_not_taken_for_last_digits(tmp_path: Path) -> None:
    [number, card] = guess(tmp_path, "Order number;Kartennummer", "1;4242424242424242", "2;4111111111111111")
    assert (number.field, card.field) == ("number", "")


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["13.11.2026", "1.2.2026"], "dmy"),
        (["11/13/2026", "1/2/2026"], "mdy"),
        (["1.2.2026", "3.4.2026"], ""),
        (["2026-11-01", "2026-11-02"], ""),
    ],
)
def test_the_date_order_is_guessed_from_the_dates(tmp_path: Path, dates: list[str], order: str) -> None:
    guesses = guess(tmp_path, "Order number;Date", *(f"{index};{date}" for index, date in enumerate(dates)))
    found = guess_date_order(read_sample(SourceFile(tmp_path / "table.csv")), guesses)
    assert found.value == order
    assert found.reason


@pytest.mark.parametrize(("amounts", "sign"), [(["1.234,50"], ","), (["1,234.50"], "."), (["5"], ",")])
def test_the_decimal_sign_is_guessed_from_the_amounts(tmp_path: Path, amounts: list[str], sign: str) -> None:
    guesses = guess(tmp_path, "Order number;Total", *(f"1;{amount}" for amount in amounts))
    source = SourceFile(tmp_path / "table.csv")
    assert guess_decimal_sign(source, read_sample(source), guesses).value == sign


def test_the_currency_is_guessed_from_currency_signs(tmp_path: Path) -> None:
    guesses = guess(tmp_path, "Order number;Total", "1;5,00 €", "2;€ 7,00")
    assert guess_currency(read_sample(SourceFile(tmp_path / "table.csv")), guesses).value == "EUR"
    guesses = guess(tmp_path, "Order number;Total", "1;$5.00", "2;$7.00")
    assert guess_currency(read_sample(SourceFile(tmp_path / "table.csv")), guesses).value == ""


def test_the_encoding_is_detected_or_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("Bestellnr;Ort\n1;Besançon\n2;Orléans\n3;Nîmes\n".encode("cp1252"))
    assert "By its letters, the file is in cp1252" in guess_encoding(SourceFile(path)).reason
    assert guess_encoding(SourceFile(path, "iso-8859-15")).value == "iso-8859-15"


def test_words_for_a_status_are_known_in_nine_languages() -> None:
    words = {
        "bezahlt": "completed",
        "Storniert": "cancelled",
        "Remboursé": "refunded",
        "pendiente de pago": "pending",
        "annullato": "cancelled",
        "terugbetaald": "refunded",
        "Betalt": "completed",
        "Återbetald": "refunded",
        "Charged-Back": "charged_back",
        "partially refunded": "partially_refunded",
    }
    assert guess_statuses([*words, "kurios"]) == words
