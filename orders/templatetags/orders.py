"""Filters for money and dates, and the addresses of the theme and of other apps' pages."""

from decimal import Decimal

from django import template

from notifications.labels import with_colon
from notifications.site import page_path
from notifications.vendor_texts import vendor_text
from orders import formats, theme
from orders.money import format_money

register = template.Library()

register.filter("country", formats.country)
register.filter("card_brand", formats.card_brand)
register.filter("wallet", formats.wallet)
register.filter("count", formats.count)
register.filter("percent", formats.percent)
register.filter("day", formats.day)
register.filter("local_day", formats.local_day)
register.filter("local_day_with_zone", formats.local_day_with_zone)
register.filter("local_time", formats.local_time)
register.filter("exact_time", formats.exact_time)
register.filter("refund_day", formats.refund_day)
register.filter("with_colon", with_colon)
register.filter("vendor_text", vendor_text)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    return format_money(amount, currency)


@register.filter
def money_off(amount: Decimal, currency: str) -> str:
    """Format a discount: negative, with the minus sign in the position used by the language."""
    return format_money(-amount, currency)


@register.simple_tag
def theme_url() -> str:
    """The URL of the stylesheet with the vendor's color; it changes with the color."""
    return theme.url()


@register.simple_tag
def site_page(name: str) -> str:
    """The path of a page in SITE_PAGES, such as "help"."""
    return page_path(name)
