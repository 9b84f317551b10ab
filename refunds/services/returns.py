"""What can be done with a return, by its buyer and by staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from cases.transitions import Actor, lock_order, locked, transition
from licenses.models import License
from orders.models import Order
from orders.money import smallest_unit
from orders.services.confirmations import order_language
from refunds.amounts import ZERO
from refunds.eligibility import Eligibility, Returnable, judge
from refunds.models import Return, ReturnLine, ReturnReason
from refunds.refusals import TooLate, WrongAmount, WrongQuantity
from refunds.services.money import promise

Status = Return.Status


@dataclass(frozen=True)
class Wanted:
    """So many units of a line; with several serial numbers, which of them."""

    line_id: int
    quantity: int
    license_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Judged:
    """What one wish would bring."""

    line: Returnable
    quantity: int
    amount: Decimal
    tax: Decimal
    licenses: tuple[License, ...]


def check(eligibility: Eligibility, wanted: Sequence[Wanted], now: datetime) -> list[Judged]:
    """What these wishes would bring; raises a Refusal whose sentence says what is wrong with them.

    For the check page, and again under lock when the return is sent.
    """
    if eligibility.refusal:
        late = all(now >= each.until for each in eligibility.lines)
        raise TooLate(eligibility.refusal) if late else NotPossible(eligibility.refusal)
    judged = [_judge(eligibility, wish) for wish in wanted if wish.quantity != 0]
    if not judged:
        raise WrongQuantity(_("Please choose at least one item to return."))
    if len({each.line.line.pk for each in judged}) < len(judged):
        raise WrongQuantity(_("Please choose each item once."))
    amount = sum((each.amount for each in judged), ZERO)
    if amount > eligibility.left:
        raise WrongAmount(
            _("A part of this order’s money went back already, so these items cannot be returned together.")
        )
    if amount <= ZERO:
        raise WrongAmount(_("Nothing was paid for these items, so there is nothing to give back."))
    return judged


def _judge(eligibility: Eligibility, wish: Wanted) -> Judged:
    each = eligibility.of(wish.line_id)
    if each is None:
        raise NotPossible(_("This item is not part of the order."), line_id=wish.line_id)
    about: dict[str, Any] = {"line_id": wish.line_id, "item": each.line.name}
    if wish.quantity < 0:
        raise WrongQuantity(_("%(item)s: a quantity cannot be less than zero."), **about)
    if each.refusal:
        raise NotPossible(_("%(item)s: %(why)s"), why=each.refusal, **about)
    if wish.quantity > each.free:
        raise WrongQuantity(_("%(item)s: at most %(count)s can be returned."), count=each.free, **about)
    share = each.share(wish.quantity, eligibility.order.currency)
    return Judged(each, wish.quantity, share.amount, share.tax, _licenses(each, wish))


def serials_are_chosen(each: Returnable) -> bool:
    """Whether a part of this line can go back only with a word on which serial numbers: each unit has its own."""
    return 1 < each.free <= len(each.licenses)


def _licenses(each: Returnable, wish: Wanted) -> tuple[License, ...]:
    """Which serial numbers go back. All, where all units do; none to choose, where one stands for several units."""
    if wish.quantity == each.free:
        return tuple(each.licenses)
    if not serials_are_chosen(each):
        return ()
    chosen = tuple(license for license in each.licenses if license.pk in wish.license_ids)
    if len(chosen) != wish.quantity or len(wish.license_ids) != wish.quantity:
        raise WrongQuantity(
            _("%(item)s: please choose the serial numbers that go back, as many as items."),
            line_id=wish.line_id,
            item=each.line.name,
        )
    return chosen


# --- The buyer -------------------------------------------------------------------------------------------


def request_return(
    order: Order,
    wanted: Sequence[Wanted],
    reason: ReturnReason,
    comment: str = "",
    submission_id: UUID | None = None,
    language: str = "",
) -> Return:
    """Take a return in. The same submission again finds the first, as does the same wish without a submission's id.

    Raises a Refusal where nothing is accepted. Approved at once within the policy's limits.
    """
    now = timezone.now()
    with transaction.atomic():
        order = lock_order(order.pk)
        if earlier := sent_before(order, wanted, submission_id):
            return earlier
        eligibility = judge(order, now)
        judged = check(eligibility, wanted, now)
        case = Return(
            order=order,
            reason=reason,
            comment=comment,
            submission_id=submission_id or uuid4(),
            language=language or order_language(order),
            currency=order.currency,
            amount=sum((each.amount for each in judged), ZERO),
        )
        # The lines come before the first mail, which a worker may make at once after the commit.
        transition(case, Status.RECEIVED, Actor.BUYER, text=comment)
        _add_lines(case, judged)
        if eligibility.terms.approves_by_itself(case.amount, case.currency):
            _approve(case, case.amount, Actor.PORTAL)
    return case


def sent_before(order: Order, wanted: Sequence[Wanted], submission_id: UUID | None) -> Return | None:
    """The return that the same submission brought; of a submission without an id, the open one of the same wish."""
    if submission_id is not None:
        return order.returns.filter(submission_id=submission_id).first()
    return open_for(order, wanted)


def open_for(order: Order, wanted: Sequence[Wanted]) -> Return | None:
    """The open return that asks for these very units."""
    wishes = {wish.line_id: wish.quantity for wish in wanted if wish.quantity}
    for case in order.returns.open().prefetch_related("lines"):
        if {line.line_id: line.quantity for line in case.lines.all()} == wishes:
            return case
    return None


def _add_lines(case: Return, judged: Sequence[Judged]) -> None:
    lines = ReturnLine.objects.bulk_create(
        ReturnLine(return_case=case, line=each.line.line, quantity=each.quantity, amount=each.amount, tax=each.tax)
        for each in judged
    )
    serials = ReturnLine.licenses.through
    serials.objects.bulk_create(
        serials(returnline_id=line.pk, license_id=license.pk)
        for line, each in zip(lines, judged, strict=True)
        for license in each.licenses
    )


# --- Staff -----------------------------------------------------------------------------------------------


def approve(case: Return, by: User, amount: Decimal | None = None, text: str = "", note: str = "") -> None:
    """Promise the whole amount, or a part of it, and have it sent. Raises WrongAmount or WrongStatus."""
    with locked(case) as current:
        wanted = current.amount if amount is None else amount
        if not ZERO < wanted <= current.amount or wanted != wanted.quantize(smallest_unit(current.currency)):
            raise WrongAmount(
                _("Please enter an amount above zero and at most %(most)s, in whole cents."), most=current.amount
            )
        _approve(current, wanted, Actor.STAFF, by=by, text=text, note=note)


def _approve(
    case: Return, amount: Decimal, actor: Actor, *, by: User | None = None, text: str = "", note: str = ""
) -> None:
    transition(case, Status.APPROVED, actor, by=by, text=text, note=note, amount_approved=amount)
    promise(case, amount)
