"""Refund amounts for units of an order line, rounded to the currency, never more in total than was paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orders.models import OrderLine
from orders.money import round_to_currency

ZERO = Decimal(0)


@dataclass(frozen=True)
class RefundAmount:
    """An amount to refund, and the tax it includes, in the order's currency."""

    amount: Decimal
    tax: Decimal


def paid_per_line(lines: Sequence[OrderLine], order_total: Decimal, currency: str) -> dict[int, Decimal]:
    """Return the amount paid for each line, including tax, by the line's id.

    Usually the line's own total. If the order's total is less than the sum of its lines (a voucher on the
    whole order), the discount is spread over the lines in proportion, so that they add up to the total exactly.
    """
    lines_total = sum((line.total for line in lines), ZERO)
    if lines_total <= order_total or lines_total <= ZERO:
        return {line.pk: line.total for line in lines}
    paid: dict[int, Decimal] = {}
    lines_before = paid_before = ZERO
    for line in lines:
        lines_before += line.total
        paid_so_far = round_to_currency(max(order_total, ZERO) * lines_before / lines_total, currency)
        paid[line.pk] = paid_so_far - paid_before
        paid_before = paid_so_far
    return paid


def refund_amount(line: OrderLine, paid: Decimal, units_before: int, units: int, currency: str) -> RefundAmount:
    """Return the amount for the next `units` of a line, after `units_before` units of it.

    The amounts of all units add up to `paid`: where it does not divide evenly, single units differ by a cent.
    """
    tax = line.tax * paid / line.total if line.total else ZERO
    return RefundAmount(
        amount=_portion(paid, line.quantity, units_before, units, currency),
        tax=_portion(tax, line.quantity, units_before, units, currency),
    )


def _portion(total: Decimal, quantity: int, units_before: int, units: int, currency: str) -> Decimal:
    before = round_to_currency(total * units_before / quantity, currency)
    return round_to_currency(total * (units_before + units) / quantity, currency) - before
