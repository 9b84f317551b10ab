"""Find the orders of payments and refunds that are imported without them.

A number alone is no proof, because the payer types it. A payment found by its number therefore must have the order's
amount and currency. If the store's own export names the payment, that isn't required, but a test payment never belongs
to a real order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from intake.ingest.dry_run import DryRun
from intake.problems import Problem, ProblemCode
from intake.records import NO_CURRENCY, OrderUpdate, number_key
from notifications.addresses import email_key
from orders.models import Order, PaymentReference
from orders.money import format_money

# A payment is made around the time of the order; some are captured a day later.
PAYMENT_WINDOW = timedelta(days=2)


class OrderRef(NamedTuple):
    """An order's id and its key in a batch: (store id, number key)."""

    id: int
    key: tuple[int, str]


class _Candidate(NamedTuple):
    id: int
    store_id: int
    number_key: str
    email_key: str
    total: Decimal
    currency: str
    is_test: bool
    placed_at: datetime

    @property
    def order(self) -> OrderRef:
        return OrderRef(self.id, (self.store_id, self.number_key))


OrderUpdates = Sequence[tuple[int, OrderUpdate]]  # (store id, update) pairs
Lookup = Callable[[int, OrderUpdate], set[_Candidate]]


def find_orders(
    updates: OrderUpdates, order_lookups: Sequence[str], dry_run: DryRun | None = None
) -> list[OrderRef | Problem]:
    """Return the order of each update, or the reason why none was found. Makes a few queries per lookup method."""
    if not updates:
        return []
    finder = _Finder({store_id for store_id, _record in updates}, updates, dry_run)
    lookups = {"number": finder.by_number, "reference": finder.by_reference, "payer": finder.by_payer}
    chosen = [(name, lookups[name]()) for name in order_lookups]
    return [
        _first_match(record, [(name, lookup(store_id, record)) for name, lookup in chosen])
        for store_id, record in updates
    ]


def _first_match(record: OrderUpdate, found: list[tuple[str, set[_Candidate]]]) -> OrderRef | Problem:
    for name, candidates in found:
        fitting = [each for each in candidates if name == "reference" or _agrees(record, each)]
        fitting = [each for each in fitting if _is_same_mode(record, each) and _is_in_currency(record, each)]
        if len(fitting) == 1:
            return fitting[0].order
        if fitting:
            text = _("%(count)d orders of this store match. Add the order number.") % {"count": len(fitting)}
            return Problem(text, ProblemCode.ORDER_NOT_FOUND)
        if candidates:
            return _difference(record, min(candidates))
    text = _("No matching order of this store was found. Import the store’s orders first.")
    return Problem(text, ProblemCode.ORDER_NOT_FOUND)


def _is_payment(record: OrderUpdate) -> bool:
    return record.payment is not None


def _agrees(record: OrderUpdate, order: _Candidate) -> bool:
    """Whether a payment has the order's amount and currency. Refunds are exempt."""
    is_equal = record.paid_amount == order.total and record.paid_currency == order.currency
    return is_equal or not _is_payment(record)


def _is_same_mode(record: OrderUpdate, order: _Candidate) -> bool:
    return record.is_live is None or record.is_live != order.is_test


def _is_in_currency(record: OrderUpdate, order: _Candidate) -> bool:
    """Whether refunds can be recorded with the order: their currency is unknown or the order's."""
    return not record.refunds or record.paid_currency in (NO_CURRENCY, order.currency)


def _difference(record: OrderUpdate, order: _Candidate) -> Problem:
    """Return why a payment doesn't belong to the order that it names."""
    if not _is_same_mode(record, order):
        if record.is_live:
            text = _("This is a real payment, but its order is a test order.")
        else:
            text = _("This payment was made in test mode, but its order is real.")
    elif not _is_in_currency(record, order):
        text = _("This refund is in %(other)s, and its order in %(currency)s.") % {
            "other": record.paid_currency,
            "currency": order.currency,
        }
    elif record.paid_amount is None:
        text = _("This payment has no amount, so it can’t be matched to its order.")
    else:
        text = _("This payment of %(paid)s doesn’t match its order’s total of %(total)s.") % {
            "paid": format_money(record.paid_amount, record.paid_currency),
            "total": format_money(order.total, order.currency),
        }
    return Problem(text, ProblemCode.PAYMENT_DIFFERS)


