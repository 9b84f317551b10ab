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
from tests.support.submissions import make_claim

pytestmark = pytest.mark.django_db

FIRST = ["ann", "ben", "carla", "dirk", "emma", "felix", "gerda", "hans", "ines", "jonas", "karin", "lukas", "maria"]
LAST = ["abel", "brandt", "costa", "diaz", "evans", "fischer", "garcia", "huber", "ivanov", "jansen", "keller", "lopez"]
DOMAINS = ["example.com", "example.org", "mail.example", "post.example"]
PRICES = ["29.95", "39.95", "49.95", "59.95", "79.95", "89.95"]
FIRST_DAY = datetime(2026, 10, 20, 12, tzinfo=UTC)


def make_orders(generator: random.Random) -> list[Order]:
    """Create 200 orders within ten days, with few distinct prices and names, as in a real store."""
    store, rows = make_store(), []
    for number in range(200):
        mailbox = f"{generator.choice(FIRST)}.{generator.choice(LAST)}"
        rows.append(
            Order(
                store=store,
                number=f"A-{20000 + number * 7}",
                number_key=f"A-{20000 + number * 7}",
                status=Order.Status.COMPLETED,
                placed_at=FIRST_DAY + timedelta(minutes=72 * number),
                store_email=f"{mailbox}@{generator.choice(DOMAINS)}",
                currency=generator.choice(["EUR", "EUR", "USD"]),
                total=Decimal(generator.choice(PRICES)),
                card_brand=generator.choice(["visa", "mastercard"]),
                card_last4=f"{generator.randrange(10000):04}",
                billing_name=mailbox,
            )
        )
    return Order.objects.bulk_create(rows)


def mistype(generator: random.Random, email: str) -> str:
    """Mistype the mailbox: two letters swapped, one missing, or one doubled."""
    mailbox, _at, domain = email.partition("@")
    place = generator.randrange(len(mailbox) - 1)
    typos = [
        mailbox[:place] + mailbox[place + 1] + mailbox[place] + mailbox[place + 2 :],
        mailbox[:place] + mailbox[place + 1 :],
        mailbox[: place + 1] + mailbox[place:],
    ]
    return f"{generator.choice(typos)}@{domain}"


def claim_for(generator: random.Random, order: Order, kind: str) -> ChargeClaim:
    """Create a claim about this order with the given kind of error."""
    day = order.placed_at.date()
    claim_fields = {
        "amount": order.total,
        "currency": order.currency,
        "charged_on": day,
        "card_last4": order.card_last4,
    }
    email = order.store_email
    if kind == "typo in the address":
        email = mistype(generator, email)
    elif kind == "another address":
        email = "somebody.else@elsewhere.example"
    elif kind == "day off by two":
        claim_fields["charged_on"] = day + timedelta(days=generator.choice([-2, 2]))
    elif kind == "fees":
        claim_fields["amount"] = (order.total * Decimal("1.0275")).quantize(Decimal("0.01"))
    elif kind == "other currency":
        claim_fields |= {"amount": (order.total * Decimal("1.12")).quantize(Decimal("0.01")), "currency": "CHF"}
    elif kind == "no card":
        claim_fields["card_last4"] = ""
    elif kind == "typo, no card, fees":
        email, claim_fields["card_last4"] = mistype(generator, email), ""
        claim_fields["amount"] = (order.total * Decimal("1.02")).quantize(Decimal("0.01"))
    elif kind == "typo, other currency":
        email = mistype(generator, email)
        claim_fields |= {"amount": order.total * Decimal("0.9"), "currency": "GBP"}
    elif kind == "no day":
        claim_fields["charged_on"] = None
    elif kind == "number nearly right":
        claim_fields = {"order_number": order.number[:-1] + generator.choice("0123456789"), "charged_on": day}
        claim_fields["card_last4"] = order.card_last4
    claim = make_claim(email, **claim_fields)
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
    generator = random.Random(6)
    orders = make_orders(generator)
    wrong = []
    for order in orders:
        kind = KINDS[order.pk % len(KINDS)]
        found = charge_finder.find_candidates(claim_for(generator, order, kind))
        if not found or found[0].order != order:
            wrong.append((kind, order.number, [(each.order.number, each.score) for each in found[:3]]))
    assert len(wrong) <= len(orders) * 0.05, wrong


