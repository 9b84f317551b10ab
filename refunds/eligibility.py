"""Which items of an order can be returned now, and why others can't. Used by pages, services and the admin."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from licenses.models import License, LicensedLine
from orders import formats
from orders.models import Order, OrderLine
from refunds.amounts import NOTHING, ZERO, LinePayment, RefundAmount, paid_per_line
from refunds.ledger import load_ledger
from refunds.models import Return, ReturnLine, Withdrawal
from refunds.policy import (
    PolicyTerms,
    StorePolicies,
    days_left,
    last_moment_before,
    return_deadlines,
    was_activated,
)
from refunds.waiting_times import extend_return_deadlines, load_waiting_times

NOTHING_PAID = _("Nothing was paid for this order, so there’s nothing to refund.")
TEST_ORDER = _("This is a test order. Nothing was paid, so there’s nothing to refund.")
REFUSED_ORDER_STATUSES = {
    Order.Status.PENDING: _("Your payment isn’t confirmed yet. You can request a return once it is."),
    Order.Status.CANCELLED: _("This order was canceled, so there’s nothing to return."),
    Order.Status.REFUNDED: _("We’ve already refunded this order."),
    Order.Status.CHARGED_BACK: _("Your bank reversed the payment for this order, so there’s nothing to return."),
}
WITHDRAWN = _("You’ve withdrawn from this contract. We’ll handle the refund, so you don’t need to request a return.")
ITEMS_UNKNOWN = _("We don’t have this order’s items yet, so you can’t request a return here. Contact support instead.")
TOO_LATE = _("The return period has ended.")
NEVER_RETURNABLE = _("This item can’t be returned.")
ALREADY_RETURNED = _("You’ve already returned this item.")
RETURN_REQUESTED = _("You’ve already requested a return of this item.")
SWAP_REQUESTED = _("You’ve requested a swap for this item. You can return it if the swap is canceled or declined.")
LICENSE_ACTIVATED = _("This license is activated. Activated licenses can’t be returned.")
ADDRESS_CORRECTED = _(
    "The email address of this order was corrected recently. For your safety, returns and swaps wait until"
    " %(until)s. Until then, the previous address can undo this."
)
ADDRESS_CORRECTED_UNTOLD = _(
    "The email address of this order was corrected recently. For your safety, returns and swaps wait until 48 "
    "hours after we’ve emailed the previous address, which can undo this."
)
NO_MONEY_LEFT = _("The full amount of this order was already refunded or is being refunded.")


@dataclass
class LineEligibility:
    """How many units of one order line can be returned."""

    line: OrderLine
    deadline: datetime  # exclusive: from this moment on, it is too late
    available: int  # units that are neither returned nor in an open return
    returned_or_requested: int  # all other units
    payment: LinePayment  # for the whole line
    taken: RefundAmount = NOTHING  # of the payment, for units that are returned or in an open return
    licenses: list[License] = field(default_factory=list)  # of the line, not in another return
    refusal: Any = ""  # why no unit can be returned; empty if units can be

    @property
    def last_moment(self) -> datetime:
        """The last moment at which the line can be returned, for display."""
        return last_moment_before(self.deadline)

    @property
    def paid(self) -> Decimal:
        return self.payment.amount

    def refund_amount(self, units: int) -> RefundAmount:
        """Return the amount for the next `units` of this line."""
        return self.payment.next_units(self.returned_or_requested, units, self.taken)


@dataclass
class Eligibility:
    """Which lines of an order can be returned, in the order's sequence, and how much can still be refunded."""

    order: Order
    terms: PolicyTerms
    lines: list[LineEligibility]
    amount_left: Decimal  # paid, and not refunded, promised or requested in an undecided return
    days_left: int
    refusal: Any = ""  # why no line can be returned; empty if one can be

    @property
    def amount_for_all(self) -> Decimal:
        """The refund amount for all available units, regardless of `amount_left`."""
        available = (each for each in self.lines if not each.refusal)
        amounts = (each.refund_amount(each.available).amount for each in available)
        return sum(amounts, ZERO)

    @property
    def items(self) -> list[LineEligibility]:
        """The lines that can be returned on their own: not vouchers, shipping or fees, unless there is nothing else."""
        return [each for each in self.lines if not each.payment.is_shared] or self.lines

    @property
    def has_items(self) -> bool:
        """Whether the store reported items, and not only costs such as shipping."""
        return any(not each.payment.is_cost for each in self.lines)

    @property
    def latest(self) -> LineEligibility | None:
        """The line that can be returned longest."""
        return max(self.lines, key=lambda each: each.deadline, default=None)

    def get_line(self, line_id: int) -> LineEligibility | None:
        return next((each for each in self.lines if each.line.pk == line_id), None)


