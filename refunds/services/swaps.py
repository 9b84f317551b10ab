"""Actions on product swaps, by the buyer and by staff."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.services import CALLED_OFF, require_text
from cases.submissions import find_submission
from cases.transitions import Actor, lock_order, locked, status_label, transition
from licenses.services.assigning import NotAssignable, assign
from orders.models import Order, OrderLine
from orders.services.confirmations import buyer_language
from refunds.amounts import ZERO
from refunds.eligibility import RETURN_REQUESTED, Eligibility, LineEligibility, check_eligibility, units_in_open_returns
from refunds.ledger import load_ledger
from refunds.models import Swap, SwapOffer
from refunds.policy import product_ids_by_sku
from refunds.refusals import ReturnPeriodEnded
from refunds.services.approvals import counted_amount, is_first_of_two
from refunds.services.license_revocation import update_licenses

Status = Swap.Status
NOT_SWAPPABLE = _("You can only swap products. This item is a download service.")
SHARED_LINE = _("This item isn’t a product. Its price is included in the other items.")
ADDRESS_CORRECTED = _(
    "The email address of this order was corrected recently, and the correction can still be undone. The order "
    "page says until when you need to wait."
)


@dataclass(frozen=True)
class SwapRequest:
    """One unit of a line to swap for an offer. Without an offer, the comment names the product."""

    line_id: int
    offer: SwapOffer | None
    comment: str = ""


@dataclass
class SwapEligibility(Eligibility):
    """Which lines of an order can be swapped, and for which products."""

    # The products of each line, by the line's id: the product of its SKU and those of its licenses, if known.
    product_ids: dict[int, set[int | None]] = field(default_factory=dict)

    def offers_for(self, each: LineEligibility, offers: Iterable[SwapOffer]) -> list[SwapOffer]:
        """Return the offers that a line can be swapped for: those of a different product."""
        if each.refusal:
            return []
        return [offer for offer in offers if offer.product_id not in self.product_ids[each.line.pk]]


def available_offers(order: Order) -> list[SwapOffer]:
    """Return the swap offers of the order's store in the order's currency."""
    return list(SwapOffer.objects.filter(store_id=order.store_id, currency=order.currency, is_active=True))


def price_difference(each: LineEligibility, offer: SwapOffer) -> Decimal:
    """Return the offer's price minus what was paid for one unit. Negative if the buyer gets a refund."""
    return offer.price - each.refund_amount(1).amount


def check_swap_eligibility(order: Order, now: datetime) -> SwapEligibility:
    """Return which lines can be swapped: products that can be returned, without units in an open return."""
    returnable = check_eligibility(order, now)
    products = product_ids_by_sku(order.store_id, {each.line.sku for each in returnable.lines})
    eligibility = SwapEligibility(
        **{each.name: getattr(returnable, each.name) for each in fields(returnable)},
        product_ids={
            each.line.pk: {products.get(each.line.sku), *(license.product_id for license in each.licenses)}
            for each in returnable.lines
        },
    )
    requested_units = units_in_open_returns(order)
    for each in eligibility.lines:
        if each.line.kind == OrderLine.Kind.EXTENDED_DOWNLOAD:
            each.refusal = each.refusal or NOT_SWAPPABLE
        elif each.payment.is_shared:
            each.refusal = each.refusal or SHARED_LINE
        elif each.line.pk in requested_units:
            each.refusal = each.refusal or RETURN_REQUESTED
    refusals = [each.refusal for each in eligibility.items]
    if not eligibility.refusal and all(refusals):
        eligibility.refusal = refusals[0]
    return eligibility


def check_request(eligibility: SwapEligibility, request: SwapRequest, now: datetime) -> LineEligibility:
    """Return the requested line. Raises a Refusal if it can't be swapped.

    Called for the check page, and again under lock when the request is sent.
    """
    each = eligibility.get_line(request.line_id)
    if each is None:
        raise NotPossible(_("This item isn’t part of the order."), line_id=request.line_id)
    if each.refusal:
        raise NotPossible(_("%(item)s: %(why)s"), line_id=request.line_id, item=each.line.name, why=each.refusal)
    if eligibility.refusal:
        is_late = all(now >= each.deadline for each in eligibility.lines)
        raise ReturnPeriodEnded(eligibility.refusal) if is_late else NotPossible(eligibility.refusal)
    if request.offer is not None and not eligibility.offers_for(each, [request.offer]):
        raise NotPossible(
            _("%(item)s: this is the product you bought. Choose another one."),
            line_id=request.line_id,
            item=each.line.name,
        )
    if request.offer is None and not request.comment.strip():
        raise NotPossible(_("Enter the product you’d like instead."))
    return each


