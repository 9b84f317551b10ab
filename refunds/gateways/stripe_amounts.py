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


class UnsupportedAmount(Exception):
    """Stripe does not accept this amount; `str()` returns the step that amounts must be multiples of."""


def smallest_units(amount: Decimal, currency: str) -> int:
    """9.99 EUR is 999, 500 JPY is 500, 1.230 KWD is 1230. Raises UnsupportedAmount."""
    decimals, step = _decimals_and_step(currency.upper())
    units = amount.scaleb(decimals)
    if units != units.to_integral_value() or int(units) % step:
        raise UnsupportedAmount(str(Decimal(step).scaleb(-decimals)))
    return int(units)


def _decimals_and_step(currency: str) -> tuple[int, int]:
    if currency in ZERO_DECIMAL:
        return 0, 1
    if currency in THREE_DECIMAL:
        return 3, 10
    return 2, 100 if currency in WHOLE_UNITS_ONLY else 1
