"""How much comes back for units of a line: in whole cents, and together never more than was paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orders.models import OrderLine
from orders.money import round_to_currency

ZERO = Decimal(0)


@dataclass(frozen=True)
class Share:
    """What comes back, with the tax in it; in the order's currency."""

    amount: Decimal
    tax: Decimal


def paid_for(lines: Sequence[OrderLine], order_total: Decimal, currency: str) -> dict[int, Decimal]:
    """What was paid for each line, by its id, with tax.

    A line's own total; where the order cost less than its lines together (a voucher on the whole
    order), each line bears its part, and the parts add up to the order's total to the last cent.
    """
    together = sum((line.total for line in lines), ZERO)
    if together <= order_total or together <= ZERO:
        return {line.pk: line.total for line in lines}
    paid: dict[int, Decimal] = {}
    lines_before = paid_before = ZERO
    for line in lines:
        lines_before += line.total
        paid_so_far = round_to_currency(max(order_total, ZERO) * lines_before / together, currency)
        paid[line.pk] = paid_so_far - paid_before
        paid_before = paid_so_far
    return paid


def share(line: OrderLine, paid: Decimal, units_before: int, units: int, currency: str) -> Share:
    """What comes back for `units` more units of a line of which `units_before` went back already.

    Cents that don't divide fall on one unit or the other; all units together are what was paid.
    """
    tax = line.tax * paid / line.total if line.total else ZERO
    return Share(
        amount=_part(paid, line.quantity, units_before, units, currency),
        tax=_part(tax, line.quantity, units_before, units, currency),
    )


def _part(whole: Decimal, quantity: int, units_before: int, units: int, currency: str) -> Decimal:
    before = round_to_currency(whole * units_before / quantity, currency)
    return round_to_currency(whole * (units_before + units) / quantity, currency) - before
