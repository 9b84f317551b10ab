"""A row that can't be read rejects its whole order, and the corrected rejects import the whole order."""

import csv
import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orders.models import Order
from tests.intake.exports import Importer, run_import, shopify_more, shopify_row, table, the_order
from tests.intake.test_missing_columns_keep_stored_values import WOO_ROW

pytestmark = pytest.mark.django_db

Damage = Callable[[bytes], bytes]


def replace(old: bytes, new: bytes) -> Damage:
    return lambda content: content.replace(old, new, 1)


# Damage to the second row of order 1001, and how a person corrects it.
SHOPIFY_DAMAGES = [
    (replace(b"Backup", b"Back,up"), replace(b"Back,up", b"Backup")),  # one cell too many
    (replace(b"Backup,5.00,", b"Backup,"), replace(b"Backup,", b"Backup,5.00,")),  # one cell too few
    (replace(b"Backup", b"\x00Backup"), replace(b"\x00", b"")),
    (replace(b"Backup", b"Back\x81up"), replace(b"\\x81", b"")),
    (replace(b"5.00,BAK", b"much,BAK"), replace(b"much", b"5.00")),
]
SHOPIFY_ROWS = [
    shopify_row(Name="#1000"),
    shopify_row(Total="90.00", Subtotal="90.00"),
    shopify_more("#1001", Lineitem_name="Backup", Lineitem_price="5.00", Lineitem_sku="BAK", Id="1"),
    shopify_more("#1001", Lineitem_name="Disc", Lineitem_price="5.05", Lineitem_sku="DISC", Lineitem_quantity="1"),
    shopify_row(Name="#1002"),
]


def lines(number: str) -> list[str]:
    return list(the_order(number).lines.order_by("position").values_list("name", flat=True))


