"""Actions on returns, by the buyer and by staff."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.services import CALLED_OFF
from cases.submissions import find_submission
from cases.transitions import Actor, lock_order, locked, status_label, transition
from licenses.models import License
from orders.models import Order
from orders.money import round_to_currency
from orders.services.confirmations import buyer_language, order_language
from refunds.amounts import ZERO, allocate, can_be_approved
from refunds.auto_approval import is_approved_automatically, load_payouts, lock_buyer
from refunds.eligibility import Eligibility, LineEligibility, check_eligibility
from refunds.models import Return, ReturnLine, ReturnReason
from refunds.refusals import InvalidAmount, InvalidQuantity, ReturnPeriodEnded
from refunds.services.approvals import counted_amount, is_first_of_two
from refunds.services.transactions import promise_refund, require_left
from refunds.services.withdrawals import match_withdrawals

Status = Return.Status


@dataclass(frozen=True)
class RequestedLine:
    """Units of a line that the buyer wants to return, and which licenses, if the buyer has to choose them."""

    line_id: int
    quantity: int
    license_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class CheckedLine:
    """A RequestedLine that can be returned, with its refund amount and its licenses."""

    line: LineEligibility
    quantity: int
    amount: Decimal
    tax: Decimal
    licenses: tuple[License, ...]


def check_request(eligibility: Eligibility, requested: Sequence[RequestedLine], now: datetime) -> list[CheckedLine]:
    """Return the refund amounts of the requested lines. Raises a Refusal if they can't be returned.

    If part of their price was already refunded, for example as a goodwill refund, the amounts add up to what is left.
    Called for the check page, and again under lock when the request is sent.
    """
    if eligibility.refusal:
        is_late = eligibility.has_items and all(now >= each.deadline for each in eligibility.lines)
        raise ReturnPeriodEnded(eligibility.refusal) if is_late else NotPossible(eligibility.refusal)
    checked = [_check_line(eligibility, each) for each in requested if each.quantity != 0]
    if not checked:
        raise InvalidQuantity(_("Choose at least one item to return."))
    if len({each.line.line.pk for each in checked}) < len(checked):
        raise InvalidQuantity(_("Choose each item only once."))
    amount = sum((each.amount for each in checked), ZERO)
    if amount > eligibility.amount_left:
        return _reduce_amounts(checked, eligibility.amount_left, eligibility.order.currency)
    if amount <= ZERO:
        raise InvalidAmount(
            _("There’s nothing to refund for these items on their own. You can return them together with others.")
        )
    return checked


def _reduce_amounts(checked: Sequence[CheckedLine], left: Decimal, currency: str) -> list[CheckedLine]:
    """Reduce the amounts in proportion, with their tax, so that they add up to exactly what is left."""
    amounts = allocate(left, [each.amount for each in checked], currency)
    return [
        replace(each, amount=amount, tax=min(round_to_currency(each.tax * amount / each.amount, currency), amount))
        if each.amount
        else each
        for each, amount in zip(checked, amounts, strict=True)
    ]


def _check_line(eligibility: Eligibility, requested: RequestedLine) -> CheckedLine:
    each = eligibility.get_line(requested.line_id)
    if each is None:
        raise NotPossible(_("This item isn’t part of the order."), line_id=requested.line_id)
    values: dict[str, Any] = {"line_id": requested.line_id, "item": each.line.name}
    if requested.quantity < 0:
        raise InvalidQuantity(_("%(item)s: enter a quantity of 0 or more."), **values)
    if each.refusal:
        raise NotPossible(_("%(item)s: %(why)s"), why=each.refusal, **values)
    if requested.quantity > each.available:
        raise InvalidQuantity(_("%(item)s: you can return at most %(count)s."), count=each.available, **values)
    refund = each.refund_amount(requested.quantity)
    return CheckedLine(each, requested.quantity, refund.amount, refund.tax, _licenses_to_return(each, requested))


def needs_serial_choice(each: LineEligibility) -> bool:
    """Whether the buyer must choose the serial numbers of a partial return: each unit of the line has its own."""
    return 1 < each.available <= len(each.licenses)


def _licenses_to_return(each: LineEligibility, requested: RequestedLine) -> tuple[License, ...]:
    """Return all licenses if all units are returned, the chosen ones if there is a choice, otherwise none."""
    if requested.quantity == each.available:
        return tuple(each.licenses)
    if not needs_serial_choice(each):
        return ()
    chosen = tuple(license for license in each.licenses if license.pk in requested.license_ids)
    if len(chosen) != requested.quantity or len(requested.license_ids) != requested.quantity:
        raise InvalidQuantity(
            _("%(item)s: choose as many serial numbers as items you’re returning."),
            line_id=requested.line_id,
            item=each.line.name,
        )
    return chosen


# --- The buyer -------------------------------------------------------------------------------------------


def request_return(
    order: Order,
    requested: Sequence[RequestedLine],
    reason: ReturnReason,
    comment: str = "",
    submission_id: UUID | None = None,
    language: str = "",
    *,
    may_approve: bool = True,
    by: User | None = None,
) -> Return:
    """Create a return, and approve it immediately if the policy's limits allow it.

    Without `may_approve`, staff decide: a card alone opened the order, which isn't enough for a refund. Staff also
    decide if the buyer's access to the order has ended in the meantime. The same submission again returns the existing
    return, unless that was canceled or declined. Without a submission id, the same applies to a request for the same
    units. Raises a Refusal if the lines can't be returned.

    `by` is the member of staff who requests it for the buyer.
    """
    now = timezone.now()
    proven_generation = order.access_generation
    if order.email_key:
        match_withdrawals(order.email_key)  # a return after a withdrawal is refused, or left to staff
    with transaction.atomic():
        order = lock_order(order.pk)
        if earlier := find_submitted(order, requested, submission_id):
            return earlier
        eligibility = check_eligibility(order, now)
        checked = check_request(eligibility, requested, now)
        case = Return(
            order=order,
            reason=reason,
            comment=comment,
            submission_id=find_submission(order.returns.all(), submission_id, CALLED_OFF)[1],
            language=language or (order_language(order) if by else buyer_language(order)),
            currency=order.currency,
            amount=sum((each.amount for each in checked), ZERO),
        )
        transition(case, Status.RECEIVED, Actor.STAFF if by else Actor.BUYER, by=by, text=comment)
        _add_lines(case, checked)
        lock_buyer(order)
        may_approve = may_approve and order.access_generation == proven_generation
        if may_approve and is_auto_approved(eligibility, checked, timezone.now()):
            _approve(case, case.amount, Actor.PORTAL)
    return case


def is_auto_approved(eligibility: Eligibility, checked: Sequence[CheckedLine], at: datetime) -> bool:
    """Whether the policy approves a return of these lines without staff. Call `lock_buyer` before
    acting on the result.
    """
    order = eligibility.order
    if order.currency not in eligibility.terms.auto_approval_limits:
        return False
    return is_approved_automatically(
        eligibility.terms,
        order,
        sum((each.amount for each in checked), ZERO),
        {license.pk for each in checked for license in each.licenses or each.line.licenses},
        load_payouts([order]),
        at,
    )


def find_submitted(order: Order, requested: Sequence[RequestedLine], submission_id: UUID | None) -> Return | None:
    """Return the return created by this submission or, without an id, the open return of the same units.

    Canceled and declined returns don't count: submitting the same form again is then a new request.
    """
    if submission_id is not None:
        return find_submission(order.returns.all(), submission_id, CALLED_OFF)[0]
    return find_open_return(order, requested)


def find_open_return(order: Order, requested: Sequence[RequestedLine]) -> Return | None:
    """Return the open return of exactly these units, if there is one."""
    quantities = {each.line_id: each.quantity for each in requested if each.quantity}
    for case in order.returns.open().prefetch_related("lines"):
        if {line.line_id: line.quantity for line in case.lines.all()} == quantities:
            return case
    return None


def _add_lines(case: Return, checked: Sequence[CheckedLine]) -> None:
    lines = ReturnLine.objects.bulk_create(
        ReturnLine(return_case=case, line=each.line.line, quantity=each.quantity, amount=each.amount, tax=each.tax)
        for each in checked
    )
    line_licenses = ReturnLine.licenses.through
    line_licenses.objects.bulk_create(
        line_licenses(returnline_id=line.pk, license_id=license.pk)
        for line, each in zip(lines, checked, strict=True)
        for license in each.licenses
    )


# --- Staff -----------------------------------------------------------------------------------------------


def approve(case: Return, by: User, amount: Decimal | None = None, text: str = "", note: str = "") -> bool:
    """Approve a return, by default for its whole amount, and queue the refund.

    Returns False if a second person has to approve it as well; see approvals.py. Raises InvalidAmount, OrderBlocked or
    WrongStatus.
    """
    with locked(case) as current:
        approved = current.amount if amount is None else amount
        if not current.is_undecided:
            raise WrongStatus(status_label(current))
        if not can_be_approved(approved, current.amount, current.currency):
            raise InvalidAmount(_("Enter an amount above zero, up to %(most)s."), most=current.amount)
        ledger = require_left(current.order, approved)
        if is_first_of_two(
            current, by, approved, ledger.order.currency, counted_amount(approved, ledger), text=text, note=note
        ):
            return False
        _approve(current, approved, Actor.STAFF, by=by, text=text, note=note)
    return True


def _approve(
    case: Return, amount: Decimal, actor: Actor, *, by: User | None = None, text: str = "", note: str = ""
) -> None:
    transition(case, Status.APPROVED, actor, by=by, text=text, note=note, amount_approved=amount)
    promise_refund(case, amount)