def test_each_reason_is_listed_with_its_points() -> None:
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
    points_by_text = {reason.text: reason.points for reason in candidate.reasons}
    assert points_by_text == {
        "The email address is the same.": 35,
        "The amount is the same except for fees: €79.95.": 18,
        "It was placed 2 day(s) before or after the charge.": 8,
        "The card ends with the same 4 digits.": 25,
        "The card brand is the same.": 5,
    }
    assert candidate.score == sum(points_by_text.values())


def test_a_serial_number_finds_its_order_on_any_day() -> None:
    order = make_order(store_email="old@example.org", placed_at=datetime(2020, 1, 1, tzinfo=UTC))
    make_license(make_line(order), "XAAB-1234-5678-9012-3456")
    [candidate] = charge_finder.find_candidates(
        make_claim(serial="xaab 1234 5678 9012 3456", charged_on=date(2026, 11, 1))
    )
    assert candidate.order == order


def test_an_order_number_finds_the_orders_of_all_stores() -> None:
    one, other = make_order(number="A-7"), make_order(number="A-7", store=make_store())
    found = charge_finder.find_candidates(make_claim("nobody@elsewhere.example", order_number="#a-7"))
    assert {candidate.order for candidate in found} == {one, other}


def test_the_card_digits_shown_by_a_wallet_match_as_well() -> None:
    make_order(device_last4="9999", wallet="apple_pay")
    [candidate] = charge_finder.find_candidates(
        make_claim("x@y.example", card_last4="9999", charged_on=date(2026, 11, 1))
    )
    assert "The card in the wallet ends with the same 4 digits." in [reason.text for reason in candidate.reasons]


def test_the_day_is_compared_in_the_time_zone_of_the_store() -> None:
    store = make_store(time_zone="Pacific/Auckland")
    make_order(store=store, placed_at=datetime(2026, 11, 1, 20, tzinfo=UTC))  # it is the second of November there
    [candidate] = charge_finder.find_candidates(make_claim("buyer@example.com", charged_on=date(2026, 11, 2)))
    assert "It was placed on the day of the charge." in [reason.text for reason in candidate.reasons]


def test_another_card_or_brand_lowers_the_score() -> None:
    order = make_order()
    same = make_order(card_last4="1111", card_brand="mastercard")
    found = charge_finder.find_candidates(make_claim("buyer@example.com", card_last4="4242", card_brand="visa"))
    assert [candidate.order for candidate in found] == [order, same]
    assert found[1].score < 35


def test_an_order_without_similarity_is_not_a_candidate() -> None:
    make_order()
    claim = make_claim("zz@nowhere.example", amount=Decimal(5), currency="EUR", charged_on=date(2026, 11, 1))
    assert charge_finder.find_candidates(claim) == []


def test_test_orders_are_never_candidates() -> None:
    make_order(is_test=True)
    assert charge_finder.find_candidates(make_claim("buyer@example.com", charged_on=date(2026, 11, 1))) == []


@pytest.mark.parametrize("typed", ["%", "'", '"; DROP TABLE', "\\", "_" * 64, "ａ-１００１"])
def test_special_characters_cause_no_error(typed: str) -> None:
    make_order(number="B-2")
    claim = make_claim("a%b'c@example.com", order_number=typed, serial=typed, charged_on=date(2026, 11, 1))
    assert isinstance(charge_finder.find_candidates(claim), list)


def test_the_number_of_queries_does_not_grow_with_the_orders() -> None:
    claim = make_claim(
        "buyer@example.com", card_last4="4242", serial="X1", order_number="A-1", charged_on=date(2026, 11, 1)
    )
    counts = []
    for _round in range(2):
        for _number in range(15):
            make_order(store=Store.objects.first() or make_store())
        with CaptureQueriesContext(connection) as queries:
            assert len(charge_finder.find_candidates(claim)) == charge_finder.MAX_CANDIDATES
        counts.append(len(queries))
    assert counts == [4, 4]
