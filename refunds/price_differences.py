"""The price difference of a product swap as text."""

from decimal import Decimal

from django.utils.translation import gettext

from orders.money import format_money


def format_price_difference(amount: Decimal | None, currency: str) -> str:
    """Describe a difference: positive is to be paid, negative is refunded, None is unknown."""
    if amount is None:
        return gettext("we’ll tell you the price")
    if not amount:
        return gettext("no price difference")
    sentence = gettext("%(amount)s to pay") if amount > 0 else gettext("%(amount)s refund")
    return sentence % {"amount": format_money(abs(amount), currency)}
