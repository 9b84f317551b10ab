"""Calculate what each line of an order cost, from the amounts of the lines and of the whole order.

Stores differ: prices include tax or not, the order's discount is included in the lines or not, a gift card reduces the
total or only pays part of it. The order's total shows which, because the lines have to add up to it. If they don't in
any reading, nothing is calculated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from itertools import product

from orders.money import is_whole, round_to_currency, smallest_unit
from refunds.amounts import allocate

ZERO = Decimal(0)


@dataclass(slots=True)
class Part:
    """The known amounts of an item, or of a cost such as shipping. A gift card is a cost with a negative amount."""

    amount: Decimal  # price times quantity, before discount and tax
    discount: Decimal = ZERO  # of the part itself
    tax: Decimal | None = None  # of the part itself, if known
    is_taxable: bool = True
    is_gift_card: bool = False  # it may have reduced the total


@dataclass(slots=True)
class Settled:
    """What a line cost. The tax is part of its total."""

    discount: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class Settlement:
    """The lines of an order, which add up to its total. Gift cards are None if they didn't reduce the total."""

    items: list[Settled]
    costs: list[Settled | None]


@dataclass(frozen=True)
class OrderAmounts:
    """The known amounts of a whole order; None if unknown."""

    total: Decimal
    tax: Decimal | None = None
    discount: Decimal | None = None
    subtotal: Decimal | None = None


@dataclass(frozen=True)
class _Reading:
    """One interpretation of the amounts."""

    own_discounts: bool  # whether the discounts of lines are deducted
    shared_discount: Decimal  # deducted from all items together
    cost_discount: Decimal  # deducted from all costs together
    tax_on_top: bool
    gift_cards: bool  # whether they reduce the total


def settle(items: Sequence[Part], costs: Sequence[Part], order: OrderAmounts, currency: str) -> Settlement | None:
    """Return what each line cost, adding up to the order's total; None if no reading adds up.

    If there are several readings, one that also agrees with the subtotal is used. A tax or discount of the order is
    allocated to the lines in proportion to their amounts, by largest remainder. If the store rounded its amounts, the
    difference of at most half a smallest unit for each line is added to the largest item.
    """
    step = smallest_unit(currency)
    settlement: Settlement | None = None
    nearly: list[tuple[Decimal, Settlement]] = []
    for reading in _readings(items, costs, order):
        settled = _apply(reading, items, costs, order, currency)
        difference = order.total - _sum(settled)
        if difference == ZERO:
            settlement = settlement or settled
            if _agrees_with_subtotal(reading, settled, order.subtotal):
                settlement = settled
                break
        elif items and abs(difference) <= step * (len(items) + len(costs)) / 2:
            nearly.append((abs(difference), settled))
    if settlement is None and nearly:
        settlement = min(nearly, key=lambda each: each[0])[1]
        largest = max(settlement.items, key=lambda each: each.total)
        largest.total += order.total - _sum(settlement)
    if settlement is not None:
        _round(settlement, order.total, currency)
    return settlement


def _round(settlement: Settlement, total: Decimal, currency: str) -> None:
    """Round fractions of the smallest unit by largest remainder, so that the lines still add up."""
    step = smallest_unit(currency)
    lines = [each for each in (*settlement.items, *settlement.costs) if each is not None]
    if not is_whole(total, currency) or all(is_whole(line.total, currency) for line in lines):
        return
    remainders = [line.total - (line.total / step).to_integral_value(ROUND_FLOOR) * step for line in lines]
    for line, remainder in zip(lines, remainders, strict=True):
        line.total -= remainder
        line.tax = round_to_currency(line.tax, currency)
    missing = int((total - sum((line.total for line in lines), ZERO)) / step)
    for index in sorted(range(len(lines)), key=lambda index: -remainders[index])[:missing]:
        lines[index].total += step


