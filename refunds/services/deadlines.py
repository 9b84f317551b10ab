"""Recalculate stored deadlines when the store's time zone or the purchase date changed."""

from collections.abc import Collection
from datetime import timedelta, tzinfo

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from orders.models import Order, OrderLine, Store
from refunds.models import Withdrawal
from refunds.policy import move_to_time_zone
from refunds.services.withdrawals import set_deadline

CHUNK_SIZE = 1000  # orders
# Return deadlines that passed longer ago are kept. They only show when the period ended.
RECENTLY = timedelta(days=30)


def move_store_deadlines(store: Store, old_zone: tzinfo) -> None:
    """Recalculate the deadlines of a store's orders in its current time zone."""
    recent = Q(return_until__gt=timezone.now() - RECENTLY)
    has_line = Exists(OrderLine.objects.filter(recent, order=OuterRef("pk")))
    has_withdrawal = Exists(Withdrawal.objects.undecided().filter(order=OuterRef("pk")))
    orders = Order.objects.filter(has_line | has_withdrawal, store=store).order_by("pk").values_list("pk", flat=True)
    last_id = 0
    while order_ids := list(orders.filter(pk__gt=last_id)[:CHUNK_SIZE]):
        last_id = order_ids[-1]
        with transaction.atomic():
            # Imports lock orders in the same sequence.
            list(Order.objects.select_for_update(of=("self",)).filter(pk__in=order_ids).order_by("pk"))
            lines = list(OrderLine.objects.filter(recent, order__in=order_ids).select_related("order"))
            for line in lines:
                assert line.return_until is not None  # guaranteed by the filter
                line.return_until = move_to_time_zone(line.return_until, line.order.placed_at, old_zone, store.tzinfo)
            OrderLine.objects.bulk_update(lines, ["return_until"])
            update_withdrawal_deadlines(order_ids)


def update_withdrawal_deadlines(order_ids: Collection[int]) -> None:
    """Recalculate the deadlines of undecided withdrawals of these orders. The caller has locked the orders."""
    withdrawals = Withdrawal.objects.undecided().filter(order__in=order_ids).select_related("order__store")
    for withdrawal in withdrawals.select_for_update(of=("self",)):
        set_deadline(withdrawal)
        withdrawal.save(update_fields=["withdraw_until", "is_late"])
