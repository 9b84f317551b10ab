"""What a swap costs, in words."""

from decimal import Decimal

from django.utils.translation import gettext

from orders.money import format_money


def price_difference(amount: Decimal | None, currency: str) -> str:
    """Above zero to pay, below zero what comes back; None where nobody knows it yet."""
    if amount is None:
        return gettext("support tells you the price")
    if not amount:
        return gettext("no difference in price")
    told = gettext("%(amount)s to pay") if amount > 0 else gettext("%(amount)s comes back")
    return told % {"amount": format_money(abs(amount), currency)}
