"""What of an order can be returned now, and why not the rest: asked by page, form, service and admin alike."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from licenses.models import License, LicensedLine
from orders import formats
from orders.models import Order, OrderLine
from refunds.amounts import ZERO, Share, paid_for, share
from refunds.models import RefundTransaction, Return, ReturnLine, Withdrawal
from refunds.policy import Policies, Terms, days_left, deadlines, moment_before

NOTHING_PAID = _("Nothing was paid for this order, so there is nothing to give back.")
TEST_ORDER = _("This is a test order: nothing was paid, so there is nothing to give back.")
NOT_RETURNABLE = {
    Order.Status.PENDING: _("The payment of this order is not confirmed yet. You can return it once it is."),
    Order.Status.CANCELLED: _("This order was canceled, so there is nothing to return."),
    Order.Status.REFUNDED: _("The money for this order went back already."),
    Order.Status.CHARGED_BACK: _("Your bank took the payment of this order back, so there is nothing to return."),
}
WITHDRAWN = _("You have withdrawn from this contract. Support handles the refund; you need not ask for a return.")
TOO_LATE = _("The days in which this could be returned are over.")
NEVER = _("This item cannot be returned.")
RETURNED = _("This item went back already.")
ASKED_FOR = _("A return of this item is under way already.")
SWAP_ASKED_FOR = _("A swap of this item is under way. You can return it once the swap is canceled or declined.")
ACTIVATED = _("Its serial number is activated, and activated licenses cannot be returned.")
FROZEN = _(
    "The email address of this order was corrected lately. For your safety, returns and swaps wait until"
    " %(until)s (%(zone)s): so long the earlier address can undo the change."
)
ALL_REFUNDED = _("The whole amount of this order went back already, or is on its way.")


@dataclass
class Returnable:
    """One line of the order, and how much of it can go back."""

    line: OrderLine
    until: datetime
    free: int  # units that are neither returned nor asked for
    units_before: int  # ... the others
    paid: Decimal
    licenses: list[License] = field(default_factory=list)  # bought with the line, not asked back yet
    refusal: Any = ""  # why none of it can go back; empty where it can

    @property
    def last_moment(self) -> datetime:
        """The last moment at which it can go back."""
        return moment_before(self.until)

    def share(self, units: int, currency: str) -> Share:
        """What comes back for so many units more."""
        return share(self.line, self.paid, self.units_before, units, currency)


@dataclass
class Eligibility:
    """An order's lines in their order, with what is left of the money."""

    order: Order
    terms: Terms
    lines: list[Returnable]
    left: Decimal  # paid, not refunded, and not promised or asked for by an open case
    days_left: int
    refusal: Any = ""  # why nothing at all can go back; empty where something can

    @property
    def most(self) -> Decimal:
        """What would come back for all that can go back, were all of the money still there."""
        currency = self.order.currency
        return sum((each.share(each.free, currency).amount for each in self.lines if not each.refusal), ZERO)

    def of(self, line_id: int) -> Returnable | None:
        return next((each for each in self.lines if each.line.pk == line_id), None)


def judge(order: Order, now: datetime, terms: Terms | None = None) -> Eligibility:
    """Judge an order by its policy, or by other terms as if they had been in force.

    Eight queries, however many lines. For a decision call it with the order locked.
    """
    lines = list(order.lines.order_by("position", "id"))
    judging = terms or Policies([order.store_id]).at(order.store_id, order.placed_at)
    until = deadlines(order, lines, terms)
    paid = paid_for(lines, order.total, order.currency)
    held = units_held(order)
    swapping = set(order.swaps.open().values_list("line_id", flat=True))
    licenses = _licenses_of(order)
    judged = []
    for line in lines:
        asked_for = held.get(line.pk, 0)
        before = min(line.quantity_returned + asked_for, line.quantity)
        each = Returnable(
            line, until[line.pk], line.quantity - before, before, paid[line.pk], licenses.get(line.pk, [])
        )
        each.refusal = SWAP_ASKED_FOR if line.pk in swapping else _refusal_of(each, asked_for, order, judging, now)
        judged.append(each)
    eligibility = Eligibility(
        order,
        judging,
        judged,
        left_to_refund(order),
        max((days_left(each.until, order.store.tzinfo, now) for each in judged), default=0),
    )
    eligibility.refusal = _frozen(order) if order.is_frozen(now) else _refusal_of_all(eligibility)
    return eligibility


def units_held(order: Order) -> dict[int, int]:
    """Units that open returns ask for, by line."""
    rows = (
        ReturnLine.objects.filter(return_case__order=order)
        .exclude(return_case__status__in=Return.CLOSED)
        .values_list("line_id")
        .annotate(units=Sum("quantity"))
    )
    return dict(rows)


def left_to_refund(order: Order) -> Decimal:
    """What was paid and neither went back, nor is on its way, nor asked for by an undecided return."""
    refunded = order.refunds.aggregate(sum=Sum("amount"))["sum"] or ZERO
    promised = RefundTransaction.objects.filter(order=order).open().aggregate(sum=Sum("amount"))["sum"] or ZERO
    asked_for = order.returns.undecided().aggregate(sum=Sum("amount"))["sum"] or ZERO
    return max(order.total - refunded - promised - asked_for, ZERO)


def _refusal_of(each: Returnable, asked_for: int, order: Order, terms: Terms, now: datetime) -> Any:
    if each.line.quantity_returned >= each.line.quantity:
        return RETURNED
    if not each.free:
        return ASKED_FOR
    if each.until <= order.placed_at:
        return NEVER
    if now >= each.until:
        return TOO_LATE
    if not terms.policy.activated_may_return and any(license.activated_at for license in each.licenses):
        return ACTIVATED
    return ""


def _frozen(order: Order) -> str:
    until, zone = order.returns_frozen_until, order.store.tzinfo
    assert until is not None
    return str(FROZEN) % {"until": formats.local_time(until, zone), "zone": formats.zone_name(until, zone)}


def _refusal_of_all(eligibility: Eligibility) -> Any:
    order = eligibility.order
    if order.is_test:
        return TEST_ORDER
    if order.status in NOT_RETURNABLE:
        return NOT_RETURNABLE[Order.Status(order.status)]
    if order.withdrawals.filter(status__in=Withdrawal.UNDECIDED | {Withdrawal.Status.APPROVED}).exists():
        return WITHDRAWN
    if order.total <= ZERO:
        return NOTHING_PAID
    reasons = [each.refusal for each in eligibility.lines]
    if all(reasons):
        return TOO_LATE if TOO_LATE in reasons or not reasons else reasons[0]
    if not eligibility.left:
        return ALL_REFUNDED
    return ""


def _licenses_of(order: Order) -> dict[int, list[License]]:
    """The serial numbers that came with each line and that no return asks back; renewals carry theirs on."""
    asked_back = (
        ReturnLine.objects.filter(return_case__order=order)
        .exclude(return_case__status__in=[Return.Status.CANCELLED, Return.Status.DECLINED])
        .values("line_id", "licenses")
    )
    gone = {(row["line_id"], row["licenses"]) for row in asked_back}
    licenses: dict[int, list[License]] = {}
    for link in LicensedLine.objects.filter(order=order).select_related("license").order_by("pk"):
        if (link.line_id, link.license_id) not in gone:
            licenses.setdefault(link.line_id, []).append(link.license)
    return licenses
