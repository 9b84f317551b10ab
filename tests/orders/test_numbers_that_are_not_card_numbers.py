"""Other numbers are not masked, even if some of their digits could be a card number."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_97_10

from cases.models import REFERENCE_ALPHABET
from orders.card_numbers import mask_card_numbers
from tests.orders.test_finding_card_numbers import card_numbers

DIGITS = "0123456789"
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=count, max_size=count)


@st.composite
def serial_numbers(draw: st.DrawFn) -> str:
    """Groups of equal length, as in XAAB-1234-5678-9012-3456."""
    size = draw(st.integers(4, 6))
    first = draw(st.sampled_from("XPAM")) + draw(st.text(LETTERS + DIGITS, min_size=size - 1, max_size=size - 1))
    groups = draw(st.lists(digits(size), min_size=3, max_size=5))
    written = "-".join([first, *groups])
    return written.lower() if draw(st.booleans()) else written


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country, size = draw(st.sampled_from([("DE", 18), ("AT", 16), ("NO", 11), ("BE", 12), ("DK", 14), ("PT", 21)]))
    account = draw(digits(size))
    iban = country + mod_97_10.calc_check_digits(account + country) + account
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) if draw(st.booleans()) else iban


@st.composite
def moments(draw: st.DrawFn) -> str:
    zone = timezone(timedelta(minutes=draw(st.integers(-14 * 4, 14 * 4)) * 15))
    at = draw(st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
    return draw(st.sampled_from([at.isoformat(), at.astimezone(zone).isoformat(" "), f"{at:%d.%m.%Y %H:%M}"]))


OTHERS = {
    "serial number": serial_numbers(),
    "UUID": st.uuids().map(str),
    "hexadecimal UUID": st.uuids().map(lambda each: each.hex),
    "SHA-256": st.binary().map(lambda each: hashlib.sha256(each).hexdigest()),
    "SHA-1": st.binary().map(lambda each: hashlib.sha1(each).hexdigest()),
    "phone number": st.tuples(st.integers(1, 999), st.integers(10**4, 10**11)).map(
        lambda each: f"+{each[0]} {each[1]}"
    ),
    "IBAN": ibans(),
    "moment": moments(),
    "reference": st.text(REFERENCE_ALPHABET, min_size=8, max_size=8).map(lambda each: f"R-{each}"),
    "order number": st.integers(1, 10**11 - 1).map(str),
    "tracking number": st.text(LETTERS + DIGITS, min_size=16, max_size=16).map(lambda each: f"1Z{each}"[:9] + "ZZ"),
}


@pytest.mark.parametrize("kind", sorted(OTHERS))
@given(data=st.data())
def test_other_numbers_stay_as_they_are(kind: str, data: st.DataObject) -> None:
    written = data.draw(OTHERS[kind])
    assert mask_card_numbers(written) == written
    assert mask_card_numbers(f"It is {written}, thank you.") == f"It is {written}, thank you."


@given(st.sampled_from(sorted(OTHERS)), card_numbers(), st.data())
def test_a_card_number_beside_another_number_is_still_masked(kind: str, card: str, data: st.DataObject) -> None:
    other = data.draw(OTHERS[kind])
    for text in (f"{other} and {card}", f"{card} and {other}"):
        assert card not in mask_card_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "XAAB-4242-4242-4242-4242",
        "mine is P1AA-4111-1111-1111-1111.",
        "+49 151 23456789, or +1 555 123 4567",
        "Amazon 302-1234567-1234567",
        "69.89 11.16 558.73 9.99 402.00",
        "555-123-4567, 412-555-0199",
        "2026-11-15 14:05:33, 30.11.2026 - 15.12.2026",
        "30.11.2026 123452",
        "••••4242 ••••4242 ••••4242 ••••4242",
        "https://orders.example.com/orders/42424242-4242-4242-8242-424242424242/",
        "4242 4242 4242 4243",
    ],
)
def test_text_without_card_numbers_is_not_changed(text: str) -> None:
    assert mask_card_numbers(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "VISA-4242-4242-4242-4242",
        "visa-4242424242424242",
        "no-4242 4242 4242 4242",
        "NR-4242424242424242",
        "+4242424242424242",
        "feedface4242424242424242deadbeef",
        "42.42 42.42 42.42 42.42 42.42 42.42 42.42 42.42",
        "ABCD-1234-1234 4242 4242 4242 4242",
        "DE12 4242 4242 4242 4242",
    ],
)
def test_the_looks_of_another_number_hide_none(text: str) -> None:
    assert mask_card_numbers(text) != text
