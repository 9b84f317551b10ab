"""Encodings, line endings, separators, compression, truncated files: valid rows are imported, others reported."""

import gzip
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from intake import format_detection, source_file
from intake.feeds import shopify
from orders.models import Order
from tests.intake.exports import (
    Importer,
    Result,
    json_lines,
    portal_order,
    run_import,
    shopify_more,
    shopify_row,
    table,
    the_order,
)

pytestmark = pytest.mark.django_db

ROWS = [
    shopify_row(Billing_City="Zürich", Lineitem_name="Maximum “Security”"),
    shopify_more(
        "#1001", **{"Lineitem name": "Extended\nDownload", "Lineitem price": "9.99", "Lineitem quantity": "2"}
    ),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_in_every_usual_form(importer: Importer, encoding: str, line_end: str, delimiter: str) -> None:
    text = table(*ROWS, delimiter=delimiter).replace("\n", line_end)
    result = importer(text.encode(encoding), store="shop")
    assert result.tally == (1, 0, 0, 0)
    order = the_order("#1001")
    assert order.billing_city == "Zürich"
    assert [line.name for line in order.lines.order_by("position")] == ["Maximum “Security”", "Extended\nDownload"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_json_lines_are_read_in_every_usual_form(importer: Importer, encoding: str, line_end: str) -> None:
    text = json_lines(portal_order(), portal_order(number="A-2")).replace("\n", line_end)
    assert importer(text.encode(encoding)).tally == (2, 0, 0, 0)
    assert the_order().billing_city == "Köln"


def test_compressed_files_are_detected_by_content(importer: Importer) -> None:
    first, second = (gzip.compress(json_lines(portal_order(number=number)).encode()) for number in ("A-1", "A-2"))
    assert importer(first + second, name="orders.txt").tally == (2, 0, 0, 0)


def many() -> bytes:
    return json_lines(*(portal_order(number=f"A-{number}") for number in range(50))).encode()


def test_a_truncated_compressed_file_is_read_up_to_its_end(importer: Importer) -> None:
    whole = gzip.compress(many(), compresslevel=0)
    result = importer(whole[: len(whole) // 2])
    created, _updated, _unchanged, rejected = result.tally
    assert 20 <= created <= 26
    assert rejected == 1
    assert result.exit_status == 1
    assert "Everything after this line is missing." in result.said


def test_a_damaged_compressed_file_is_read_up_to_the_damage(importer: Importer) -> None:
    orders = [portal_order(number=f"A-{number}", billing={"name": secrets.token_hex(99)}) for number in range(500)]
    whole = bytearray(gzip.compress(json_lines(*orders).encode()))
    whole[-8:] = b"checksum"
    result = importer(bytes(whole))
    assert result.tally == (500, 0, 0, 1)
    assert "damaged" in result.said


def test_a_truncated_last_line_is_rejected(importer: Importer) -> None:
    result = importer(many()[:-40])
    assert result.tally == (49, 0, 0, 1)
    assert "line 50" in result.said


def test_a_truncated_table_is_reported(importer: Importer) -> None:
    text = table(ROWS[0], shopify_row(Name="#1002"))
    result = importer(text[: text.rindex("Stripe")], store="shop")
    assert result.tally == (1, 0, 0, 1)
    assert "line 3" in result.said


def test_only_the_row_of_a_3_mb_cell_is_rejected(importer: Importer) -> None:
    rows = [shopify_row(Name="#1"), shopify_row(Name="#2", Notes="x" * 3_000_000), shopify_row(Name="#3")]
    result = importer.shopify(*rows)
    assert result.tally == (2, 0, 0, 1)
    assert "3000000 characters" in result.said
    many_lines = f"{'x' * 79}\n" * 40_000
    quoted = [shopify_row(Name="#4"), shopify_row(Name="#5", Notes=many_lines), shopify_row(Name="#6")]
    assert importer.shopify(*quoted).tally == (2, 0, 0, 1)


def test_only_a_3_mb_line_is_rejected(importer: Importer) -> None:
    orders = [portal_order(number="A"), portal_order(number="B", billing={"name": "x" * 3_000_000}), portal_order()]
    result = importer.orders(*orders)
    assert result.tally == (2, 0, 0, 1)
    assert "too long" in result.said


def test_only_the_row_with_an_unclosed_quote_is_rejected(importer: Importer) -> None:
    rows = [shopify_row(Name=f"#{number}") for number in range(1, 6)]
    text = table(*rows).replace("#2,", '#2,"', 1)
    result = importer(text, store="shop")
    assert result.tally == (4, 0, 0, 1)
    assert "never closed" in result.said


def test_only_the_row_with_an_undecodable_byte_is_rejected(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_file, "SAMPLE_BYTES", 1000)
    lines = json_lines(*(portal_order(number=f"A-{number}") for number in range(4))).encode().splitlines(keepends=True)
    lines[2] = lines[2].replace("ö".encode(), b"\xf6")
    result = importer(b"".join(lines))
    assert result.tally == (3, 0, 0, 1)
    assert "line 3" in result.said


@pytest.mark.parametrize("null", ["\x00", "\\u0000"])
def test_null_bytes_are_refused(importer: Importer, null: str) -> None:
    text = json_lines(portal_order(), portal_order(number="B", billing={"name": "Ann@"}))
    assert importer(text.replace("Ann@", f"Ann{null}")).tally == (1, 0, 0, 1)


def test_rows_with_cells_too_many_or_too_few_are_refused(importer: Importer) -> None:
    text = table(shopify_row(Name="#1")) + "#2,too,few\n" + table(shopify_row(Name="#3")).splitlines()[1] + ",,,\n"
    result = importer(text, store="shop")
    assert result.tally == (2, 0, 0, 1)
    assert "This row has 3 cells" in result.said


def sentence(result: Result) -> str:
    assert result.exit_status == 2
    assert not Order.objects.exists()
    assert "Traceback" not in result.said
    return result.said


def test_a_missing_file_is_reported(importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "doesn’t exist." in sentence(run_import(tmp_path / "none.csv"))
    assert "is a folder" in sentence(run_import(tmp_path))

    def forbidden(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "orders.jsonl"
    path.write_text(json_lines(portal_order()))
    monkeypatch.setattr(Path, "open", forbidden)
    assert "This user has no permission to read" in sentence(run_import(path))


@pytest.mark.parametrize(
    "content",
    [bytes(range(256)), b"hello", b"{}", b"[1, 2]", b"a,b,c\n1,2,3\n"],
)
def test_an_unknown_format_is_reported(importer: Importer, content: bytes) -> None:
    assert "portal, shopify, stripe, woocommerce" in sentence(importer(content, store="shop"))


def test_json_for_a_format_that_is_always_a_table_is_reported(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(format_detection, "FEEDS", [replace(shopify.FEED, is_table=True)])
    said = sentence(importer('{"some": "thing"}', format="shopify", store="shop"))
    assert "is JSON, but shopify is a table. Run the command without --format." in said


def test_a_wrong_format_is_reported(importer: Importer) -> None:
    said = sentence(importer(json_lines(portal_order()), format="shopify", store="shop"))
    assert "is JSON in the format portal, not shopify. Run the command without --format." in said
    said = sentence(importer(table(shopify_row()), format="portal"))
    assert "is a table in the format shopify, not portal. Run the command without --format." in said
    said = sentence(importer("a,b,c\n1,2,3\n", format="portal"))
    assert "isn’t JSON, but the format portal is" in said


def test_a_missing_column_is_reported_once_for_the_whole_file(importer: Importer) -> None:
    rows = [{key: text for key, text in shopify_row().items() if key != "Name"}] * 48
    for options in ({}, {"format": "shopify"}):
        said = sentence(importer.shopify(*rows, **options))
        assert said.count("has no column “Name”") == 1
        assert "line" not in said


def test_an_empty_file_is_reported_unless_its_format_is_given(importer: Importer) -> None:
    assert "is empty" in sentence(importer(b""))
    assert importer(b"", format="portal").tally == (0, 0, 0, 0)
    assert importer(table(shopify_row()).splitlines()[0], store="shop").tally == (0, 0, 0, 0)
