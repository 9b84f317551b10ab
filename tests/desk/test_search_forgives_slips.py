"""The search finds the right order, person, license, case or email first, despite one slip or an incomplete input."""

import pytest

from support.models import Thread
from tests.desk.searching import CODE, REFERENCE, SERIAL, first, found, make_shop
from tests.desk.staff import signed_in
from tests.factories import make_agent

pytestmark = pytest.mark.django_db

ANN, ANNIKA, JUERGEN, MARIA = "A-100234", "A-100871", "SHOP-2026-55102", "SHOP-2026-77310"
TOM, SOREN, ZOFIA, BEA = "#77120945", "W90-6631", "FS-88-2231-X", "B-300415"
# What is typed, and the number of the order that has to come first.
SLIPS = [
    # Addresses
    ("ann.archer@example.com", ANN),
    ("ANN.ARCHER@EXAMPLE.COM", ANN),
    ("ann.acher@example.com", ANN),  # missing
    ("ann.arccher@example.com", ANN),  # doubled
    ("ann.arhcer@example.com", ANN),  # swapped
    ("anm.archer@example.com", ANN),  # wrong
    ("ann.archer@exmaple.com", ANN),
    ("ann.archer@example.con", ANN),
    ("ann.archer@examplecom", ANN),
    ("ann.archerexample.com", ANN),  # without @
    ("ann.archer @ example.com", ANN),
    ("Ann <ann.archer@example.com>", ANN),
    ("mailto:ann.archer@example.com", ANN),
    ("ann.archer@", ANN),
    ("j.muel", JUERGEN),
    ("j.mueler@posteo.example", JUERGEN),
    ("mclara@correo", MARIA),
    ("bea.biyer", BEA),  # mailbox with a slip
    # Names
    ("Ann Archer", ANN),
    ("archer ann", ANN),
    ("Archer, Ann", ANN),
    ("ann arch", ANN),
    ("arch ann", ANN),
    ("Ann Acher", ANN),
    ("Ann Archre", ANN),
    ("Anm Archer", ANN),
    ("archerr ann", ANN),
    ("Buyer", BEA),
    ("Buyre", BEA),
    ("jurgen muller", JUERGEN),  # no accents
    ("Jürgen Mueller", JUERGEN),
    ("muller j", JUERGEN),
    ("Maria Fuentes", MARIA),  # without the middle name
    ("fuentes clara", MARIA),
    ("Fuentse", MARIA),
    ("tom o'brien", TOM),
    ("Tom OBrien", TOM),
    ("soren kjaer", SOREN),
    ("Zofia Luczak", ZOFIA),
    ("annik", ANNIKA),
    # Order numbers
    ("A-100234", ANN),
    ("a-100234", ANN),
    ("A 100234", ANN),
    ("A100234", ANN),
    ("#A-100234", ANN),
    ("100234", ANN),  # digits without the prefix
    ("A-1002344", ANN),
    ("A-10234", ANN),
    ("A-100324", ANN),
    ("77120945", TOM),
    ("7712945", TOM),
    ("55102", JUERGEN),  # the last digits
    ("SHOP-2026-5", JUERGEN),
    ("FS 88 2231 X", ZOFIA),
    # Properties of the purchase
    ("visa 4242", ANN),
    ("4242", ANN),
    ("**** 4242", ANN),
    ("4242 archer", ANN),
    ("mastercard 1881", ANNIKA),
    ("59.90", ANNIKA),
    ("59,90", ANNIKA),
    ("€59.90", ANNIKA),
    ("129 eur", JUERGEN),
    ("50667", ANN),
    ("SW1A 1AA", TOM),
    ("sw1a1aa", TOM),
    ("00950", ZOFIA),
    # Serial number, reference and code of an email lead to the order
    (SERIAL, ANN),
    (SERIAL.replace("-", "").lower(), ANN),
    ("XAAB-7391-5527-0146-8803", ANN),
    ("XAAB-7391-527-0146-8830", ANN),
    ("7391 5527 0146 8830", ANN),  # without the prefix
    (REFERENCE, ANN),
    ("7K3M9Q2P", ANN),
    ("M-7K3M9Q2", ANN),
    ("M-7K3M9QP2", ANN),
    ("7K3M-9Q2P-4TXA", ANN),
    ("7k3m 9q2p 4tax", ANN),
]


def test_the_right_order_comes_first() -> None:
    orders, browser = make_shop(), signed_in(make_agent())
    wrong = []
    for typed, number in SLIPS:
        answer = found(browser, typed)
        assert not answer["incomplete"]
        person = first(answer, "people")
        if not first(answer, "orders").startswith(f"{number} ") or orders[number].email not in person:
            wrong.append((typed, number, first(answer, "orders"), person))
    assert len(SLIPS) >= 60
    assert len(wrong) <= 0.05 * len(SLIPS), wrong


def test_licenses_cases_and_emails_are_found_by_their_own_numbers() -> None:
    make_shop()
    browser = signed_in(make_agent())
    for typed in (SERIAL, "XAAB-7391", "7391-5527-0146-8830", "XAAB-7391-5527-0146-8880"):
        assert first(found(browser, typed), "licenses").startswith(SERIAL), typed
    for typed in (REFERENCE, "m-7k3m9q2p", "7k3m9q2p", "M-7K3M", "R-7K3M9Q2P", "M-7K3M9QZP", "M-7K3M9Q2PP"):
        assert first(found(browser, typed), "cases").startswith(REFERENCE), typed
    for typed in (CODE, "7K3M-9Q2P-4TXA", "7k3m9q2p4txb"):
        assert "ann.archer@example.com" in first(found(browser, typed), "emails"), typed


def test_an_address_shows_all_that_belongs_to_it() -> None:
    make_shop()
    answer = found(signed_in(make_agent()), "ann.archer@example.com")
    groups = ("people", "orders", "licenses", "cases", "emails")
    assert [len(answer[group]) for group in groups] == [1, 1, 1, 1, 1]
    assert first(answer, "people") == "Ann Archer · ann.archer@example.com"
    assert answer["people"][0]["why"] == "email address"
    assert first(answer, "licenses").startswith(SERIAL)
    assert answer["more"] == []


def test_articles_are_found_with_a_slip() -> None:
    make_shop()
    browser = signed_in(make_agent())
    for typed in ("cancel renewal", "cancle", "subscripton"):
        assert first(found(browser, typed), "articles") == "Cancel the renewal of a subscription", typed


def test_somebody_who_only_wrote_to_support_is_a_person_too() -> None:
    make_shop()
    browser = signed_in(make_agent())
    Thread.objects.create(kind=Thread.Kind.CONTACT, subject="Hello", email="stranger@nowhere.example")
    for typed in ("stranger@nowhere.example", "stranegr@nowhere.example"):
        assert first(found(browser, typed), "people") == "stranger@nowhere.example"
