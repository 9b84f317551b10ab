"""Refund transactions: created when a case is approved, completed once, and then shown on the order."""

from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction as db_transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.transitions import Actor, add_event, lock_order, status_label, transition
from orders.card_numbers import contains_card_number
from orders.models import Order, OrderLine, Refund
from orders.money import format_money
from orders.number_shapes import any_number_like
from refunds.amounts import ZERO
from refunds.ledger import BlockReason, Ledger, OrderBlocked, load_ledger
from refunds.models import CashbackClaim, RefundTransaction, Return, StoreGateway, Withdrawal
from refunds.refusals import InvalidAmount
from refunds.services.license_revocation import update_licenses

Status = RefundTransaction.Status
RefundCase = Return | Withdrawal
# Prefix of `Refund.store_refund_id` for refunds that the portal recorded and the store has not reported yet.
OWN_REFUND_ID_PREFIX = "portal:"
LOOKS_LIKE_CARD = _("This looks like a card number. If it’s a reference, enter only its last 8 digits.")


def promise_refund(case: RefundCase, amount: Decimal, gateway: str = "") -> RefundTransaction:
    """Create the transaction for an approved amount, for this gateway or otherwise the store's.

    The caller holds the order's lock. Raises OrderBlocked if the order may not receive refunds, and InvalidAmount if
    the amount exceeds what is left of the amount paid.
    """
    order = case.about_order
    assert order is not None
    require_left(order, amount)
    return new_transaction(case, amount, gateway or gateway_name(order))


def require_left(order: Order, amount: Decimal) -> Ledger:
    """Return the ledger if this amount can be promised now. Raises the same exceptions as `promise_refund`."""
    ledger = load_ledger(order)
    ledger.require_payable()
    if amount > ledger.left:
        raise InvalidAmount(
            _("Only %(left)s of this order can still be refunded. The rest was already refunded or is being refunded."),
            left=format_money(ledger.left, order.currency),
        )
    return ledger


def gateway_name(order: Order) -> str:
    """Return the gateway for refunds of the order's store."""
    name = StoreGateway.objects.filter(store_id=order.store_id).values_list("gateway", flat=True).first()
    return name or StoreGateway.Gateway.MANUAL


def new_transaction(case: RefundCase, amount: Decimal, gateway: str) -> RefundTransaction:
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


# --- Staff -----------------------------------------------------------------------------------------------


def mark_done(transaction: RefundTransaction, reference: str, by: User) -> None:
    """Record that staff made a refund in the store's back office, with its reference there.

    For transactions of the manual gateway, and for those refused by a gateway. Raises NotPossible if the reference is
    unusable, WrongStatus if the transaction is in another status or at a gateway, and InvalidAmount if the amount of a
    refused one is no longer available.
    """
    reference = clean_reference(reference)
    with db_transaction.atomic():
        current = lock_transaction(transaction)
        if current.status == Status.REFUSED:
            current = _retry_refused(current, StoreGateway.Gateway.MANUAL)
        if current.status != Status.WAITING or current.gateway != StoreGateway.Gateway.MANUAL:
            raise WrongStatus(current.get_status_display())
        if reason := blocking_reason(current):
            raise OrderBlocked(reason)
        record_refund(current, reference, Actor.STAFF, by=by)


def is_rather_card_number(reference: str) -> bool:
    """Whether a reference looks like a card number, and unlike the reference of any earlier refund or payout."""
    if not contains_card_number(reference):
        return False
    earlier = (
        (RefundTransaction.objects.all(), "store_reference"),
        (Refund.objects.all(), "store_refund_id"),
        (CashbackClaim.objects.all(), "payout_reference"),
    )
    return not any(any_number_like(rows, column, reference) for rows, column in earlier)


def clean_reference(reference: str) -> str:
    """Return the typed reference of a refund without superfluous spaces. Raises NotPossible if it is unusable."""
    reference = " ".join(reference.split())
    max_length = RefundTransaction._meta.get_field("store_reference").max_length or 0
    if not 0 < len(reference) <= max_length or not reference.isprintable():
        raise NotPossible(_("Enter the refund reference, up to %(longest)d characters."), longest=max_length)
    if is_rather_card_number(reference):
        raise NotPossible(LOOKS_LIKE_CARD)
    return reference


def retry(transaction: RefundTransaction) -> RefundTransaction:
    """Create a new transaction for a refused one, for the store's current gateway.

    Raises WrongStatus if it is no longer refused, and InvalidAmount if the amount is no longer available.
    """
    with db_transaction.atomic():
        current = lock_transaction(transaction)
        return _retry_refused(current, gateway_name(current.order))


