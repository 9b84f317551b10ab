"""The encoding of a file is detected from its letters, or asked for. Garbled text causes a warning."""

import pytest

from intake.encodings import detect_encoding, find_encoding, find_garbled
from orders.models import Order
from tests.intake.exports import Importer, portal_order, shopify_row, table, the_order

NAMES = {
    "German": "Müller Köln Straße Jäger Österreich Größe Schröder Weiß Düsseldorf Göttingen",
    "French": "François Hélène Besançon Noël Orléans Théâtre Jérôme Lefèvre Benoît Nîmes",
    "Spanish": "Muñoz Peña Málaga José Martín Coruña Ángel Ibáñez Núñez García",
    "Swedish": "Åström Malmö Göteborg Sjöberg Håkansson Västerås Söderström Örebro",
    "Polish": "Łódź Kraków Wiśniewski Żółć Gdańsk Święty Paweł Wójcik Zając Dąbrowski",
    "Czech": "Dvořák Plzeň Růžička Černý České Novák Kučera Jiří Šimek Ondřej",
    "Hungarian": "Győr Kővári Székesfehérvár Szőke László Kovács Horváth Nagykőrös Erdős Szűcs",
    "Russian": "Москва Иванов Петров улица Ленина Кузнецов Смирнова Екатеринбург",
    "Turkish": "İstanbul Yılmaz Şahin Çelik Öztürk Güneş Doğan Kılıç Ağaç Işık",
    "Greek": "Αθήνα Παπαδόπουλος Γιώργος Θεσσαλονίκη Νίκος",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *((language, "cp1252") for language in ("German", "French", "Spanish", "Swedish")),
        *((language, "mac-roman") for language in ("German", "French", "Spanish", "Swedish")),
        *(
            (language, encoding)
            for language in ("Polish", "Czech", "Hungarian")
            for encoding in ("cp1250", "iso8859-2")
        ),
        *(("French", "iso8859-15"), ("German", "cp850"), ("Russian", "cp1251"), ("Turkish", "cp1254")),
        ("Greek", "cp1253"),
    ],
)
def test_names_and_places_determine_the_encoding(language: str, encoding: str) -> None:
    text = ",".join(f"Ann {name},{name},12.50\n" for name in NAMES[language].split())
    found = detect_encoding(text.encode(encoding))
    assert len(found) == 1
    assert text.encode(encoding).decode(found[0]) == text


def test_the_euro_sign_identifies_latin_9() -> None:
    text = "Hélène;Besançon;12,50 €\nJérôme;Orléans;7,00 €\n"
    assert text.encode("iso8859-15").decode(detect_encoding(text.encode("iso8859-15"))[0]) == text


@pytest.mark.parametrize("name", ["windows-1250", "Latin1", "ISO-8859-15", "macintosh", "UTF8", "cp-1252", "shift_jis"])
def test_python_s_other_names_are_known_too(name: str) -> None:
    assert find_encoding(name) or name == "cp-1252"


@pytest.mark.parametrize("name", ["", "klingon", "base64", "rot13", "utf-7", "\x00", "idna", "unicode_escape"])
def test_other_codecs_are_no_encodings(name: str) -> None:
    assert find_encoding(name) is None


@pytest.mark.django_db
def test_a_few_bad_bytes_do_not_change_the_encoding_of_a_file(importer: Importer) -> None:
    rows = [shopify_row(Name=f"#{number}", Billing_City="Köln") for number in range(9)]
    text = table(*rows).encode().split(b"\n")
    text[3] = text[3].replace("ö".encode(), b"\xf6")
    result = importer(b"\n".join(text), store="shop")
    assert result.tally == (8, 0, 0, 1)
    assert result.counts["rejects"][0]["code"] == "undecodable"
    assert "line 4: " in result.said
    assert set(Order.objects.values_list("billing_city", flat=True)) == {"Köln"}


@pytest.mark.django_db
def test_a_bad_byte_in_json_rejects_its_object(importer: Importer) -> None:
    orders = [
        f'{{"id": {number}, "number": "{number}", "order_key": "wc", "currency": "EUR", "status": "completed", '
        f'"date_created_gmt": "2026-11-01T10:00:00", "total": "5.00", "billing": {{"city": "Köln"}}, "line_items": []}}'
        for number in range(3)
    ]
    content = (
        ("[\n" + ",\n".join(orders) + "\n]").encode().replace(b'"1", "order_key": "wc"', b'"1\xff", "order_key": "wc"')
    )
    result = importer(content, store="shop")
    assert result.tally == (2, 0, 0, 1)
    assert result.counts["rejects"][0]["code"] == "undecodable"


@pytest.mark.django_db
def test_a_file_that_may_be_in_two_encodings_is_asked_about(importer: Importer) -> None:
    content = table(shopify_row(Billing_City="Plzeň")).encode("cp1250")
    result = importer(content, store="shop")
    assert result.exit_status == 2
    assert "--encoding" in result.said
    assert "(“Plzeň”)" in result.said
    assert "(“Plzeò”)" in result.said
    assert importer(content, store="shop", encoding="windows-1250").tally == (1, 0, 0, 0)
    assert the_order("#1001").billing_city == "Plzeň"


@pytest.mark.django_db
def test_an_encoding_that_is_not_known_is_refused_with_those_that_are(importer: Importer) -> None:
    result = importer.orders(portal_order(), encoding="klingon")
    assert result.exit_status == 2
    assert "klingon isn’t supported. Use one of these: utf-8, utf-16, windows-1252" in result.said


@pytest.mark.parametrize(
    "text", ["KÃ¶ln", "StraÃŸe", "SÃ£o", "DvoÅ™Ã¡k", "Ð\x9cÐ¾Ñ\x81ÐºÐ²Ð°", "10 â‚¬", "M�ller", "Â°"]
)
def test_garbled_text_is_recognized(text: str) -> None:
    assert find_garbled(f"Ann Beispiel, {text}, 12")


@pytest.mark.parametrize("text", ["Köln", "NÃO", "Âge d’or", "naïve", "Łódź", "Αθήνα", "Москва", "東京", "“Ähm” – Ö!"])
def test_text_that_only_looks_odd_is_not(text: str) -> None:
    assert not find_garbled(f"Ann Beispiel, {text}, 12")


@pytest.mark.django_db
def test_garbled_text_is_imported_with_a_warning(importer: Importer) -> None:
    result = importer.shopify(shopify_row(Billing_City="KÃ¶ln"), shopify_row(Name="#2"))
    assert result.tally == (2, 0, 0, 0)
    assert [(each["code"], each["count"]) for each in result.counts["warnings"]] == [("garbled_text", 1)]
    assert "“KÃ¶ln” looks garbled" in result.said
