"""A full card number is never stored, told or written down; long runs of digits that are none come in."""

from pathlib import Path
from typing import Any

import pytest

from licenses.models import License
from orders.card_numbers import contains_card_number
from orders.models import Order
from tests.intake.exports import ABSENT, ORDER, Importer, portal_order, shopify_row, the_order

pytestmark = pytest.mark.django_db

CARD = "4242424242424242"


@pytest.mark.parametrize(
    "written", [CARD, "4242 4242 4242 4242", "paid with 4242-4242-4242-4242.", "3782 822463 10005"]
)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"billing": {"name": text}},
        lambda text: {"billing": {"lines": ["Beispielweg 1", text]}},
        lambda text: {"billing": {"vat_id": text}},
        lambda text: {"invoice": {"seller": text}},
        lambda text: {"payment": {"method": text}},
        lambda text: {"lines": [{"id": "1", "name": text}]},
    ],
)
def test_a_row_with_a_card_number_is_refused_and_masked(importer: Importer, place: Any, written: str) -> None:
    rejects = importer.folder / "rejects.jsonl"
    result = importer.orders(portal_order(**place(written)), rejects=rejects)
    assert result.tally == (0, 0, 0, 1)
    assert "card number" in result.said
    digits = "".join(filter(str.isdigit, written.removesuffix(" 12/28")))
    for text in (result.said, rejects.read_text()):
        assert digits not in "".join(filter(str.isdigit, text))
    assert not Order.objects.exists()


def test_a_card_number_is_masked_even_where_the_row_is_refused_for_something_else(importer: Importer) -> None:
    rejects = importer.folder / "rejects.jsonl"
    importer(f'{{"placed_at": 1, "number": 7, "note": "{CARD}", "{CARD}": {CARD}\n', format="portal", rejects=rejects)
    importer.orders(portal_order(**{CARD: CARD, "currency": CARD}), rejects=importer.folder / "more.jsonl")
    for path in (rejects, importer.folder / "more.jsonl"):
        assert CARD not in path.read_text()
        assert "4242" in path.read_text()


def test_generated_fields_may_look_like_card_numbers(importer: Importer) -> None:
    line = ORDER["lines"][0] | {"id": CARD, "sku": CARD, "licenses": [{"serial": CARD}]}
    refund = {"id": CARD, "amount": "1", "at": "2026-11-05T09:00:00Z"}
    order = portal_order(number=CARD, lines=[line], refunds=[refund], invoice={"number": CARD}, totals=ABSENT)
    assert importer.orders(order).tally == (1, 0, 0, 0)
    assert the_order(CARD).lines.get().sku == CARD
    assert License.objects.get().serial == CARD


def test_an_order_number_stays_readable_in_the_rejects(importer: Importer) -> None:
    rejects = importer.folder / "rejects.jsonl"
    importer.orders(portal_order(number=CARD, currency="euro"), rejects=rejects)
    assert f'"number": "{CARD}"' in rejects.read_text()


def test_a_table_is_masked_too(importer: Importer) -> None:
    rejects: Path = importer.folder / "rejects.csv"
    row = shopify_row(Billing_Name=CARD, Notes=f"card {CARD}", Name=CARD)
    assert importer.shopify(row, rejects=rejects).tally == (0, 0, 0, 1)
    text = rejects.read_text()
    assert text.count(CARD) == 1  # the order number
    assert text.count("••••4242") == 2


@pytest.mark.parametrize("serial", ["XAAB-4242-4242-4242-4242", "mine is P1AA-4111-1111-1111-1111."])
def test_a_serial_number_that_ends_like_a_card_is_none(serial: str) -> None:
    assert not contains_card_number(serial)


@pytest.mark.parametrize(
    "text", ["VISA-4242-4242-4242-4242", "visa-4242424242424242", "no-4242 4242 4242 4242", "NR-4242424242424242"]
)
def test_a_word_before_a_card_number_hides_none(text: str) -> None:
    assert contains_card_number(text)