def check_eligibility(order: Order, now: datetime, terms: PolicyTerms | None = None) -> Eligibility:
    """Check each line by the policy in force at the purchase, or by `terms` instead.

    Makes nine queries for any number of lines. Lock the order first if a decision depends on the result.
    """
    lines = list(order.lines.order_by("position", "id"))
    applied_terms = terms or StorePolicies([order.store_id]).in_force_at(order.store_id, order.placed_at)
    waiting_times = load_waiting_times([order.pk])[order.pk]
    deadlines = extend_return_deadlines(order, return_deadlines(order, lines, terms), waiting_times)
    payments = paid_per_line(order, lines)
    in_returns = _units_in_returns(order)
    lines_in_swap = set(order.swaps.open().values_list("line_id", flat=True))
    licenses = _returnable_licenses(order)
    checked = []
    for line in lines:
        units = in_returns.get(line.pk, UnitsInReturns())
        unavailable = min(line.quantity_returned + units.requested, line.quantity)
        each = LineEligibility(
            line,
            deadlines[line.pk],
            available=line.quantity - unavailable,
            returned_or_requested=unavailable,
            payment=payments[line.pk],
            taken=_taken(payments[line.pk], units, unavailable),
            licenses=licenses.get(line.pk, []),
        )
        in_swap = line.pk in lines_in_swap
        each.refusal = SWAP_REQUESTED if in_swap else _line_refusal(each, order, applied_terms, now)
        checked.append(each)
    eligibility = Eligibility(
        order,
        applied_terms,
        checked,
        amount_left_to_refund(order),
        max((days_left(each.deadline, order.store.tzinfo, now) for each in checked), default=0),
    )
    eligibility.refusal = _frozen_refusal(order) if order.is_frozen(now) else _order_refusal(eligibility)
    return eligibility


def units_in_open_returns(order: Order) -> dict[int, int]:
    """Return the number of units in open returns, by line id."""
    rows = (
        ReturnLine.objects.filter(return_case__order=order)
        .exclude(return_case__status__in=Return.CLOSED)
        .values_list("line_id")
        .annotate(units=Sum("quantity"))
    )
    return dict(rows)


@dataclass(frozen=True)
class UnitsInReturns:
    """The units of a line in returns that were not canceled or declined, and their amounts."""

    requested: int = 0  # in open returns
    total: int = 0
    amounts: RefundAmount = NOTHING


def _units_in_returns(order: Order) -> dict[int, UnitsInReturns]:
    """Return the units of each line that are in returns, by line id."""
    rows = (
        ReturnLine.objects.filter(return_case__order=order)
        .exclude(return_case__status__in=[Return.Status.CANCELLED, Return.Status.DECLINED])
        .values_list("line_id")
        .annotate(
            requested=Sum("quantity", filter=~Q(return_case__status=Return.Status.REFUNDED), default=0),
            total=Sum("quantity"),
            amount=Sum("amount"),
            tax=Sum("tax"),
        )
    )
    return {
        line_id: UnitsInReturns(requested, total, RefundAmount(amount, tax))
        for line_id, requested, total, amount, tax in rows
    }


def _taken(payment: LinePayment, units: UnitsInReturns, unavailable: int) -> RefundAmount:
    """Return the amount refunded or requested for units of a line. Units without a return were
    refunded by the store.
    """
    by_store = payment.first_units(max(unavailable - units.total, 0))
    return RefundAmount(
        min(units.amounts.amount + by_store.amount, payment.amount), min(units.amounts.tax + by_store.tax, payment.tax)
    )


def amount_left_to_refund(order: Order) -> Decimal:
    """Return the amount left in the ledger, minus the amounts of undecided returns. Never negative."""
    requested = order.returns.undecided().aggregate(sum=Sum("amount"))["sum"] or ZERO
    return max(load_ledger(order).left - requested, ZERO)


def _line_refusal(each: LineEligibility, order: Order, terms: PolicyTerms, now: datetime) -> Any:
    if each.line.quantity_returned >= each.line.quantity:
        return ALREADY_RETURNED
    if not each.available:
        return RETURN_REQUESTED
    if each.payment.is_shared:
        return ""
    if each.deadline <= order.placed_at:
        return NEVER_RETURNABLE
    if now >= each.deadline:
        return TOO_LATE
    if not terms.policy.activated_may_return and any(was_activated(license, order, now) for license in each.licenses):
        return LICENSE_ACTIVATED
    return ""


def _frozen_refusal(order: Order) -> str:
    until = order.freeze_ends_at
    if until is None:
        return str(ADDRESS_CORRECTED_UNTOLD)
    return str(ADDRESS_CORRECTED) % {"until": formats.local_time(until, order.locality)}


def _order_refusal(eligibility: Eligibility) -> Any:
    order = eligibility.order
    if order.is_test:
        return TEST_ORDER
    if order.status in REFUSED_ORDER_STATUSES:
        return REFUSED_ORDER_STATUSES[Order.Status(order.status)]
    if order.withdrawals.filter(status__in=Withdrawal.UNDECIDED | {Withdrawal.Status.APPROVED}).exists():
        return WITHDRAWN
    if order.total <= ZERO:
        return NOTHING_PAID
    if not eligibility.has_items:
        return ITEMS_UNKNOWN
    refusals = [each.refusal for each in eligibility.items]
    if all(refusals):
        return TOO_LATE if TOO_LATE in refusals else refusals[0]
    if not eligibility.amount_left:
        return NO_MONEY_LEFT
    return ""


def _returnable_licenses(order: Order) -> dict[int, list[License]]:
    """Return the licenses linked to each line, by line id, except those in a return that isn't canceled or declined."""
    in_returns = (
        ReturnLine.objects.filter(return_case__order=order)
        .exclude(return_case__status__in=[Return.Status.CANCELLED, Return.Status.DECLINED])
        .values("line_id", "licenses")
    )
    excluded = {(row["line_id"], row["licenses"]) for row in in_returns}
    licenses: dict[int, list[License]] = {}
    links = LicensedLine.objects.filter(order=order, unit_end="")
    for link in links.select_related("license").order_by("pk"):
        if (link.line_id, link.license_id) not in excluded:
            licenses.setdefault(link.line_id, []).append(link.license)
    return licenses
