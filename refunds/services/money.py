"""Money on its way back: promised when a case is approved, done once, and shown on the order."""

from decimal import Decimal

from django.contrib.auth.models import User
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Order, OrderLine, Refund
from refunds.amounts import ZERO
from refunds.models import RefundTransaction, Return, StoreGateway, Withdrawal
from refunds.moves import Actor, lock_order, move
from refunds.refusals import WrongAmount

Status = RefundTransaction.Status


def promise(case: Return | Withdrawal, amount: Decimal) -> RefundTransaction:
    """Put an approved amount on its way, through the store's gateway. The caller holds the order's lock.

    Raises WrongAmount where so much is not left of what was paid.
    """
    order = case.about_order
    assert order is not None
    if amount > unpromised(order):
        raise WrongAmount(
            _("Only %(left)s is left of what was paid for this order: the rest went back already, or is on its way."),
            left=max(unpromised(order), ZERO),
        )
    gateway = StoreGateway.objects.filter(store_id=order.store_id).values_list("gateway", flat=True).first()
    return RefundTransaction.objects.create(
        order=order,
        return_case=case if isinstance(case, Return) else None,
        withdrawal=case if isinstance(case, Withdrawal) else None,
        currency=order.currency,
        amount=amount,
        gateway=gateway or StoreGateway.Gateway.MANUAL,
    )


def unpromised(order: Order) -> Decimal:
    """What was paid and neither went back nor is promised."""
    refunded = order.refunds.aggregate(sum=Sum("amount"))["sum"] or ZERO
    promised = RefundTransaction.objects.filter(order=order).open().aggregate(sum=Sum("amount"))["sum"] or ZERO
    return order.total - refunded - promised


def settle(
    transaction: RefundTransaction,
    refund: Refund,
    actor: Actor,
    *,
    by: User | None = None,
    counted: bool = False,
) -> None:
    """The money is there: the case is refunded, its units are returned, the order says so, the buyer is told.

    `refund` is the row that the order shows. `counted`: the store's import counted the units already.
    The caller holds the order's and the transaction's lock.
    """
    transaction.status = Status.DONE
    transaction.store_reference = refund.store_refund_id
    transaction.refund = refund
    transaction.done_at = timezone.now()
    transaction.done_by = by
    transaction.leased_until = None
    transaction.save()
    case = type(transaction.case).objects.select_for_update(of=("self",)).get(pk=transaction.case.pk)
    if isinstance(case, Return) and not counted:
        count_returned(case)
    settle_status(lock_order(transaction.order_id))
    move(case, "refunded", actor, by=by)


def count_returned(case: Return) -> None:
    """Mark a return's units as returned on their lines, each under its row lock."""
    units = dict(case.lines.values_list("line_id", "quantity"))
    for line in OrderLine.objects.select_for_update(of=("self",)).filter(pk__in=units).order_by("pk"):
        line.quantity_returned = min(line.quantity_returned + units[line.pk], line.quantity)
        line.save(update_fields=["quantity_returned"])


def settle_status(order: Order) -> None:
    """What an order's status is by the money that went back."""
    refunded = order.refunds.aggregate(sum=Sum("amount"))["sum"] or ZERO
    if order.status not in (Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED) or refunded <= ZERO:
        return
    order.status = Order.Status.REFUNDED if refunded >= order.total else Order.Status.PARTIALLY_REFUNDED
    order.save(update_fields=["status"])
