"""What an invoice says, built once: the page and the paper show the same words."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import get_language, gettext

from orders import formats
from orders.models import Order, OrderLine, Refund
from orders.money import format_money

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Invoice:
    """All words and amounts in the active language, ready to be shown."""

    title: str
    number: str
    notice: str  # what it is not; empty for a tax invoice
    language: str
    order_number: str
    seller: list[str]
    buyer: list[str]
    facts: Pairs
    columns: list[str]
    rows: list[list[str]]
    totals: Pairs
    grand_total: tuple[str, str]
    remarks: list[str]

    @property
    def labeled_rows(self) -> list[Pairs]:
        """Each value with its column's name, for screens too narrow for columns."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


def build(order: Order, lines: Sequence[OrderLine], refunds: Sequence[Refund]) -> Invoice:
    """The invoice of an order whose store is loaded. Runs no query."""
    is_tax_invoice = bool(order.invoice_number)
    return Invoice(
        title=gettext("Invoice") if is_tax_invoice else gettext("Order statement"),
        number=order.invoice_number or order.number,
        notice="" if is_tax_invoice else gettext("This is an order statement, not a tax invoice."),
        language=get_language() or "",
        order_number=order.number,
        seller=_filled(order.invoice_seller or order.store.seller or order.store.name),
        buyer=_buyer(order),
        facts=_facts(order, is_tax_invoice),
        columns=[gettext("Item"), gettext("Quantity"), gettext("Unit price"), gettext("Tax"), gettext("Total")],
        rows=[_row(order, line) for line in lines],
        totals=_totals(order, lines),
        grand_total=(gettext("Total"), format_money(order.total, order.currency)),
        remarks=_remarks(order, refunds),
    )


def _filled(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _buyer(order: Order) -> list[str]:
    parts = [
        order.billing_company,
        order.billing_name,
        *_filled(order.billing_address),
        f"{order.billing_postcode} {order.billing_city}".strip(),
        formats.country(order.billing_country),
        gettext("VAT ID: %(id)s") % {"id": order.billing_vat_id} if order.billing_vat_id else "",
    ]
    return [part for part in parts if part]


def _facts(order: Order, is_tax_invoice: bool) -> Pairs:
    zone = order.store.tzinfo
    facts: Pairs = []
    if is_tax_invoice:
        facts.append((gettext("Invoice number"), order.invoice_number))
        if order.invoice_issued_on:
            facts.append((gettext("Invoice date"), formats.day(order.invoice_issued_on)))
    facts.append((gettext("Order number"), order.number))
    facts.append((gettext("Order date"), formats.local_day(order.placed_at, zone)))
    if payment := formats.payment_line(order):
        facts.append((gettext("Paid with"), payment))
    return facts


def _row(order: Order, line: OrderLine) -> list[str]:
    name = line.name
    if line.sku:
        name += f" ({line.sku})"
    if line.discount:
        discount = format_money(line.discount, order.currency)
        name += f"\n{gettext('Discount: %(amount)s') % {'amount': discount}}"
    tax = format_money(line.tax, order.currency)
    if line.tax_rate is not None:
        tax += f" ({formats.percent(line.tax_rate)})"
    return [
        name,
        str(line.quantity),
        format_money(line.unit_price, order.currency),
        tax,
        format_money(line.total, order.currency),
    ]


def _totals(order: Order, lines: Sequence[OrderLine]) -> Pairs:
    totals = [(gettext("Subtotal"), format_money(order.subtotal, order.currency))]
    if order.discount:
        totals.append((gettext("Discount"), format_money(-order.discount, order.currency)))
    return totals + _taxes(order, lines)


def _taxes(order: Order, lines: Sequence[OrderLine]) -> Pairs:
    """The tax of each rate, where the lines say it and add up to the order's; else the order's tax."""
    by_rate: dict[Decimal, Decimal] = {}
    for line in lines:
        if line.tax_rate is not None:
            by_rate[line.tax_rate] = by_rate.get(line.tax_rate, Decimal(0)) + line.tax
    if not by_rate or sum(by_rate.values()) != order.tax:
        return [(gettext("Tax"), format_money(order.tax, order.currency))]
    return [
        (gettext("Tax %(rate)s") % {"rate": formats.percent(rate)}, format_money(tax, order.currency))
        for rate, tax in sorted(by_rate.items(), reverse=True)
    ]


def _remarks(order: Order, refunds: Sequence[Refund]) -> list[str]:
    return [
        gettext("Refunded on %(day)s: %(amount)s")
        % {
            "day": formats.local_day(refund.refunded_at, order.store.tzinfo),
            "amount": format_money(refund.amount, order.currency),
        }
        for refund in refunds
    ]
