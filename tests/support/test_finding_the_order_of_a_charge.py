"""The charge finder: the right order first, among many that resemble it, and why."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Order, Store
from support import charge_finder
from support.models import ChargeClaim
from tests.factories import make_license, make_line, make_order, make_store
from tests.support.threads import make_claim

pytestmark = pytest.mark.django_db

FIRST = ["ann", "ben", "carla", "dirk", "emma", "felix", "gerda", "hans", "ines", "jonas", "karin", "lukas", "maria"]
LAST = ["abel", "brandt", "costa", "diaz", "evans", "fischer", "garcia", "huber", "ivanov", "jansen", "keller", "lopez"]
DOMAINS = ["example.com", "example.org", "mail.example", "post.example"]
PRICES = ["29.95", "39.95", "49.95", "59.95", "79.95", "89.95"]
FIRST_DAY = datetime(2026, 10, 20, 12, tzinfo=UTC)


def make_table(chance: random.Random) -> list[Order]:
    """200 orders of ten days, of few prices and few names, as a shop has them."""
    store, rows = make_store(), []
    for number in range(200):
        mailbox = f"{chance.choice(FIRST)}.{chance.choice(LAST)}"
        rows.append(
            Order(
                store=store,
                number=f"A-{20000 + number * 7}",
                number_key=f"A-{20000 + number * 7}",
                status=Order.Status.COMPLETED,
                placed_at=FIRST_DAY + timedelta(minutes=72 * number),
                store_email=f"{mailbox}@{chance.choice(DOMAINS)}",
                currency=chance.choice(["EUR", "EUR", "USD"]),
                total=Decimal(chance.choice(PRICES)),
                card_brand=chance.choice(["visa", "mastercard"]),
                card_last4=f"{chance.randrange(10000):04}",
                billing_name=mailbox,
            )
        )
    return Order.objects.bulk_create(rows)


def mistype(chance: random.Random, email: str) -> str:
    """A slip in the mailbox: two letters swapped, one missing, one twice."""
    mailbox, _at, domain = email.partition("@")
    place = chance.randrange(len(mailbox) - 1)
    slips = [
        mailbox[:place] + mailbox[place + 1] + mailbox[place] + mailbox[place + 2 :],
        mailbox[:place] + mailbox[place + 1 :],
        mailbox[: place + 1] + mailbox[place:],
    ]
    return f"{chance.choice(slips)}@{domain}"


def claim_for(chance: random.Random, order: Order, kind: str) -> ChargeClaim:
    """What the payer of this order may write, wrong in one way or another."""
    day = order.placed_at.date()
    known = {"amount": order.total, "currency": order.currency, "charged_on": day, "card_last4": order.card_last4}
    email = order.store_email
    if kind == "typo in the address":
        email = mistype(chance, email)
    elif kind == "another address":
        email = "somebody.else@elsewhere.example"
    elif kind == "day off by two":
        known["charged_on"] = day + timedelta(days=chance.choice([-2, 2]))
    elif kind == "fees":
        known["amount"] = (order.total * Decimal("1.0275")).quantize(Decimal("0.01"))
    elif kind == "other currency":
        known |= {"amount": (order.total * Decimal("1.12")).quantize(Decimal("0.01")), "currency": "CHF"}
    elif kind == "no card":
        known["card_last4"] = ""
    elif kind == "typo, no card, fees":
        email, known["card_last4"] = mistype(chance, email), ""
        known["amount"] = (order.total * Decimal("1.02")).quantize(Decimal("0.01"))
    elif kind == "typo, other currency":
        email = mistype(chance, email)
        known |= {"amount": order.total * Decimal("0.9"), "currency": "GBP"}
    elif kind == "no day":
        known["charged_on"] = None
    elif kind == "number nearly right":
        known = {"order_number": order.number[:-1] + chance.choice("0123456789"), "charged_on": day}
        known["card_last4"] = order.card_last4
    claim = make_claim(email, **known)
    claim.thread.created_at = order.placed_at + timedelta(days=5)
    return claim


KINDS = [
    "typo in the address",
    "another address",
    "day off by two",
    "fees",
    "other currency",
    "no card",
    "typo, no card, fees",
    "typo, other currency",
    "no day",
    "number nearly right",
]


def test_the_right_order_comes_first_among_two_hundred() -> None:
    chance = random.Random(6)
    table = make_table(chance)
    wrong = []
    for order in table:
        kind = KINDS[order.pk % len(KINDS)]
        found = charge_finder.find_candidates(claim_for(chance, order, kind))
        if not found or found[0].order != order:
            wrong.append((kind, order.number, [(each.order.number, each.score) for each in found[:3]]))
    assert len(wrong) <= len(table) * 0.05, wrong


def test_each_reason_is_told_with_its_points() -> None:
    order = make_order(number="A-1001", placed_at=datetime(2026, 11, 1, 9, tzinfo=UTC))
    claim = make_claim(
        "bea.buyer@example.com",
        amount=Decimal("81.50"),
        currency="EUR",
        charged_on=date(2026, 11, 3),
        card_last4="4242",
        card_brand="Visa",
        other_emails=["buyer@example.com"],
    )
    [candidate] = charge_finder.find_candidates(claim)
    assert candidate.order == order
    told = {reason.text: reason.points for reason in candidate.reasons}
    assert told == {
        "The address is the same.": 35,
        "The amount is the same but for fees: €79.95.": 18,
        "It was placed 2 day(s) away from the charge.": 8,
        "The card ends in the same 4 digits.": 25,
        "The card is of the same brand.": 5,
    }
    assert candidate.score == sum(told.values())


def test_a_serial_number_finds_its_order_whatever_the_day() -> None:
    order = make_order(store_email="old@example.org", placed_at=datetime(2020, 1, 1, tzinfo=UTC))
    make_license(make_line(order), "XAAB-1234-5678-9012-3456")
    [candidate] = charge_finder.find_candidates(
        make_claim(serial="xaab 1234 5678 9012 3456", charged_on=date(2026, 11, 1))
    )
    assert candidate.order == order


def test_an_order_number_finds_its_orders_of_all_stores() -> None:
    one, other = make_order(number="A-7"), make_order(number="A-7", store=make_store())
    found = charge_finder.find_candidates(make_claim("nobody@elsewhere.example", order_number="#a-7"))
    assert {candidate.order for candidate in found} == {one, other}


def test_the_digits_that_a_wallet_shows_count_as_the_cards() -> None:
    make_order(device_last4="9999", wallet="apple_pay")
    [candidate] = charge_finder.find_candidates(
        make_claim("x@y.example", card_last4="9999", charged_on=date(2026, 11, 1))
    )
    assert "The card in the wallet ends in the same 4 digits." in [reason.text for reason in candidate.reasons]


def test_the_day_is_the_stores_own() -> None:
    store = make_store(time_zone="Pacific/Auckland")
    make_order(store=store, placed_at=datetime(2026, 11, 1, 20, tzinfo=UTC))  # the second of November there
    [candidate] = charge_finder.find_candidates(make_claim("buyer@example.com", charged_on=date(2026, 11, 2)))
    assert "It was placed on the day of the charge." in [reason.text for reason in candidate.reasons]


def test_another_card_or_brand_speaks_against_an_order() -> None:
    order = make_order()
    same = make_order(card_last4="1111", card_brand="mastercard")
    found = charge_finder.find_candidates(make_claim("buyer@example.com", card_last4="4242", card_brand="visa"))
    assert [candidate.order for candidate in found] == [order, same]
    assert found[1].score < 35


def test_what_resembles_nothing_is_not_offered() -> None:
    make_order()
    claim = make_claim("zz@nowhere.example", amount=Decimal(5), currency="EUR", charged_on=date(2026, 11, 1))
    assert charge_finder.find_candidates(claim) == []


def test_test_orders_are_nobodys() -> None:
    make_order(is_test=True)
    assert charge_finder.find_candidates(make_claim("buyer@example.com", charged_on=date(2026, 11, 1))) == []


@pytest.mark.parametrize("said", ["%", "'", '"; DROP TABLE', "\\", "_" * 64, "ａ-１００１"])
def test_strange_words_find_nothing_and_break_nothing(said: str) -> None:
    make_order(number="B-2")
    claim = make_claim("a%b'c@example.com", order_number=said, serial=said, charged_on=date(2026, 11, 1))
    assert isinstance(charge_finder.find_candidates(claim), list)


def test_it_asks_as_often_for_many_orders_as_for_few() -> None:
    claim = make_claim(
        "buyer@example.com", card_last4="4242", serial="X1", order_number="A-1", charged_on=date(2026, 11, 1)
    )
    counts = []
    for _round in range(2):
        for _number in range(15):
            make_order(store=Store.objects.first() or make_store())
        with CaptureQueriesContext(connection) as asked:
            assert len(charge_finder.find_candidates(claim)) == charge_finder.MAX_CANDIDATES
        counts.append(len(asked))
    assert counts == [4, 4]
