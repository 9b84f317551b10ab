"""A zip archive with one file in it is read like the file. It is never unpacked to disk, and bombs are truncated."""

import gzip
import io
import zipfile

import pytest

from intake import compressed_files
from orders.models import Order
from tests.intake.exports import Importer, json_lines, portal_order

pytestmark = pytest.mark.django_db


def packed(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_only_file_of_an_archive_is_imported(importer: Importer, method: int) -> None:
    orders = json_lines(*[portal_order(number=f"A-{number}") for number in range(3)])
    mac = {"export/": "", "__MACOSX/._orders.jsonl": "x", "export/.DS_Store": "x"}
    result = importer(packed(mac | {"export/orders.jsonl": orders}, method), name="orders.zip")
    assert result.tally == (3, 0, 0, 0), result.said


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_limit_are_refused(importer: Importer, method: int) -> None:
    result = importer(packed({"orders.jsonl": json_lines(portal_order())}, method))
    assert (result.exit_status, "unsupported format" in result.said) == (2, True)


def test_an_archive_with_a_password_is_refused(importer: Importer) -> None:
    content = bytearray(packed({"orders.jsonl": json_lines(portal_order())}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + offset] |= 1
    result = importer(bytes(content))
    assert (result.exit_status, "password" in result.said) == (2, True)


def test_an_archive_in_an_archive_is_refused(importer: Importer) -> None:
    inner = packed({"orders.jsonl": json_lines(portal_order())})
    result = importer(packed({"inner.zip": inner}))
    assert (result.exit_status, "Unpack it" in result.said) == (2, True)


def test_a_damaged_archive_brings_what_is_whole_and_says_so(importer: Importer) -> None:
    orders = json_lines(*[portal_order(number=f"A-{number}") for number in range(1000)])
    content = bytearray(packed({"orders.jsonl": orders}, zipfile.ZIP_STORED))
    content[len(content) // 2] ^= 0x01  # the checksum no longer fits
    result = importer(bytes(content))
    assert result.exit_status == 1
    assert "damaged" in result.said


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.gz"])
def test_a_bomb_is_cut_off(importer: Importer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(compressed_files, "UNBOUNDED_BYTES", 1024 * 1024)
    lines = json_lines(portal_order()) + "\n" * (16 * 1024 * 1024)
    content = packed({"orders.jsonl": lines})
    if name.endswith(".gz"):
        content = gzip.compress(lines.encode())
    result = importer(content, name=name)
    assert result.exit_status == 1
    assert "is too large when unpacked" in result.said
    assert Order.objects.count() == 1
