"""Automatic approval of returns: the policy's limit covers everything that was recently refunded to the same buyer.

A limit for single returns could be bypassed with many small ones. The limit therefore includes, in addition to the new
return, everything that was refunded or promised for its order at any time, and for all orders of its email address
within `WINDOW`: approved and refunded returns, withdrawals, cashback, and refunds made by stores. Nothing is converted:
an amount in a different currency rules out automatic approval.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Min, Q

from cases.services import CALLED_OFF
from orders.models import Order, Refund
from refunds.amounts import ZERO
from refunds.models import CashbackClaim, Return, Withdrawal
from refunds.policy import PolicyTerms

WINDOW = timedelta(days=30)
# Everything was refunded, although not every store reports the refunds or their dates.
REVERSED_STATUSES = (Order.Status.REFUNDED, Order.Status.CHARGED_BACK)


@dataclass(frozen=True)
class Payout:
    """An amount that was refunded or promised to a buyer."""

    order_id: int
    email_key: str
    currency: str
    amount: Decimal
    promised_at: datetime
    moved_at: datetime | None = None  # None: not yet, or unknown
    return_id: int | None = None
    cashback_license_id: int | None = None

    def counts_for(self, order: Order, at: datetime) -> bool:
        """Whether this payout counts toward the limit for a return of this order at this moment."""
        if self.promised_at > at:
            return False
        if self.order_id == order.pk:
            return True
        is_same_buyer = self.email_key != "" and self.email_key == order.email_key
        return is_same_buyer and (self.moved_at is None or self.moved_at > at - WINDOW)


def lock_buyer(order: Order) -> None:
    """Serialize automatic approvals for an email address until the transaction ends.

    Otherwise, simultaneous returns of two orders could both be approved without counting each other. The caller holds
    the lock of the order and locks no other order afterwards.
    """
    if order.email_key:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"approval {order.email_key}"])


def is_approved_automatically(
    terms: PolicyTerms,
    order: Order,
    amount: Decimal,
    license_ids: Collection[int],
    payouts: Iterable[Payout],
    at: datetime,
) -> bool:
    """Whether these terms approve a return of this amount and these licenses without staff.

    Cashback for one of the licenses rules it out: staff decide how much of it to deduct.
    """
    if order.currency not in terms.auto_approval_limits:
        return False
    counted = [each for each in payouts if each.counts_for(order, at)]
    if any(each.currency != order.currency for each in counted):
        return False
    if any(each.order_id == order.pk and each.cashback_license_id in license_ids for each in counted):
        return False
    return terms.auto_approves(sum((each.amount for each in counted), amount), order.currency)


# --- Loading ----------------------------------------------------------------------------------------------


def load_payouts(orders: Iterable[Order]) -> list[Payout]:
    """Return the payouts of these orders and of all orders with their email addresses. Five queries."""
    orders = list(orders)
    keys = {order.email_key for order in orders if order.email_key}
    same_buyers = Order.objects.filter(Q(pk__in={order.pk for order in orders}) | Q(email_key__in=keys))
    columns = ("email_key", "currency", "status", "total", "placed_at", "is_test")
    related = {order.pk: order for order in same_buyers.only(*columns)}
    refunds = _refunds(related)
    return [
        each
        for each in [*refunds, *_reversals(related, refunds), *_promises(related), *_cashback(related)]
        if each.amount > ZERO
    ]


def _payout(order: Order, **fields: Any) -> Payout:
    values: dict[str, Any] = {"order_id": order.pk, "email_key": order.email_key, "currency": order.currency}
    return Payout(**values | fields)


def _refunds(orders: dict[int, Order]) -> list[Payout]:
    rows = Refund.objects.filter(order_id__in=orders).select_related(
        "transaction__return_case", "transaction__withdrawal"
    )
    return [_refund(orders[refund.order_id], refund) for refund in rows]


def _refund(order: Order, refund: Refund) -> Payout:
    transaction = getattr(refund, "transaction", None)
    promised = [refund.known_at, refund.recorded_at]
    if transaction is not None and transaction.case.decided_at is not None:
        promised.append(transaction.case.decided_at)
    return _payout(
        order,
        amount=refund.amount,
        promised_at=min(promised),
        moved_at=refund.known_at,
        return_id=transaction.return_case_id if transaction is not None else None,
    )


def _reversals(orders: dict[int, Order], refunds: Iterable[Payout]) -> list[Payout]:
    """Amounts of reversed orders beyond their recorded refunds, at an unknown time."""
    refunded: dict[int, Decimal] = {}
    for each in refunds:
        refunded[each.order_id] = refunded.get(each.order_id, ZERO) + each.amount
    return [
        _payout(order, amount=order.total - refunded.get(order.pk, ZERO), promised_at=order.placed_at)
        for order in orders.values()
        if order.status in REVERSED_STATUSES and not order.is_test
    ]


def _promises(orders: dict[int, Order]) -> list[Payout]:
    """Approved returns and withdrawals that are not refunded yet, and undecided withdrawals."""
    returns = Return.objects.filter(order_id__in=orders, status=Return.Status.APPROVED)
    withdrawals = Withdrawal.objects.filter(order_id__in=orders).exclude(status__in=Withdrawal.CLOSED)
    return [
        _payout(
            orders[case.order_id],
            amount=case.amount if case.amount_approved is None else case.amount_approved,
            promised_at=case.decided_at or case.created_at,
            return_id=case.pk,
        )
        for case in returns
    ] + [
        _payout(
            orders[case.order_id],
            amount=orders[case.order_id].total if case.amount_approved is None else case.amount_approved,
            promised_at=case.created_at,
        )
        for case in withdrawals
        if case.order_id is not None
    ]


def _cashback(orders: dict[int, Order]) -> list[Payout]:
    is_paid = Q(events__to_status=CashbackClaim.Status.PAID)
    claims = CashbackClaim.objects.filter(order_id__in=orders).exclude(status__in=CALLED_OFF)
    return [
        _payout(
            orders[claim.order_id],
            currency=claim.currency,
            amount=claim.amount,
            promised_at=claim.created_at,
            moved_at=claim.paid_at,
            cashback_license_id=claim.license_id,
        )
        for claim in claims.annotate(paid_at=Min("events__at", filter=is_paid))
    ]
