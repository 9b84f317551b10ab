"""What can be done with a swap, by its buyer and by staff."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.steps import required
from cases.transitions import Actor, lock_order, locked, status_label, transition
from licenses.services.assigning import NotAssignable, assign
from orders.models import Order
from orders.services.confirmations import order_language
from refunds.eligibility import ASKED_FOR, Eligibility, Returnable, judge, units_held
from refunds.models import Swap, SwapOffer
from refunds.refusals import TooLate

Status = Swap.Status
FROZEN = _(
    "The address of this order was corrected lately and can still be undone, so no new serial number is given yet."
    " The order's page says until when."
)


@dataclass(frozen=True)
class Wish:
    """One unit of a line for an offer; without an offer, for what the comment says."""

    line_id: int
    offer: SwapOffer | None
    comment: str = ""


def offers_for(order: Order) -> list[SwapOffer]:
    """What its store gives in a swap, at prices that can be compared with what was paid."""
    return list(SwapOffer.objects.filter(store_id=order.store_id, currency=order.currency, is_active=True))


def difference(each: Returnable, offer: SwapOffer, currency: str) -> Decimal:
    """What is to be paid for the wanted product above what one unit cost; below zero, what comes back."""
    return offer.price - each.share(1, currency).amount


def judge_swaps(order: Order, now: datetime) -> Eligibility:
    """What of an order can be swapped: what can go back, and of which nothing is under return."""
    eligibility = judge(order, now)
    under_return = units_held(order)
    for each in eligibility.lines:
        if each.line.pk in under_return and not each.refusal:
            each.refusal = ASKED_FOR
    reasons = [each.refusal for each in eligibility.lines]
    if not eligibility.refusal and all(reasons):
        eligibility.refusal = reasons[0]
    return eligibility


def check(eligibility: Eligibility, wish: Wish, now: datetime) -> Returnable:
    """The line that this wish is about; raises a Refusal whose sentence says what is wrong with it.

    For the check page, and again under lock when the swap is sent.
    """
    each = eligibility.of(wish.line_id)
    if each is None:
        raise NotPossible(_("This item is not part of the order."), line_id=wish.line_id)
    if each.refusal:
        raise NotPossible(_("%(item)s: %(why)s"), line_id=wish.line_id, item=each.line.name, why=each.refusal)
    if eligibility.refusal:
        late = all(now >= each.until for each in eligibility.lines)
        raise TooLate(eligibility.refusal) if late else NotPossible(eligibility.refusal)
    if wish.offer is None and not wish.comment.strip():
        raise NotPossible(_("Please write which product you would like instead."))
    return each


# --- The buyer -------------------------------------------------------------------------------------------


def request_swap(order: Order, wish: Wish, submission_id: UUID | None = None, language: str = "") -> Swap:
    """Take a swap in; it is for one unit. The same submission again finds the first.

    Raises a Refusal where nothing is accepted.
    """
    now = timezone.now()
    with transaction.atomic():
        order = lock_order(order.pk)
        if earlier := sent_before(order, submission_id):
            return earlier
        each = check(judge_swaps(order, now), wish, now)
        swap = Swap(
            order=order,
            line=each.line,
            offer=wish.offer,
            wanted=wish.offer.name if wish.offer else _in_short(wish.comment),
            price_difference=difference(each, wish.offer, order.currency) if wish.offer else None,
            currency=order.currency,
            comment=wish.comment,
            submission_id=submission_id or uuid4(),
            language=language or order_language(order),
        )
        transition(swap, Status.RECEIVED, Actor.BUYER, text=wish.comment)
    return swap


def sent_before(order: Order, submission_id: UUID | None) -> Swap | None:
    """The swap that the same submission brought."""
    return order.swaps.filter(submission_id=submission_id).first() if submission_id else None


def _in_short(comment: str) -> str:
    length = Swap._meta.get_field("wanted").max_length
    return Truncator(" ".join(comment.split())).chars(length or 0)


# --- Staff -----------------------------------------------------------------------------------------------


def approve(case: Swap, by: User, text: str = "", note: str = "") -> None:
    """Say yes; the new serial number follows with `finish`."""
    with locked(case) as current:
        transition(current, Status.APPROVED, Actor.STAFF, by=by, text=text, note=note)


def call_off(case: Swap, by: User, reason: str, note: str = "") -> None:
    """End an approved swap that does not come about, as when the difference is not paid. The item is free again."""
    reason = required(reason, _("Please write the reason to the buyer."))
    with locked(case) as current:
        if current.status != Status.APPROVED:
            raise WrongStatus(status_label(current))
        transition(current, Status.CANCELLED, Actor.STAFF, by=by, text=reason, note=note)


def finish(
    case: Swap,
    by: User,
    serial: str,
    text: str = "",
    note: str = "",
    devices: int | None = None,
    expires_on: date | None = None,
) -> None:
    """Give the new serial number to the order, and tell the buyer where it stands.

    `devices` and `expires_on` are what it covers and until when, where that is known. Raises NotPossible
    where there is no such number or it is another order's, WrongStatus where the swap is not approved.
    """
    serial = required(serial, _("Please enter the new serial number."))
    with locked(case) as current:
        if current.order.is_frozen(timezone.now()):
            raise NotPossible(FROZEN)
        product = current.offer.product if current.offer else None
        try:
            license = assign(current.line, serial, product=product, devices=devices, expires_on=expires_on)
        except NotAssignable as why:
            raise NotPossible(why.sentence) from why
        transition(current, Status.SWAPPED, Actor.STAFF, by=by, text=text, note=note, new_license=license)
