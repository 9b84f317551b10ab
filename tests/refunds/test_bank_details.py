"""Bank details: which accounts are taken, and that nobody reads them in the database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.payout_details import PayoutDetails, decrypt, encrypt, holds_card, is_iban, looks_like_iban

IBANS = [
    "DE89 3704 0044 0532 0130 00",
    "gb29nwbk60161331926819",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NO93 8601 1117 947",
    "CH93-0076-2011-6238-5295-7",
    "MT84MALT011000012345MTLCAST001S",
]


@pytest.mark.parametrize("iban", IBANS)
def test_an_iban_is_known_by_its_check_digits(iban: str) -> None:
    assert is_iban(iban)


@given(st.sampled_from(IBANS), st.data())
def test_one_digit_that_is_wrong_is_found(iban: str, data: st.DataObject) -> None:
    places = [place for place, character in enumerate(iban) if character.isdigit()]
    place = data.draw(st.sampled_from(places))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != iban[place]]))
    mistyped = iban[:place] + wrong + iban[place + 1 :]
    assert not is_iban(mistyped)
    assert looks_like_iban(mistyped)


@pytest.mark.parametrize(
    "typed", ["", "DE", "DE89", "12345678", "DE89 3704", "DE8937040044053201300012345678901234567890"]
)
def test_what_is_no_iban(typed: str) -> None:
    assert not is_iban(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "DE12 4242 4242 4242 4242",
        "DE4242424242424242",
        "visa4242424242424242",
    ],
)
def test_a_card_number_is_recognized(typed: str) -> None:
    assert holds_card(typed)


@pytest.mark.parametrize("typed", ["Routing 021000021, account 12345678", "BSB 062-000, account 1234 5678"])
def test_accounts_elsewhere_are_taken(typed: str) -> None:
    assert not holds_card(typed)
    assert not looks_like_iban(typed)


@given(st.text(), st.text())
def test_what_is_encrypted_comes_back_and_is_never_the_same_twice(holder: str, account: str) -> None:
    details = PayoutDetails(holder, account)
    first, second = encrypt(details), encrypt(details)
    assert decrypt(first) == decrypt(memoryview(second)) == details
    assert first != second
