"""Money, dates and the look, for templates."""

from datetime import date, datetime, tzinfo
from decimal import Decimal

from django import template

from orders import formats, theme

register = template.Library()

register.filter("country", formats.country)
register.filter("card_brand", formats.card_brand)
register.filter("wallet", formats.wallet)
register.filter("percent", formats.percent)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    return formats.money(amount, currency)


@register.filter
def money_off(amount: Decimal, currency: str) -> str:
    """What is taken off, with the minus where the language puts it."""
    return formats.money(-amount, currency)


@register.filter
def day(value: date) -> str:
    return formats.day(value)


@register.filter
def local_day(moment: datetime, zone: tzinfo) -> str:
    return formats.local_day(moment, zone)


@register.filter
def local_time(moment: datetime, zone: tzinfo) -> str:
    return formats.local_time(moment, zone)


@register.filter
def zone_name(moment: datetime, zone: tzinfo) -> str:
    return formats.zone_name(moment, zone)


@register.simple_tag
def theme_url() -> str:
    """The stylesheet of the vendor's colour; its address changes with the colour."""
    return theme.url()