def switch_to_manual(transaction: RefundTransaction) -> RefundTransaction:
    """Create a new transaction for a refused one, for staff to make manually. Raises the same exceptions as `retry`."""
    with db_transaction.atomic():
        return _retry_refused(lock_transaction(transaction), StoreGateway.Gateway.MANUAL)


def _retry_refused(refused: RefundTransaction, gateway: str) -> RefundTransaction:
    case = refused.case
    if refused.status != Status.REFUSED:
        raise WrongStatus(refused.get_status_display())
    if case.status != type(case).Status.APPROVED:
        raise WrongStatus(status_label(case))
    if case.transactions.filter(status__in=[*RefundTransaction.OPEN, Status.DONE]).exists():
        raise NotPossible(_("This refund was already retried."))
    return promise_refund(case, refused.amount, gateway)


def blocking_reason(transaction: RefundTransaction) -> BlockReason | None:
    """Return why an open transaction must not be sent or made manually now, or None. Its order is locked."""
    ledger = load_ledger(transaction.order)
    if ledger.block_reason:
        return ledger.block_reason
    if transaction.currency != transaction.order.currency:
        return BlockReason.CURRENCY_DIFFERS
    return BlockReason.NOTHING_LEFT if ledger.overpromised else None


def refuse(transaction: RefundTransaction, reason: BlockReason) -> None:
    """Stop a transaction that was never sent, and record the reason in the case's history. The
    caller holds the locks.
    """
    transaction.status = Status.REFUSED
    transaction.last_answer = str(reason.label)
    transaction.leased_until = None
    transaction.save(update_fields=["status", "last_answer", "leased_until"])
    add_event(transaction.case, transaction.case.status, Actor.PORTAL, note=str(reason.label))


# --- Completing ------------------------------------------------------------------------------------------


def lock_transaction(transaction: RefundTransaction) -> RefundTransaction:
    """Reload the transaction, with its order and then itself locked."""
    order = lock_order(transaction.order_id)
    current = (
        RefundTransaction.objects.select_for_update(of=("self",))
        .select_related("return_case", "withdrawal")
        .get(pk=transaction.pk)
    )
    current.order = order
    return current


def record_refund(transaction: RefundTransaction, reference: str, actor: Actor, *, by: User | None = None) -> None:
    """Complete the transaction, and add the refund to the order unless the store has reported it already.

    The caller holds the locks.
    """
    refund = Refund.objects.filter(
        order_id=transaction.order_id, store_refund_id=reference, transaction=None
    ).first() or Refund.objects.create(
        order_id=transaction.order_id,
        store_refund_id=f"{OWN_REFUND_ID_PREFIX}{transaction.idempotency_key}",
        amount=transaction.amount,
        refunded_at=timezone.now(),
    )
    complete(transaction, refund, reference, actor, by=by)


def complete(
    transaction: RefundTransaction, refund: Refund, reference: str, actor: Actor, *, by: User | None = None
) -> None:
    """Mark a transaction as done and its case as refunded, and update the order, its lines and its licenses.

    `refund` is the row shown on the order. If the store reported it with its units, they are already counted. The
    caller holds the locks of the order and the transaction.
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
        add_returned_quantities(case)
    order = lock_order(transaction.order_id)
    update_order_status(order)
    if isinstance(case, Withdrawal) and order.status == Order.Status.REFUNDED:
        order.lines.filter(quantity_returned__lt=F("quantity")).update(quantity_returned=F("quantity"))
    approved = transaction.amount if case.amount_approved is None else min(case.amount_approved, transaction.amount)
    transition(case, "refunded", actor, by=by, amount_approved=approved)
    update_licenses(order, now)


def add_returned_quantities(case: Return) -> None:
    """Add a return's units to `quantity_returned` of their lines, each line locked."""
    units = dict(case.lines.values_list("line_id", "quantity"))
    for line in OrderLine.objects.select_for_update(of=("self",)).filter(pk__in=units).order_by("pk"):
        line.quantity_returned = min(line.quantity_returned + units[line.pk], line.quantity)
        line.save(update_fields=["quantity_returned"])


def update_order_status(order: Order) -> None:
    """Set a completed order's status to (partially) refunded, by the sum of its refunds."""
    refunded = load_ledger(order).refunded
    if order.status not in (Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED) or refunded <= ZERO:
        return
    order.status = Order.Status.REFUNDED if refunded >= order.total else Order.Status.PARTIALLY_REFUNDED
    order.save(update_fields=["status"])