def _readings(items: Sequence[Part], costs: Sequence[Part], order: OrderAmounts) -> Iterator[_Reading]:
    """Yield all interpretations of the amounts, most likely first."""
    own = sum((item.discount for item in items), ZERO)
    whole = order.discount or ZERO
    if own:
        discounts = [(True, whole - own if whole > own else ZERO, ZERO), (True, ZERO, ZERO), (True, whole, ZERO)]
        discounts += [(False, whole, ZERO), (False, ZERO, ZERO)]
    else:
        discounts = [(True, whole, ZERO), (True, ZERO, ZERO)]
    if whole > own and whole - own <= sum((cost.amount for cost in costs), ZERO):
        discounts.append((True, ZERO, whole - own))  # free shipping
    has_tax = bool(order.tax) or any(part.tax for part in (*items, *costs))
    has_gift_card = any(cost.is_gift_card for cost in costs)
    for (own_discounts, shared, on_costs), on_top, gift_cards in product(
        dict.fromkeys(discounts), (True, False) if has_tax else (False,), (True, False) if has_gift_card else (False,)
    ):
        yield _Reading(own_discounts, shared, on_costs, on_top, gift_cards)


def _apply(
    reading: _Reading, items: Sequence[Part], costs: Sequence[Part], order: OrderAmounts, currency: str
) -> Settlement:
    discounts = [item.discount if reading.own_discounts else ZERO for item in items]
    net = [item.amount - discount for item, discount in zip(items, discounts, strict=True)]
    if reading.shared_discount:
        shares = allocate(reading.shared_discount, _positive(net), currency)
        discounts = [discount + share for discount, share in zip(discounts, shares, strict=True)]
        net = [amount - share for amount, share in zip(net, shares, strict=True)]
    counted = [cost for cost in costs if reading.gift_cards or not cost.is_gift_card]
    cost_discounts, cost_net = [ZERO] * len(counted), [cost.amount for cost in counted]
    if reading.cost_discount:
        cost_discounts = allocate(reading.cost_discount, _positive(cost_net), currency)
        cost_net = [amount - discount for amount, discount in zip(cost_net, cost_discounts, strict=True)]
    taxes, cost_taxes = _share_tax(order.tax, items, net, counted, cost_net, currency)
    added = 1 if reading.tax_on_top else 0
    settled_costs = iter(
        [
            Settled(discount, tax, amount + tax * added)
            for discount, tax, amount in zip(cost_discounts, cost_taxes, cost_net, strict=True)
        ]
    )
    return Settlement(
        [
            Settled(discount, tax, amount + tax * added)
            for discount, tax, amount in zip(discounts, taxes, net, strict=True)
        ],
        [next(settled_costs) if reading.gift_cards or not cost.is_gift_card else None for cost in costs],
    )


def _share_tax(
    tax: Decimal | None,
    items: Sequence[Part],
    net: Sequence[Decimal],
    costs: Sequence[Part],
    cost_net: Sequence[Decimal],
    currency: str,
) -> tuple[list[Decimal], list[Decimal]]:
    """Return the tax of each item and cost: its own if known, otherwise a share in proportion to the taxable amounts.

    If items have their own tax, the rest belongs to the costs. Otherwise, it is allocated to the items, because it is
    unknown whether shipping was taxed.
    """
    own = [item.tax or ZERO for item in items]
    cost_own = [cost.tax or ZERO for cost in costs]
    rest = (tax or ZERO) - sum(own, ZERO) - sum(cost_own, ZERO)
    if rest <= ZERO:
        return own, cost_own
    taxable_items = [
        max(amount, ZERO) if item.is_taxable and item.tax is None else ZERO
        for item, amount in zip(items, net, strict=True)
    ]
    taxable_costs = [
        max(amount, ZERO) if cost.tax is None and not cost.is_gift_card else ZERO
        for cost, amount in zip(costs, cost_net, strict=True)
    ]
    if any(taxable_items):
        shares = allocate(rest, taxable_items, currency)
        return [known + share for known, share in zip(own, shares, strict=True)], cost_own
    shares = allocate(rest, taxable_costs, currency)
    return own, [known + share for known, share in zip(cost_own, shares, strict=True)]


def _agrees_with_subtotal(reading: _Reading, settled: Settlement, subtotal: Decimal | None) -> bool:
    """Whether the subtotal is the price of the items after their discounts, without tax on top."""
    if subtotal is None:
        return True
    taxes = sum((each.tax for each in settled.items), ZERO) if reading.tax_on_top else ZERO
    return subtotal == sum((each.total for each in settled.items), ZERO) - taxes


def _positive(amounts: Sequence[Decimal]) -> list[Decimal]:
    return [max(amount, ZERO) for amount in amounts]


def _sum(settlement: Settlement) -> Decimal:
    return sum((each.total for each in (*settlement.items, *settlement.costs) if each is not None), ZERO)