_COLUMNS = ("id", "store_id", "number_key", "email_key", "total", "currency", "is_test", "placed_at")


class _Finder:
    """Looks up the orders of all updates of a batch at once, including those that a dry run would have created."""

    def __init__(self, store_ids: set[int], updates: OrderUpdates, dry_run: DryRun | None) -> None:
        self._store_ids = store_ids
        self._updates = [record for _store, record in updates]
        self._dry_run = dry_run

    def by_number(self) -> Lookup:
        keys = list({number_key(number) for record in self._updates for number in record.numbers})
        found = {
            (each.store_id, each.number_key): each
            for each in self._find({"number_key__in": keys}, "number_key = ANY(%s)", [keys])
        }
        others = self._named_differently(found.values())

        def lookup(store_id: int, record: OrderUpdate) -> set[_Candidate]:
            orders = (found.get((store_id, number_key(number))) for number in record.numbers)
            names = set(record.references)
            return {each for each in orders if each and not any(name not in names for name in others(record, each))}

        return lookup

    def _named_differently(self, orders: Iterable[_Candidate]) -> Callable[[OrderUpdate, _Candidate], set[str]]:
        """Return a function that returns the ids that the store gave to an order, if it is found by such an id.

        An order's number may be the id of another order.
        """
        prefixes = {record.id_prefix for record in self._updates if record.id_prefix}
        ids: dict[int, set[str]] = defaultdict(set)
        order_ids = [each.id for each in orders] if prefixes else []
        if order_ids:
            rows = PaymentReference.objects.filter(order_id__in=order_ids).values_list("order_id", "reference")
            for order_id, reference in rows:
                ids[order_id].add(reference)

        def lookup(record: OrderUpdate, order: _Candidate) -> set[str]:
            prefix = record.id_prefix
            return {name for name in ids[order.id] if prefix and name.startswith(prefix)}

        return lookup

    def by_reference(self) -> Lookup:
        names = {name for record in self._updates for name in record.references}
        rows = list(
            PaymentReference.objects.filter(reference__in=names, order__store_id__in=self._store_ids).values_list(
                "reference", "order_id"
            )
        )
        if self._dry_run:
            rows += self._dry_run.find_references(names)
        ids = list({order_id for _name, order_id in rows})
        by_id = {each.id: each for each in self._find({"pk__in": ids}, "id = ANY(%s)", [ids])} if ids else {}
        found: dict[tuple[int, str], set[_Candidate]] = defaultdict(set)
        for name, order_id in rows:
            if order := by_id.get(order_id):
                found[order.store_id, name].add(order)
        return lambda store_id, record: {order for name in record.references for order in found[store_id, name]}

    def by_payer(self) -> Lookup:
        paid = [record for record in self._updates if record.payer and record.paid_at]
        times = [record.paid_at for record in paid if record.paid_at]
        found: dict[tuple[int, str], list[_Candidate]] = defaultdict(list)
        if times:
            payers = list({email_key(record.payer or "") for record in paid} - {""})
            since, until = min(times) - PAYMENT_WINDOW, max(times) + PAYMENT_WINDOW
            for each in self._find(
                {"email_key__in": payers, "placed_at__range": (since, until)},
                "email_key = ANY(%s) AND placed_at BETWEEN %s AND %s",
                [payers, since, until],
            ):
                found[each.store_id, each.email_key].append(each)
        return lambda store_id, record: {
            each for each in found[store_id, email_key(record.payer or "")] if _matches_payment(record, each)
        }

    def _find(self, lookups: dict[str, Any], condition: str, values: list[Any]) -> list[_Candidate]:
        """Return orders of these stores that match the lookups and the same condition in SQL."""
        rows = Order.objects.filter(store_id__in=self._store_ids, **lookups).values_list(*_COLUMNS)
        found = {each.id: each for each in map(_Candidate._make, rows)}
        if self._dry_run:
            found |= {each.id: each for each in map(_Candidate._make, self._dry_run.find(condition, values))}
        return list(found.values())


def _matches_payment(record: OrderUpdate, candidate: _Candidate) -> bool:
    return (
        _agrees(record, candidate)
        and _is_same_mode(record, candidate)
        and record.paid_at is not None
        and abs(record.paid_at - candidate.placed_at) <= PAYMENT_WINDOW
    )
