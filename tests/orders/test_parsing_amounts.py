from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.money import parse_amount


@pytest.mark.parametrize(
    ("typed", "decimals", "amount"),
    [
        ("79.95", 2, "79.95"),
        ("79,95 €", 2, "79.95"),
        ("EUR 79,9", 2, "79.9"),
        ("$1,234.56", 2, "1234.56"),
        ("1.234,56", 2, "1234.56"),
        ("1\N{NO-BREAK SPACE}234,56", 2, "1234.56"),
        ("1’234.50", 2, "1234.50"),
        ("1,23,456.00", 2, "123456.00"),
        ("1.234", 2, "1234"),
        ("1.234", 3, "1.234"),
        ("1,234.567", 3, "1234.567"),
        ("12 300", 0, "12300"),
        ("１２３００円", 0, "12300"),
        ("٧٩٫٩٥", 2, "79.95"),
        ("Fr. 79.–", 2, "79"),
        ("-79.95", 2, "79.95"),
    ],
)
def test_an_amount_is_parsed_in_any_notation(typed: str, decimals: int, amount: str) -> None:
    assert parse_amount(typed, decimals) == Decimal(amount)


@pytest.mark.parametrize("typed", ["", "a lot", "79.95 or 89.95", "1.2.3", "1,2345.00", "9" * 14, "1/2"])
def test_text_without_exactly_one_amount_is_refused(typed: str) -> None:
    assert parse_amount(typed) is None


@given(st.text(max_size=64), st.sampled_from([0, 2, 3]))
def test_parsing_never_raises(typed: str, decimals: int) -> None:
    amount = parse_amount(typed, decimals)
    assert amount is None or amount >= 0
