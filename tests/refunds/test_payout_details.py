"""Validation and encryption of bank details."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.payout_details import (
    PayoutDetails,
    account_contains_card_number,
    decrypt,
    encrypt,
    has_iban_prefix,
    is_iban,
)

IBANS = [
    "DE89 3704 0044 0532 0130 00",
    "gb29nwbk60161331926819",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NO93 8601 1117 947",
    "CH93-0076-2011-6238-5295-7",
    "MT84MALT011000012345MTLCAST001S",
]


@pytest.mark.parametrize("iban", IBANS)
def test_a_valid_iban_is_recognized(iban: str) -> None:
    assert is_iban(iban)


@given(st.sampled_from(IBANS), st.data())
def test_an_iban_with_one_wrong_digit_is_invalid(iban: str, data: st.DataObject) -> None:
    places = [place for place, character in enumerate(iban) if character.isdigit()]
    place = data.draw(st.sampled_from(places))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != iban[place]]))
    mistyped = iban[:place] + wrong + iban[place + 1 :]
    assert not is_iban(mistyped)
    assert has_iban_prefix(mistyped)


@pytest.mark.parametrize(
    "typed", ["", "DE", "DE89", "12345678", "DE89 3704", "DE8937040044053201300012345678901234567890"]
)
def test_other_text_is_not_an_iban(typed: str) -> None:
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
    assert account_contains_card_number(typed)


@pytest.mark.parametrize("typed", ["Routing 021000021, account 12345678", "BSB 062-000, account 1234 5678"])
def test_other_bank_accounts_do_not_look_like_card_numbers(typed: str) -> None:
    assert not account_contains_card_number(typed)
    assert not has_iban_prefix(typed)


@given(st.text(), st.text())
def test_encryption_is_reversible_and_randomized(holder: str, account: str) -> None:
    details = PayoutDetails(holder, account)
    first, second = encrypt(details), encrypt(details)
    assert decrypt(first) == decrypt(memoryview(second)) == details
    assert first != second
