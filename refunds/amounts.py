"""What the buyer paid for each order line and each unit of it: the refund amounts of an order.

The rules, with the reasons:

- The parts of all units add up exactly to the order's total. No part is negative, or more than was paid for its units.
- An order's total often differs from the sum of its lines: tax on top, a discount on the whole order, shipping, a fee,
  a voucher. All of these are allocated to the units in proportion to their prices, because they were paid with them.
- Lines that can't be returned on their own are allocated as well: lines with a negative total (vouchers, refunded
  fees), and costs that stores export as lines (shipping, fees: the kind "other" without a SKU). They can be returned
  together with items, for an amount of zero.
- Amounts are rounded to the smallest unit of the currency. Only a total that is finer than that is divided in
  thousandths, as stored, and the last unit of a line gets the fraction, so that it is neither lost nor rounded up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from orders.models import Order, OrderLine
from orders.money import is_whole, round_to_currency, smallest_unit

ZERO = Decimal(0)
STORED_STEP = Decimal("0.001")  # amounts are stored in thousandths


@dataclass(frozen=True)
class RefundAmount:
    """An amount to refund, and the tax it includes, in the order's currency."""

    amount: Decimal
    tax: Decimal


NOTHING = RefundAmount(ZERO, ZERO)


@dataclass(frozen=True)
class LinePayment:
    """What was paid for one order line, including its share of tax, discounts and costs."""

    amount: Decimal
    tax: Decimal  # included in the amount
    quantity: int
    currency: str
    is_shared: bool = False  # not an item: its amount is allocated to the other lines
    is_cost: bool = False  # shipping or a fee

    def first_units(self, units: int) -> RefundAmount:
        """Return the part of the first `units` of the line. For all units, it is exactly what was paid."""
        if units >= self.quantity:
            return RefundAmount(self.amount, self.tax)
        whole = self.amount.quantize(smallest_unit(self.currency), rounding=ROUND_DOWN)
        amount = round_to_currency(whole * units / self.quantity, self.currency)
        return RefundAmount(amount, self._tax_within(amount))

    def next_units(self, units_before: int, units: int, taken: RefundAmount | None = None) -> RefundAmount:
        """Return the part of the next `units`, after `units_before` units for which `taken` was refunded or requested.

        `taken` differs from `first_units` if an earlier return was canceled. The next part makes up for the difference,
        so that the sum is never more than was paid.
        """
        if taken is None:
            taken = self.first_units(units_before)
        amount = max(self.first_units(units_before + units).amount - taken.amount, ZERO)
        tax = self._tax_within(taken.amount + amount) - taken.tax
        return RefundAmount(amount, min(max(tax, ZERO), amount))

    def _tax_within(self, amount: Decimal) -> Decimal:
        """Return the tax in a part of the amount."""
        if amount >= self.amount:
            return self.tax
        return round_to_currency(self.tax * amount / self.amount, self.currency)


def paid_per_line(order: Order, lines: Sequence[OrderLine]) -> dict[int, LinePayment]:
    """Return what was paid for each line of an order, by the line's id. The amounts add up to the order's total."""
    prices = _prices(order, lines)
    weights = _weights(prices, lines)
    amounts = allocate(max(order.total, ZERO), weights, order.currency)
    taxes = _taxes(order, lines, prices, amounts)
    return {
        line.pk: LinePayment(
            amount,
            tax,
            max(line.quantity, 1),
            order.currency,
            is_shared=bool(price and not weight),
            is_cost=is_cost(line),
        )
        for line, price, weight, amount, tax in zip(lines, prices, weights, amounts, taxes, strict=True)
    }


def allocate(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Divide a total in proportion to weights, by largest remainder. If remainders are equal, the first one gets the
    unit.

    The parts add up to the total. They are multiples of the currency's smallest unit if the total is, otherwise of
    0.001.
    """
    step = smallest_unit(currency) if is_whole(total, currency) else STORED_STEP
    steps = int(total / step)
    numbers = [int(weight / STORED_STEP) for weight in weights]
    if not (sum_of_weights := sum(numbers)):
        return [ZERO for _weight in weights]
    parts, remainders = [], []
    for number in numbers:
        part, remainder = divmod(steps * number, sum_of_weights)
        parts.append(part)
        remainders.append(remainder)
    by_remainder = sorted(range(len(parts)), key=lambda index: -remainders[index])  # stable
    for index in by_remainder[: steps - sum(parts)]:
        parts[index] += 1
    return [part * step for part in parts]


def can_be_approved(amount: Decimal, most: Decimal, currency: str) -> bool:
    """Whether staff can approve this amount: at most `most`, and payable, unless it is the whole of a finer amount."""
    return ZERO < amount <= most and (amount == most or is_whole(amount, currency))


def _prices(order: Order, lines: Sequence[OrderLine]) -> list[Decimal]:
    """Return the price of each line including tax, before discounts and costs of the whole order.

    Some stores export line totals without tax ("tax on top"). They are recognized by the order's total.
    """
    totals = [line.total for line in lines]
    if all(_includes_tax(line) for line in lines if line.tax):
        return totals
    with_tax = [line.total + line.tax for line in lines]
    discounts = (ZERO, order.discount)  # line totals may or may not include it

    def distance(prices: Sequence[Decimal]) -> Decimal:
        return min(abs(order.total - sum(prices, ZERO) + discount) for discount in discounts)

    return with_tax if distance(with_tax) < distance(totals) else totals


def _includes_tax(line: OrderLine) -> bool:
    """Whether a line's total certainly includes its tax. If not, it may, if unit prices include tax."""
    return line.total == line.unit_price * line.quantity - line.discount + line.tax


def _weights(prices: Sequence[Decimal], lines: Sequence[OrderLine]) -> list[Decimal]:
    """Return the proportion in which each line gets a part of the order's total."""
    positive = [max(price, ZERO) if line.quantity else ZERO for price, line in zip(prices, lines, strict=True)]
    of_items = [ZERO if is_cost(line) else price for price, line in zip(positive, lines, strict=True)]
    if any(of_items):
        return of_items
    if any(positive):
        return positive
    return [Decimal(max(line.quantity, 1)) for line in lines]  # only the order says what was paid


def is_cost(line: OrderLine) -> bool:
    """Whether a line isn't an item, but shipping or a fee. Stores export these without a SKU."""
    return line.kind == OrderLine.Kind.OTHER and not line.sku


def _taxes(
    order: Order, lines: Sequence[OrderLine], prices: Sequence[Decimal], amounts: Sequence[Decimal]
) -> list[Decimal]:
    """Return the tax in each amount: in proportion to the line's own tax, or to the order's if lines have none."""
    if not any(line.tax > ZERO for line, amount in zip(lines, amounts, strict=True) if amount):
        return allocate(min(max(order.tax, ZERO), sum(amounts, ZERO)), amounts, order.currency)
    return [
        min(round_to_currency(max(line.tax, ZERO) * amount / price, order.currency), amount) if price > ZERO else ZERO
        for line, price, amount in zip(lines, prices, amounts, strict=True)
    ]
