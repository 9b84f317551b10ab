"""Find the orders that payments and refunds belong to when they are imported without their order."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from intake.records import OrderUpdate, number_key
from notifications.addresses import email_key
from orders.models import Order, PaymentReference

# A payment is made about when its order is placed; some are captured a day later.
PAYMENT_WINDOW = timedelta(days=2)


class OrderRef(NamedTuple):
    """An order's id and its key in a batch: (store id, number key)."""

    id: int
    key: tuple[int, str]


class _Candidate(NamedTuple):
    order: OrderRef
    total: Decimal
    currency: str
    placed_at: datetime


OrderUpdates = Sequence[tuple[int, OrderUpdate]]  # (store id, update) pairs
Lookup = Callable[[int, OrderUpdate], set[OrderRef]]


def find_orders(updates: OrderUpdates, order_lookups: Sequence[str]) -> list[OrderRef | str]:
    """Return for each update its order, or the reason why none was found. One query per lookup method."""
    if not updates:
        return []
    store_ids = {store_id for store_id, _record in updates}
    lookups = {"number": _by_number, "reference": _by_reference, "payer": _by_payer}
    chosen = [lookups[name](store_ids, updates) for name in order_lookups]
    return [_first_match([lookup(store_id, record) for lookup in chosen]) for store_id, record in updates]


def _first_match(candidates: list[set[OrderRef]]) -> OrderRef | str:
    for orders in candidates:
        if len(orders) == 1:
            return next(iter(orders))
        if orders:
            return _("%(count)d orders of this store fit; name the order's number.") % {"count": len(orders)}
    return _("No order of this store is found for it. Import the store's orders first.")


def _by_number(store_ids: set[int], updates: OrderUpdates) -> Lookup:
    keys = {number_key(number) for _store, record in updates for number in record.numbers}
    rows = Order.objects.filter(number_key__in=keys, store_id__in=store_ids).values_list("id", "store_id", "number_key")
    found = {(store_id, key): OrderRef(order_id, (store_id, key)) for order_id, store_id, key in rows}

    def lookup(store_id: int, record: OrderUpdate) -> set[OrderRef]:
        keys = [(store_id, number_key(number)) for number in record.numbers]
        return {found[key] for key in keys if key in found}

    return lookup


def _by_reference(store_ids: set[int], updates: OrderUpdates) -> Lookup:
    names = {name for _store, record in updates for name in record.references}
    rows = PaymentReference.objects.filter(reference__in=names, order__store_id__in=store_ids).values_list(
        "reference", "order_id", "order__store_id", "order__number_key"
    )
    found: dict[tuple[int, str], set[OrderRef]] = defaultdict(set)
    for name, order_id, store_id, key in rows:
        found[store_id, name].add(OrderRef(order_id, (store_id, key)))
    return lambda store_id, record: {order for name in record.references for order in found[store_id, name]}


def _by_payer(store_ids: set[int], updates: OrderUpdates) -> Lookup:
    payers = {email_key(record.payer) for _store, record in updates if record.payer and record.paid_at}
    times = [record.paid_at for _store, record in updates if record.payer and record.paid_at]
    found: dict[tuple[int, str], list[_Candidate]] = defaultdict(list)
    if times:
        rows = Order.objects.filter(
            store_id__in=store_ids,
            email_key__in=payers - {""},
            placed_at__range=(min(times) - PAYMENT_WINDOW, max(times) + PAYMENT_WINDOW),
        ).values_list("id", "store_id", "number_key", "email_key", "total", "currency", "placed_at")
        for order_id, store_id, key, payer, total, currency, placed_at in rows:
            found[store_id, payer].append(_Candidate(OrderRef(order_id, (store_id, key)), total, currency, placed_at))
    return lambda store_id, record: {
        candidate.order
        for candidate in found[store_id, email_key(record.payer or "")]
        if _matches_payment(record, candidate)
    }


def _matches_payment(record: OrderUpdate, candidate: _Candidate) -> bool:
    return (
        record.paid_amount == candidate.total
        and record.paid_currency == candidate.currency
        and record.paid_at is not None
        and abs(record.paid_at - candidate.placed_at) <= PAYMENT_WINDOW
    )
