from decimal import Decimal

import pytest
from django.utils.translation import override

from orders.money import decimals, format_money, plain_amount, round_to_currency, smallest_unit


@pytest.mark.parametrize(
    ("currency", "places"),
    [("EUR", 2), ("usd", 2), ("RSD", 2), ("ALL", 2), ("JPY", 0), ("ISK", 0), ("KWD", 3), ("IQD", 3), ("ZZZ", 2)],
)
def test_currencies_have_the_decimals_of_iso_4217(currency: str, places: int) -> None:
    assert decimals(currency) == places
    assert smallest_unit(currency) == Decimal(1).scaleb(-places)


@pytest.mark.parametrize(
    ("amount", "currency", "english", "german"),
    [
        ("79.95", "EUR", "€79.95", "79,95 €"),
        ("12.5", "RSD", "RSD 12.50", "12,50 RSD"),
        ("12.5", "ALL", "ALL 12.50", "12,50 ALL"),
        ("500", "JPY", "¥500", "500 ¥"),
        ("79.95", "KWD", "KWD 79.950", "79,950 KWD"),
        ("-1234.5", "USD", "-$1,234.50", "-1.234,50 $"),
    ],
)
def test_amounts_are_formatted_with_all_decimals(amount: str, currency: str, english: str, german: str) -> None:
    for language, written in (("en", english), ("de", german)):
        with override(language):
            assert format_money(Decimal(amount), currency).replace("\N{NO-BREAK SPACE}", " ") == written


def test_halves_are_rounded_away_from_zero() -> None:
    assert round_to_currency(Decimal("0.005"), "EUR") == Decimal("0.01")
    assert round_to_currency(Decimal("0.5"), "JPY") == Decimal(1)
    assert round_to_currency(Decimal("0.0005"), "KWD") == Decimal("0.001")


def test_plain_amounts_have_a_point_and_the_decimals_of_the_currency() -> None:
    assert [plain_amount(Decimal(5), currency) for currency in ("EUR", "JPY", "KWD")] == ["5.00", "5", "5.000"]
