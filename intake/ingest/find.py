"""Which order a payment or a refund belongs to, where it doesn't come with the whole order."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from intake.records import Completion, number_key
from notifications.addresses import email_key
from orders.models import Order, PaymentReference

# A payment is made about when its order is placed; some are captured a day later.
PAYMENT_WINDOW = timedelta(days=2)


class Place(NamedTuple):
    """An order's id, and the key it has in a batch."""

    id: int
    key: tuple[int, str]


class _Candidate(NamedTuple):
    place: Place
    total: Decimal
    currency: str
    placed_at: datetime


Completions = Sequence[tuple[int, Completion]]  # with their store's id
Way = Callable[[int, Completion], set[Place]]


def find_orders(completions: Completions, finds_by: Sequence[str]) -> list[Place | str]:
    """For each (store id, completion) its order, or why there is none: one query a way of finding."""
    if not completions:
        return []
    store_ids = {store_id for store_id, _record in completions}
    finders = {"number": _by_number, "reference": _by_reference, "payer": _by_payer}
    ways = [finders[way](store_ids, completions) for way in finds_by]
    return [_first_found([way(store_id, record) for way in ways]) for store_id, record in completions]


def _first_found(found: list[set[Place]]) -> Place | str:
    for places in found:
        if len(places) == 1:
            return next(iter(places))
        if places:
            return _("%(count)d orders of this store fit; name the order's number.") % {"count": len(places)}
    return _("No order of this store is found for it. Import the store's orders first.")


def _by_number(store_ids: set[int], completions: Completions) -> Way:
    keys = {number_key(number) for _store, record in completions for number in record.numbers}
    rows = Order.objects.filter(number_key__in=keys, store_id__in=store_ids).values_list("id", "store_id", "number_key")
    found = {(store_id, key): Place(order_id, (store_id, key)) for order_id, store_id, key in rows}

    def way(store_id: int, record: Completion) -> set[Place]:
        keys = [(store_id, number_key(number)) for number in record.numbers]
        return {found[key] for key in keys if key in found}

    return way


def _by_reference(store_ids: set[int], completions: Completions) -> Way:
    names = {name for _store, record in completions for name in record.references}
    rows = PaymentReference.objects.filter(reference__in=names, order__store_id__in=store_ids).values_list(
        "reference", "order_id", "order__store_id", "order__number_key"
    )
    found: dict[tuple[int, str], set[Place]] = defaultdict(set)
    for name, order_id, store_id, key in rows:
        found[store_id, name].add(Place(order_id, (store_id, key)))
    return lambda store_id, record: {place for name in record.references for place in found[store_id, name]}


def _by_payer(store_ids: set[int], completions: Completions) -> Way:
    payers = {email_key(record.payer) for _store, record in completions if record.payer and record.paid_at}
    times = [record.paid_at for _store, record in completions if record.payer and record.paid_at]
    found: dict[tuple[int, str], list[_Candidate]] = defaultdict(list)
    if times:
        rows = Order.objects.filter(
            store_id__in=store_ids,
            email_key__in=payers - {""},
            placed_at__range=(min(times) - PAYMENT_WINDOW, max(times) + PAYMENT_WINDOW),
        ).values_list("id", "store_id", "number_key", "email_key", "total", "currency", "placed_at")
        for order_id, store_id, key, payer, total, currency, placed_at in rows:
            found[store_id, payer].append(_Candidate(Place(order_id, (store_id, key)), total, currency, placed_at))
    return lambda store_id, record: {
        candidate.place for candidate in found[store_id, email_key(record.payer or "")] if _fits(record, candidate)
    }


def _fits(record: Completion, candidate: _Candidate) -> bool:
    return (
        record.paid == candidate.total
        and record.paid_in == candidate.currency
        and record.paid_at is not None
        and abs(record.paid_at - candidate.placed_at) <= PAYMENT_WINDOW
    )
