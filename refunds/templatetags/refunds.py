"""Amounts as programs read them, for templates."""

from decimal import Decimal

from django import template

from refunds.amounts import smallest

register = template.Library()


@register.filter
def plain_amount(amount: Decimal, currency: str) -> str:
    """As in 79.95, 80 or 79.950: with a point, and as many decimals as the currency has."""
    return f"{amount.quantize(smallest(currency)):f}"
