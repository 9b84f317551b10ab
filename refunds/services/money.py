"""Money on its way back: promised when a case is approved, done once, and shown on the order."""

from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction as database
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.transitions import Actor, lock_order, status_label, transition
from orders.card_numbers import contains_card_number
from orders.models import Order, OrderLine, Refund
from refunds.amounts import ZERO
from refunds.models import RefundTransaction, Return, StoreGateway, Withdrawal
from refunds.refusals import WrongAmount
from refunds.services.taking_back import take_back

Status = RefundTransaction.Status
AnyCase = Return | Withdrawal
# So begin the ids of the refunds that the portal itself notes on an order, until the store tells of them.
OWN_ID = "portal:"


def promise(case: AnyCase, amount: Decimal, gateway: str = "") -> RefundTransaction:
    """Put an approved amount on its way, through the store's gateway or the one that is named.

    The caller holds the order's lock. Raises WrongAmount where so much is not left of what was paid.
    """
    order = case.about_order
    assert order is not None
    if amount > unpromised(order):
        raise WrongAmount(
            _("Only %(left)s is left of what was paid for this order: the rest went back already, or is on its way."),
            left=max(unpromised(order), ZERO),
        )
    return new_transaction(case, amount, gateway or gateway_name(order))


def gateway_name(order: Order) -> str:
    """Through which gateway refunds of its store go."""
    name = StoreGateway.objects.filter(store_id=order.store_id).values_list("gateway", flat=True).first()
    return name or StoreGateway.Gateway.MANUAL


def new_transaction(case: AnyCase, amount: Decimal, gateway: str) -> RefundTransaction:
    order = case.about_order
    assert order is not None
    return RefundTransaction.objects.create(
        order=order,
        return_case=case if isinstance(case, Return) else None,
        withdrawal=case if isinstance(case, Withdrawal) else None,
        currency=order.currency,
        amount=amount,
        gateway=gateway,
    )


def unpromised(order: Order) -> Decimal:
    """What was paid and neither went back nor is promised. Below zero where a store gave back more than expected."""
    promised = RefundTransaction.objects.filter(order=order).open().aggregate(sum=Sum("amount"))["sum"] or ZERO
    return order.total - refunded(order) - promised


def refunded(order: Order) -> Decimal:
    """What went back."""
    return order.refunds.aggregate(sum=Sum("amount"))["sum"] or ZERO


# --- Staff -----------------------------------------------------------------------------------------------


def mark_done(transaction: RefundTransaction, reference: str, by: User) -> None:
    """Staff made this refund by hand; `reference` is what the back office calls it.

    For what is to be made by hand, and for what a gateway refused. Raises NotPossible without a usable
    reference, WrongStatus where somebody was faster or a gateway has it in hand, WrongAmount where
    so much is not left.
    """
    reference = " ".join(reference.split())
    longest = RefundTransaction._meta.get_field("store_reference").max_length or 0
    if not 0 < len(reference) <= longest or not reference.isprintable():
        raise NotPossible(
            _("Please enter the reference of the refund, of at most %(longest)d characters."), longest=longest
        )
    if contains_card_number(reference):
        raise NotPossible(_("This is a card number. Please enter the reference of the refund instead."))
    with database.atomic():
        current = lock_transaction(transaction)
        if current.status == Status.REFUSED:
            current = _once_more(current, StoreGateway.Gateway.MANUAL)
        if current.status != Status.WAITING or current.gateway != StoreGateway.Gateway.MANUAL:
            raise WrongStatus(current.get_status_display())
        note_done(current, reference, Actor.STAFF, by=by)


def retry(transaction: RefundTransaction) -> RefundTransaction:
    """Send once more, as a new transaction, what the gateway refused; through the gateway that the store has now.

    Raises WrongStatus where it is not refused any more, WrongAmount where so much is not left.
    """
    with database.atomic():
        current = lock_transaction(transaction)
        return _once_more(current, gateway_name(current.order))


def make_by_hand(transaction: RefundTransaction) -> RefundTransaction:
    """Put what the gateway refused on the list of refunds that staff make by hand. Raises as `retry` does."""
    with database.atomic():
        return _once_more(lock_transaction(transaction), StoreGateway.Gateway.MANUAL)


def _once_more(refused: RefundTransaction, gateway: str) -> RefundTransaction:
    case = refused.case
    if refused.status != Status.REFUSED:
        raise WrongStatus(refused.get_status_display())
    if case.status != type(case).Status.APPROVED:
        raise WrongStatus(status_label(case))
    if case.transactions.filter(status__in=[*RefundTransaction.OPEN, Status.DONE]).exists():
        raise NotPossible(_("This refund was tried again already."))
    return promise(case, refused.amount, gateway)


# --- The moves -------------------------------------------------------------------------------------------


def lock_transaction(transaction: RefundTransaction) -> RefundTransaction:
    """The transaction as it stands now, locked after its order."""
    order = lock_order(transaction.order_id)
    current = (
        RefundTransaction.objects.select_for_update(of=("self",))
        .select_related("return_case", "withdrawal")
        .get(pk=transaction.pk)
    )
    current.order = order
    return current


def note_done(transaction: RefundTransaction, reference: str, actor: Actor, *, by: User | None = None) -> None:
    """The money is there, and the portal is the first to know. The caller holds the locks."""
    refund = Refund.objects.create(
        order_id=transaction.order_id,
        store_refund_id=f"{OWN_ID}{transaction.idempotency_key}",
        amount=transaction.amount,
        refunded_at=timezone.now(),
    )
    settle(transaction, refund, reference, actor, by=by)


def settle(
    transaction: RefundTransaction, refund: Refund, reference: str, actor: Actor, *, by: User | None = None
) -> None:
    """The money is there: the case is refunded, its units are returned, the order says so, the buyer is told.

    `refund` is the row that the order shows; units that the store told with it are counted already.
    The caller holds the order's and the transaction's lock.
    """
    now = timezone.now()
    transaction.status = Status.DONE
    transaction.store_reference = reference
    transaction.refund = refund
    transaction.done_at = now
    transaction.done_by = by
    transaction.leased_until = None
    transaction.save()
    case = type(transaction.case).objects.select_for_update(of=("self",)).get(pk=transaction.case.pk)
    if isinstance(case, Return) and not refund.lines:
        count_returned(case)
    order = lock_order(transaction.order_id)
    settle_status(order)
    if isinstance(case, Withdrawal) and order.status == Order.Status.REFUNDED:
        order.lines.filter(quantity_returned__lt=F("quantity")).update(quantity_returned=F("quantity"))
    approved = transaction.amount if case.amount_approved is None else case.amount_approved
    transition(case, "refunded", actor, by=by, amount_approved=approved)
    take_back(case, order, now)


def count_returned(case: Return) -> None:
    """Mark a return's units as returned on their lines, each under its row lock."""
    units = dict(case.lines.values_list("line_id", "quantity"))
    for line in OrderLine.objects.select_for_update(of=("self",)).filter(pk__in=units).order_by("pk"):
        line.quantity_returned = min(line.quantity_returned + units[line.pk], line.quantity)
        line.save(update_fields=["quantity_returned"])


def settle_status(order: Order) -> None:
    """What an order's status is by the money that went back."""
    back = refunded(order)
    if order.status not in (Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED) or back <= ZERO:
        return
    order.status = Order.Status.REFUNDED if back >= order.total else Order.Status.PARTIALLY_REFUNDED
    order.save(update_fields=["status"])
