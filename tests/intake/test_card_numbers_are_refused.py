"""A full card number is never stored, shown or written. Other long numbers are imported."""

import json
from pathlib import Path
from typing import Any

import pytest

from licenses.models import License
from orders.models import Order
from tests.intake.exports import ABSENT, ORDER, Importer, portal_order, shopify_row, the_order

pytestmark = pytest.mark.django_db

CARD = "4242424242424242"


@pytest.mark.parametrize(
    "written",
    [
        CARD,
        "4242 4242 4242 4242",
        "paid with 4242-4242-4242-4242.",
        "3782 822463 10005",
        "card4242.4242.4242.4242exp",
        "4242  4242\t4242 / 4242",
        "４２４２４２４２４２４２４２４２",
        "4242\u200b4242–4242—4242",
    ],
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
    digits = "".join(filter(str.isdigit, written))
    for text in (result.said, rejects.read_text(), json.loads(rejects.read_text().splitlines()[-1]).__repr__()):
        assert digits not in "".join(filter(str.isdigit, text))
    assert not Order.objects.exists()


def test_a_card_number_is_masked_even_where_the_row_is_refused_for_something_else(importer: Importer) -> None:
    rejects = importer.folder / "rejects.jsonl"
    importer(f'{{"placed_at": 1, "number": 7, "note": "{CARD}", "{CARD}": {CARD}\n', format="portal", rejects=rejects)
    importer.orders(portal_order(**{CARD: CARD, "currency": CARD}), rejects=importer.folder / "more.jsonl")
    for path in (rejects, importer.folder / "more.jsonl"):
        assert CARD not in path.read_text()
        assert "4242" in path.read_text()


def test_a_card_number_in_two_lines_of_an_address_is_not_in_the_rejects(importer: Importer) -> None:
    rejects = importer.folder / "rejects.jsonl"
    result = importer.orders(portal_order(billing={"lines": ["Weg 4242 4242", "4242 4242"]}), rejects=rejects)
    assert result.tally == (0, 0, 0, 1)
    assert "4242" not in rejects.read_text()
    rejects = importer.folder / "rejects.csv"
    row = shopify_row(Billing_Address1="4242 4242", Billing_Address2="4242 4242")
    assert importer.shopify(row, rejects=rejects).tally == (0, 0, 0, 1)
    assert "4242" not in rejects.read_text().replace("••••4242", "")


def test_an_escaped_card_number_is_not_in_the_rejects(importer: Importer) -> None:
    rejects = importer.folder / "rejects.jsonl"
    escaped = json.dumps(portal_order(billing={"name": "NAME"})).replace("NAME", "\\u0034" + CARD[1:])
    importer(f"{escaped}\n", format="portal", rejects=rejects)
    assert CARD[1:] not in rejects.read_text()


def test_the_digits_of_two_fields_are_not_one_card_number(importer: Importer) -> None:
    order = portal_order(billing={"name": "Bea 4242", "company": "4242 4242", "city": "4242"})
    assert importer.orders(order).tally == (1, 0, 0, 0)


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
