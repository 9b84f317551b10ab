"""Addresses that are possibly of the same person are found by name and card, and by name and a similar address."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from desk.similar import MAX_SIMILAR, SimilarPerson, find_similar
from tests.factories import make_order

pytestmark = pytest.mark.django_db

ANN = ("Ann Archer", "4242")


def other(address: str, name: str = "Ann Archer", card: str = "9999") -> None:
    make_order(store_email=address, billing_name=name, card_last4=card)


def similar(address: str = "ann@example.com", name: str = "Ann Archer", card: str = "4242") -> list[tuple[str, bool]]:
    return [(each.email_key, each.has_same_card) for each in find_similar(address, [(name, card)])]


def test_the_same_name_and_card_are_found() -> None:
    other("archer@example.org", card="4242")
    other("namesake@example.org")
    other("family@example.org", name="Bob Archer", card="4242")
    other("ann@example.com", card="4242")  # the person
    other("", card="4242")
    assert similar() == [("archer@example.org", True)]


@pytest.mark.parametrize("typo", ["anm@example.com", "an@example.com", "annn@example.com", "nan@example.com"])
def test_an_address_one_letter_apart_with_the_same_name_is_found(typo: str) -> None:
    other(typo)
    other("amm@example.com")  # two letters
    assert similar() == [(typo, False)]
    assert similar(name="Bob Archer") == []


def test_an_order_without_a_name_or_card_is_like_no_other() -> None:
    other("anm@example.com", name="", card="")
    other("archer@example.org", card="")
    assert similar(name="") == []
    assert similar(card="") == []


def test_at_most_five_are_told_once_each() -> None:
    for number in range(8):
        other(f"archer{number}@example.org", card="4242")
        other(f"archer{number}@example.org", card="4242")
    assert len(set(similar())) == len(similar()) == MAX_SIMILAR


def test_both_ways_are_looked_up_by_index() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert find_similar("ann@example.com", [ANN]) == []
    assert len(queries) == 2
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in queries:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Index" in plan
            assert "Seq Scan" not in plan


def test_a_similar_person_has_a_key_of_their_own() -> None:
    assert "ann" not in SimilarPerson("ann@example.com", "Ann", has_same_card=True).key
