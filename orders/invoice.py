"""The content of an invoice, built once for the page and the PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import get_language, gettext

from orders import formats
from orders.models import Order, OrderLine, Refund
from orders.money import format_money

LabelsAndValues = list[tuple[str, str]]


@dataclass(frozen=True)
class Invoice:
    """All texts and amounts, formatted in the active language."""

    title: str
    number: str
    notice: str  # says that it is not a tax invoice; empty if it is one
    language: str
    order_number: str
    seller: list[str]
    buyer: list[str]
    facts: LabelsAndValues
    columns: list[str]
    rows: list[list[str]]
    totals: LabelsAndValues
    grand_total: tuple[str, str]
    remarks: list[str]

    @property
    def labeled_rows(self) -> list[LabelsAndValues]:
        """The values of each row with the names of their columns, for screens that are too narrow for a table."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


def build_invoice(order: Order, lines: Sequence[OrderLine], refunds: Sequence[Refund]) -> Invoice:
    """Build the invoice of an order whose store is loaded. Executes no query."""
    is_tax_invoice = bool(order.invoice_number)
    return Invoice(
        title=gettext("Invoice") if is_tax_invoice else gettext("Order statement"),
        number=order.invoice_number or order.number,
        notice="" if is_tax_invoice else gettext("This is an order statement, not a tax invoice."),
        language=get_language() or "",
        order_number=order.number,
        seller=_non_empty_lines(order.invoice_seller or order.store.seller or order.store.public_name),
        buyer=_buyer(order),
        facts=_facts(order, is_tax_invoice),
        columns=[gettext("Item"), gettext("Quantity"), gettext("Unit price"), gettext("Tax"), gettext("Total")],
        rows=[_row(order, line) for line in lines],
        totals=_totals(order, lines),
        grand_total=(gettext("Total"), format_money(order.total, order.currency)),
        remarks=_remarks(order, refunds),
    )


def _non_empty_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _buyer(order: Order) -> list[str]:
    parts = [
        order.billing_company,
        order.billing_name,
        *_non_empty_lines(order.billing_address),
        f"{order.billing_postcode} {order.billing_city}".strip(),
        formats.country(order.billing_country),
        gettext("VAT ID: %(id)s") % {"id": order.billing_vat_id} if order.billing_vat_id else "",
    ]
    return [part for part in parts if part]


def _facts(order: Order, is_tax_invoice: bool) -> LabelsAndValues:
    place = order.locality
    facts: LabelsAndValues = []
    if is_tax_invoice:
        facts.append((gettext("Invoice number"), order.invoice_number))
        if order.invoice_issued_on:
            facts.append((gettext("Invoice date"), formats.day(order.invoice_issued_on, place)))
    facts.append((gettext("Order number"), order.number))
    facts.append((gettext("Order date"), formats.local_day(order.placed_at, place)))
    if payment := formats.payment_line(order):
        facts.append((gettext("Paid with"), payment))
    return facts


def _row(order: Order, line: OrderLine) -> list[str]:
    name = line.name
    if line.sku:
        name += f" ({line.sku})"
    if line.discount:
        discount = gettext("Discount: %(amount)s") % {"amount": format_money(line.discount, order.currency)}
        name += f"\n{discount}"
    tax = format_money(line.tax, order.currency)
    if line.tax_rate is not None:
        tax += f" ({formats.percent(line.tax_rate)})"
    return [
        name,
        formats.count(line.quantity),
        format_money(line.unit_price, order.currency),
        tax,
        format_money(line.total, order.currency),
    ]


def _totals(order: Order, lines: Sequence[OrderLine]) -> LabelsAndValues:
    totals = [(gettext("Subtotal"), format_money(order.subtotal, order.currency))]
    if order.discount:
        totals.append((gettext("Discount"), format_money(-order.discount, order.currency)))
    return totals + _taxes(order, lines)


def _taxes(order: Order, lines: Sequence[OrderLine]) -> LabelsAndValues:
    """Return the tax per rate, if the lines have rates and add up to the order's tax; otherwise only that tax."""
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
        (
            gettext("Refunded on %(day)s: %(amount)s")
            if refund.refunded_at
            else gettext("Refunded before %(day)s: %(amount)s")
        )
        % {
            "day": formats.local_day(refund.known_at, order.locality),
            "amount": format_money(refund.amount, order.currency),
        }
        for refund in refunds
    ]
