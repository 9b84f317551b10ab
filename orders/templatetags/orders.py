"""Filters for money and dates, and the addresses of the theme and of other apps' pages."""

from datetime import date, datetime, tzinfo
from decimal import Decimal

from django import template

from notifications.site import page_path
from orders import formats, theme
from orders.models import Refund
from orders.money import format_money

register = template.Library()

register.filter("country", formats.country)
register.filter("card_brand", formats.card_brand)
register.filter("wallet", formats.wallet)
register.filter("percent", formats.percent)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    return format_money(amount, currency)


@register.filter
def money_off(amount: Decimal, currency: str) -> str:
    """A discount: negative, with the minus sign where the language puts it."""
    return format_money(-amount, currency)


@register.filter
def day(value: date) -> str:
    return formats.day(value)


@register.filter
def local_day(moment: datetime, zone: tzinfo) -> str:
    return formats.local_day(moment, zone)


@register.filter
def refund_day(refund: Refund, zone: tzinfo) -> str:
    return formats.refund_day(refund, zone)


@register.filter
def local_time(moment: datetime, zone: tzinfo) -> str:
    return formats.local_time(moment, zone)


@register.filter
def zone_name(moment: datetime, zone: tzinfo) -> str:
    return formats.zone_name(moment, zone)


@register.simple_tag
def theme_url() -> str:
    """The URL of the stylesheet with the vendor's color; it changes with the color."""
    return theme.url()


@register.simple_tag
def site_page(name: str) -> str:
    """The path of a page in SITE_PAGES, such as "help"."""
    return page_path(name)
