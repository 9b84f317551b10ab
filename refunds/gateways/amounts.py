"""Amounts as Stripe counts them: in its own smallest units, which are not always ISO 4217's.

Source: https://docs.stripe.com/currencies (zero-decimal currencies, three-decimal currencies, special cases).
"""

from decimal import Decimal

ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMAL = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
# Written with two decimals, of which both must be zero.
WHOLE_IN_HUNDREDTHS = frozenset(("ISK", "UGX"))


class NotPayable(Exception):
    """An amount that Stripe does not take; `str()` of it is the step that amounts must keep to."""


def smallest_units(amount: Decimal, currency: str) -> int:
    """9.99 EUR is 999, 500 JPY is 500, 1.230 KWD is 1230. Raises NotPayable for what cannot be written so."""
    decimals, step = _decimals_and_step(currency.upper())
    units = amount.scaleb(decimals)
    if units != units.to_integral_value() or int(units) % step:
        raise NotPayable(str(Decimal(step).scaleb(-decimals)))
    return int(units)


def _decimals_and_step(currency: str) -> tuple[int, int]:
    if currency in ZERO_DECIMAL:
        return 0, 1
    if currency in THREE_DECIMAL:
        return 3, 10
    return 2, 100 if currency in WHOLE_IN_HUNDREDTHS else 1
