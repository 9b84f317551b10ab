"""Spreadsheets, archives and documents are recognized, and the error says what to do instead."""

import io
import zipfile

import pytest

from orders.models import Order
from tests.intake.exports import Importer

pytestmark = pytest.mark.django_db


def packed(*names: str, content: str = "x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content)  # a fixed time, as part of the test's id
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (packed("[Content_Types].xml", "xl/workbook.xml"), "It’s an Excel file."),
        (packed("_rels/.rels", "xl/workbook.xml"), "It’s an Excel file."),
        (
            packed("mimetype", content="application/vnd.oasis.opendocument.spreadsheet"),
            "Save it as a CSV file in UTF-8.",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "It’s an old Excel file (xls)."),
        (packed("orders.csv", "more.csv"), "an archive with 2 files. Unpack it"),
        (packed(), "an archive with no files"),
        (packed("orders.csv")[:-30], "a damaged archive"),
        (b"7z\xbc\xaf\x27\x1c\x00", "Unpack it"),
        (b"%PDF-1.7\n%\xe2\xe3", "It’s a PDF"),
        (
            b"\n<!DOCTYPE html><html><body><table>",
            "It’s a web page (HTML), which some stores export instead of a spreadsheet.",
        ),
        (
            b"<table border=1><tr><td>Name</td>",
            "It’s a web page (HTML), which some stores export instead of a spreadsheet.",
        ),
        (b'<?xml version="1.0"?><orders/>', "It’s XML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "It isn’t a text file."),
    ],
)
@pytest.mark.parametrize("format_name", [None, "shopify", "portal"])
def test_a_file_that_is_not_text_is_recognized(
    importer: Importer, content: bytes, remedy: str, format_name: str | None
) -> None:
    result = importer(content, store="shop", format=format_name)
    assert result.exit_status == 2
    assert remedy in result.said
    assert not Order.objects.exists()
