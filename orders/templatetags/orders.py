"""Money, dates and the look, for templates."""

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from decimal import Decimal
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from orders import formats, theme
from orders.models import OrderLine

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


# Written here and not in a template or by format_html, which take many times as long for an order of many items.
# Whatever stands in it is escaped first.
_ITEM = (
    '<tr role="row"><td role="cell" class="name">{name}{notes}</td>'
    '<td role="cell" class="amount detail" data-label="{quantity_label}">{quantity}</td>'
    '<td role="cell" class="amount number detail" data-label="{unit_price_label}">{unit_price}</td>'
    '<td role="cell" class="amount number detail" data-label="{tax_label}">{tax}</td>'
    '<td role="cell" class="amount number total">{total}</td></tr>\n'
)
_NOTE = '<br><small class="quiet">{}</small>'


@register.simple_tag
def item_rows(lines: Iterable[OrderLine], currency: str) -> SafeString:
    """The rows of templates/orders/_items.html."""
    labels = {
        "quantity_label": escape(gettext("Quantity")),
        "unit_price_label": escape(gettext("Unit price")),
        "tax_label": escape(gettext("Tax")),
    }
    rows = (
        _ITEM.format(
            **labels,
            name=escape(line.name),
            notes="".join(_NOTE.format(escape(note)) for note in _notes(line, currency)),
            quantity=line.quantity,
            unit_price=escape(formats.money(line.unit_price, currency)),
            tax=escape(formats.money(line.tax, currency)),
            total=escape(formats.money(line.total, currency)),
        )
        for line in lines
    )
    return mark_safe("".join(rows))  # noqa: S308 (escaped above)


def _notes(line: OrderLine, currency: str) -> list[str]:
    notes = [line.sku] if line.sku else []
    if line.discount:
        notes.append(gettext("Discount: %(amount)s") % {"amount": formats.money(line.discount, currency)})
    if line.quantity_returned:
        notes.append(gettext("Returned: %(count)s") % {"count": line.quantity_returned})
    return notes
