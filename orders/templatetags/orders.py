"""Money, dates and the look, for templates."""

from collections.abc import Hashable, Iterable
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from html import escape

from django import template
from django.template import Context
from django.template.base import NodeList, Parser, Token
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from notifications.site import page_path
from orders import formats, theme
from orders.models import Order, OrderLine
from orders.money import format_money, money_in

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
    """What is taken off, with the minus where the language puts it."""
    return format_money(-amount, currency)


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
    """The stylesheet of the vendor's color; its address changes with the color."""
    return theme.url()


@register.simple_tag
def site_page(name: str) -> str:
    """The path of a page that a room above has, as `help`."""
    return page_path(name)


class SharedNode(template.Node):
    """See `shared`."""

    child_nodelists = ()  # no blocks inside: a page that extends another looks for them at each rendering

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self.kept: dict[Hashable, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        vendor = context.get("vendor")
        key = (get_language(), vendor)
        kept = self.kept.get(key)
        if kept is None:
            # A context of its own: nothing of one person's page can get into everybody's.
            alone = Context({"vendor": vendor, "demo": context.get("demo")})
            with alone.bind_template(context.template):  # type: ignore[arg-type]  # there is one
                kept = self.kept[key] = self.nodelist.render(alone)
        return kept


@register.tag
def shared(parser: Parser, token: Token) -> SharedNode:
    """`{% shared %}…{% endshared %}`: what every page of a language says alike, rendered once.

    Labels, headings and the page's frame take longer than all that is the person's own. What stands
    inside knows the language, `vendor` and `demo`, and nothing else. No blocks inside.
    """
    nodelist = parser.parse(("endshared",))
    parser.delete_first_token()
    return SharedNode(nodelist)


# --- The tables of an order -------------------------------------------------------------------------------
# Written here and not in a template or by format_html, which take many times as long for an order of many items.
# Whatever stands in them is escaped first.

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
    """What was bought, as the rows of a table."""
    language = formats.active_language()
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
            unit_price=_amount(line.unit_price, currency, language),
            tax=_amount(line.tax, currency, language),
            total=_amount(line.total, currency, language),
        )
        for line in lines
    )
    return mark_safe("".join(rows))  # noqa: S308 (escaped above)


@lru_cache(maxsize=formats.CACHED_RESULTS)
def _amount(amount: Decimal, currency: str, language: str) -> str:
    return escape(money_in(amount, currency, language))


def _notes(line: OrderLine, currency: str) -> list[str]:
    notes = [line.sku] if line.sku else []
    if line.discount:
        notes.append(gettext("Discount: %(amount)s") % {"amount": format_money(line.discount, currency)})
    if line.quantity_returned:
        notes.append(gettext("Returned: %(count)s") % {"count": line.quantity_returned})
    return notes


_TOTAL = '<div{attributes}><dt>{label}</dt><dd class="number">{amount}</dd></div>\n'


@register.simple_tag
def order_totals(order: Order) -> SafeString:
    """What the items come to, as the rows of a definition list."""
    rows = [("", gettext("Subtotal"), order.subtotal)]
    if order.discount:
        rows.append(("", gettext("Discount"), -order.discount))
    rows += [("", gettext("Tax"), order.tax), (' class="grand"', gettext("Total"), order.total)]
    written = (
        _TOTAL.format(attributes=attributes, label=escape(label), amount=escape(money(amount, order.currency)))
        for attributes, label, amount in rows
    )
    return mark_safe("".join(written))  # noqa: S308 (escaped above)


_FACT = "<div><dt>{label}</dt><dd>{value}</dd></div>\n"
_QUIET = '<span class="quiet fw-normal">{}</span>'
_DIGITS = '<span class="number">•••• {}</span>'


@register.simple_tag
def order_facts(order: Order) -> SafeString:
    """When, by whom and how the order was paid, as the rows of a definition list."""
    zone = order.store.tzinfo
    names = [escape(name) for name in (order.billing_name, order.billing_company) if name]
    zone_quiet = _QUIET.format(f"({escape(formats.zone_name(order.placed_at, zone))})")
    facts = [
        (gettext("Ordered on"), f"{escape(formats.local_time(order.placed_at, zone))} {zone_quiet}"),
        (gettext("Paid with"), _payment(order)),
        (gettext("Billed to"), "<br>".join(names)),
        (gettext("Country"), escape(formats.country(order.billing_country)) if order.billing_country else ""),
        (gettext("Store"), escape(order.store.name)),
        (gettext("Note"), escape(gettext("A test order: nothing was paid.")) if order.is_test else ""),
    ]
    written = (_FACT.format(label=escape(label), value=value) for label, value in facts if value)
    return mark_safe("".join(written))  # noqa: S308 (escaped above)


def _payment(order: Order) -> str:
    method = formats.payment(order)
    if not method:
        return ""
    if order.wallet and order.card_brand:
        method += f", {formats.card_brand(order.card_brand)}"
    written = escape(method)
    if order.card_last4:
        written += f" {_DIGITS.format(escape(order.card_last4))}"
    if order.device_last4 and order.device_last4 != order.card_last4:
        in_wallet = f"{escape(gettext('shown in the wallet as'))} {_DIGITS.format(escape(order.device_last4))}"
        written += f"<br>{_QUIET.format(in_wallet)}"
    return written
