"""Amounts in Stripe's smallest currency units, which differ from ISO 4217 for some currencies.

Source: https://docs.stripe.com/currencies (zero-decimal currencies, three-decimal currencies, special cases).
"""

from decimal import Decimal

ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMAL = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
# Sent as a two-decimal amount whose decimals must be zero.
WHOLE_UNITS_ONLY = frozenset(("ISK", "UGX"))


def to_minor_units(amount: Decimal, currency: str) -> int:
    """Convert an amount, rounded down to what Stripe accepts: 9.99 EUR is 999, 500 JPY is 500, 1.234 KWD is 1230.

    0 if the amount is below the smallest one that Stripe accepts.
    """
    decimals, step = _decimals_and_step(currency.upper())
    units = int(amount.scaleb(decimals))
    return units - units % step


def from_minor_units(units: int, currency: str) -> Decimal:
    decimals, _step = _decimals_and_step(currency.upper())
    return Decimal(units).scaleb(-decimals)


def smallest_amount(currency: str) -> Decimal:
    """Return the step that amounts are multiples of: 0.01 EUR, 1 JPY, 0.010 KWD."""
    decimals, step = _decimals_and_step(currency.upper())
    return Decimal(step).scaleb(-decimals)


def _decimals_and_step(currency: str) -> tuple[int, int]:
    if currency in ZERO_DECIMAL:
        return 0, 1
    if currency in THREE_DECIMAL:
        return 3, 10
    return 2, 100 if currency in WHOLE_UNITS_ONLY else 1