# --- The buyer -------------------------------------------------------------------------------------------


def request_swap(order: Order, request: SwapRequest, submission_id: UUID | None = None, language: str = "") -> Swap:
    """Create a swap of one unit. The same submission again returns the existing swap, unless it was canceled or
    declined.

    Raises a Refusal if the line can't be swapped.
    """
    now = timezone.now()
    with transaction.atomic():
        order = lock_order(order.pk)
        if earlier := find_submitted(order, submission_id):
            return earlier
        line = check_request(check_swap_eligibility(order, now), request, now)
        swap = Swap(
            order=order,
            line=line.line,
            offer=request.offer,
            wanted=request.offer.name if request.offer else _shorten(request.comment),
            price_difference=price_difference(line, request.offer) if request.offer else None,
            currency=order.currency,
            comment=request.comment,
            submission_id=find_submission(order.swaps.all(), submission_id, CALLED_OFF)[1],
            language=language or buyer_language(order),
        )
        transition(swap, Status.RECEIVED, Actor.BUYER, text=request.comment)
    return swap


def find_submitted(order: Order, submission_id: UUID | None) -> Swap | None:
    """Return the swap that this submission created, if there is one that was neither canceled nor declined."""
    return find_submission(order.swaps.all(), submission_id, CALLED_OFF)[0]


def _shorten(comment: str) -> str:
    max_length = Swap._meta.get_field("wanted").max_length
    return Truncator(" ".join(comment.split())).chars(max_length or 0)


# --- Staff -----------------------------------------------------------------------------------------------


def approve(case: Swap, by: User, text: str = "", note: str = "") -> bool:
    """Approve a swap; `give_new_serial` follows. Raises OrderBlocked, for example after a chargeback.

    Returns False if the buyer gets a difference that a second person has to approve as well; see approvals.py.
    """
    with locked(case) as current:
        if not current.is_undecided:
            raise WrongStatus(status_label(current))
        ledger = load_ledger(current.order)
        ledger.require_payable()
        refund = max(-(current.price_difference or ZERO), ZERO)
        counted = counted_amount(refund, ledger) if refund else ZERO
        if is_first_of_two(current, by, refund, current.currency, counted, text=text, note=note):
            return False
        transition(current, Status.APPROVED, Actor.STAFF, by=by, text=text, note=note)
    return True


def cancel_approved(case: Swap, by: User, reason: str, note: str = "") -> None:
    """Cancel an approved swap, for example if the buyer did not pay the difference. Its item can be returned again."""
    reason = require_text(reason, _("Enter a reason for the buyer."))
    with locked(case) as current:
        if current.status != Status.APPROVED:
            raise WrongStatus(status_label(current))
        transition(current, Status.CANCELLED, Actor.STAFF, by=by, text=reason, note=note)


def give_new_serial(
    case: Swap,
    by: User,
    serial: str,
    text: str = "",
    note: str = "",
    devices: int | None = None,
    expires_on: date | None = None,
) -> None:
    """Assign the new serial number to the order line and complete the swap. The old serial number ends.

    `devices` and `expires_on` describe the new license, if known. Raises NotPossible if the text isn't a serial number
    or belongs to another order, and WrongStatus if the swap isn't approved.
    """
    serial = require_text(serial, _("Enter the new serial number."))
    with locked(case) as current:
        load_ledger(current.order).require_payable()
        if current.order.is_frozen(timezone.now()):
            raise NotPossible(ADDRESS_CORRECTED)
        product = current.offer.product if current.offer else None
        try:
            license = assign(current.line, serial, product=product, devices=devices, expires_on=expires_on)
        except NotAssignable as error:
            raise NotPossible(error.sentence) from error
        transition(current, Status.SWAPPED, Actor.STAFF, by=by, text=text, note=note, new_license=license)
        update_licenses(current.order)