def fix(path: Path, how: Damage) -> None:
    """Correct a cell; the problem in the first column stays."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header[1:], *(row[1:] for row in rows)])
    path.write_bytes(how(text.getvalue().encode()))


@pytest.mark.parametrize(("damage", "remedy"), SHOPIFY_DAMAGES)
def test_a_broken_row_of_shopify_rejects_its_whole_order(importer: Importer, damage: Damage, remedy: Damage) -> None:
    rejects = importer.folder / "rejects.csv"
    content = damage(table(*SHOPIFY_ROWS).encode())
    result = importer(content, name="orders.csv", store="shop", rejects=rejects)
    assert result.tally == (2, 0, 0, 1)
    assert not Order.objects.filter(number="#1001").exists()
    assert rejects.read_text(encoding="utf-8-sig").count("#1001") == 3
    fix(rejects, remedy)
    assert run_import(rejects, store="shop").tally == (1, 0, 0, 0)
    assert lines("#1001") == ["Maximum Security", "Backup", "Disc"]
    assert the_order("#1001").total == Decimal(90)


def test_a_quote_that_is_never_closed_rejects_its_whole_order(importer: Importer) -> None:
    rejects = importer.folder / "rejects.csv"
    content = table(*SHOPIFY_ROWS).replace("#1001,,", '#1001,",', 1)
    result = importer(content, name="orders.csv", store="shop", rejects=rejects)
    assert result.tally == (2, 0, 0, 1)
    assert "never closed" in result.said
    assert sorted(Order.objects.values_list("number", flat=True)) == ["#1000", "#1002"]


def test_an_imported_order_keeps_its_lines_when_a_later_file_has_a_broken_row(importer: Importer) -> None:
    importer.shopify(*SHOPIFY_ROWS)
    broken = table(*SHOPIFY_ROWS).replace("Backup", "Back,up").replace("paid", "refunded")
    assert importer(broken, name="later.csv", store="shop").tally == (0, 2, 0, 1)
    assert (lines("#1001"), the_order("#1001").status) == (["Maximum Security", "Backup", "Disc"], "completed")


def test_a_broken_first_row_rejects_the_rows_that_continue_it(importer: Importer) -> None:
    rejects = importer.folder / "rejects.csv"
    rows = table(*SHOPIFY_ROWS).splitlines(keepends=True)
    rows[2] = rows[2].replace("Ann Beispiel", "Ann,Beispiel")
    assert importer("".join(rows), store="shop", rejects=rejects).tally == (2, 0, 0, 1)
    fix(rejects, replace(b"Ann,Beispiel", b"Ann Beispiel"))
    assert run_import(rejects, store="shop").tally == (1, 0, 0, 0)
    assert lines("#1001") == ["Maximum Security", "Backup", "Disc"]


def test_an_item_without_an_order_number_rejects_the_order_before_it(importer: Importer) -> None:
    rows = [*SHOPIFY_ROWS[:2], SHOPIFY_ROWS[2] | {"Name": ""}, *SHOPIFY_ROWS[3:]]
    result = importer.shopify(*rows)
    assert result.tally == (2, 0, 0, 1)
    assert "no order number" in result.said


def woo_rows(*, number_on_each: bool) -> list[dict[str, Any]]:
    first = WOO_ROW | {"order_total": "219.00", "tax_total": "19.00"}
    more: dict[str, Any] = dict.fromkeys(WOO_ROW, "") | {"order_id": "1001", "order_number": "1001"}
    if not number_on_each:
        more |= {"order_id": "", "order_number": ""}
    backup = more | {"item_name": "Backup", "item_total": "60.00", "item_sku": "BAK", "item_quantity": "1"}
    backup["item_tax"] = "0.00"
    disc = more | {"item_name": "Disc", "item_total": "40.00", "item_sku": "DISC", "item_quantity": "1"}
    return [
        WOO_ROW | {"order_id": "1000", "order_number": "1000"},
        first,
        backup,
        disc,
        WOO_ROW | {"order_number": "2"},
    ]


WOO_DAMAGES = [
    (replace(b"Backup", b"Back,up"), replace(b"Back,up", b"Backup")),
    (replace(b",Backup,BAK", b",Backup"), replace(b",Backup,", b",Backup,BAK,")),
    (replace(b"Backup", b"Back\x81up"), replace(b"\\x81", b"")),
    (replace(b"60.00", b"much"), replace(b"much", b"60.00")),
    (replace(b"BAK,1,", b"BAK,1.5,"), replace(b"1.5", b"1")),
]


@pytest.mark.parametrize("number_on_each", [True, False])
@pytest.mark.parametrize(("damage", "remedy"), WOO_DAMAGES)
def test_a_broken_row_of_woocommerce_rejects_its_whole_order(
    importer: Importer, damage: Damage, remedy: Damage, number_on_each: bool
) -> None:
    rejects = importer.folder / "rejects.csv"
    content = damage(table(*woo_rows(number_on_each=number_on_each)).encode())
    result = importer(content, name="orders.csv", store="shop", rejects=rejects)
    assert result.tally == (2, 0, 0, 1)
    assert not Order.objects.filter(number="1001").exists()
    fix(rejects, remedy)
    assert run_import(rejects, store="shop").tally == (1, 0, 0, 0)
    assert lines("1001") == ["Maximum Security", "Backup", "Disc"]


def test_an_order_without_a_number_is_not_added_to_the_one_before(importer: Importer) -> None:
    stranger = WOO_ROW | {"order_id": "", "order_number": "", "billing_email": "bob@example.com"}
    assert importer(table(WOO_ROW, stranger), store="shop").tally == (1, 0, 0, 1)
    assert lines("1001") == ["Maximum Security"]


def test_the_rows_of_an_order_of_woocommerce_may_stand_apart(importer: Importer) -> None:
    rows = woo_rows(number_on_each=True)
    apart = [rows[1], rows[0], rows[2], rows[4], rows[3]]
    assert importer(table(*apart), store="shop").tally == (3, 0, 0, 0)
    assert lines("1001") == ["Maximum Security", "Backup", "Disc"]


def test_a_compressed_table_that_ends_too_early_takes_no_half_order(importer: Importer) -> None:
    whole = gzip.compress(table(*SHOPIFY_ROWS[:4]).encode(), compresslevel=0)
    result = importer(whole[:-12], name="orders.csv.gz", store="shop")
    assert result.counts["created"] == 1
    assert not Order.objects.filter(number="#1001").exists()
