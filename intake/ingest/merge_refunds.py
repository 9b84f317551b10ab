"""Merge the refunds of an order: each refund is recorded once, and never removed."""

from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from intake.ingest.columns import ZERO
from intake.ingest.recency import Recency
from intake.ingest.state import OrderState, RefundState
from intake.records import OrderRecord, OrderUpdate, RefundRecord, UndatedRefund
from orders.models import TOTAL_REFUND_ID
from refunds.services.transactions import OWN_REFUND_ID_PREFIX


def merge_refunds(record: OrderRecord, order: OrderState, recency: Recency, known_ids: list[str]) -> list[str]:
    """Add the refunds that are not recorded yet, including those of an older record.

    A recorded refund is never deleted or reduced, because the money was paid. If the newest record contradicts it, the
    refund is marked as missing for staff. `known_ids` are those in this feed's newest record so far. Returns the
    current ids.
    """
    applies = recency.applies("refunds")
    listed = record.refunds or []
    for refund in listed:
        if isinstance(refund, UndatedRefund) and refund.is_total:
            _merge_refund_total(refund, order)
        elif refund.id in order.refunds or not _came_to_nothing(refund, known_ids, applies):
            _merge_refund(refund, order, applies)
    ids = [refund.id for refund in listed]
    if isinstance(record, OrderUpdate):  # single refunds: the record says nothing about others
        for refund in listed if applies else ():
            if not (isinstance(refund, UndatedRefund) and refund.is_total):
                _clear_missing(order, refund)
        return list(dict.fromkeys([*known_ids, *ids]))
    if not applies:
        _mark_missing(order, [refund_id for refund_id in ids if refund_id not in known_ids])
        return known_ids
    _mark_missing(order, [refund_id for refund_id in known_ids if refund_id not in ids])
    for refund in listed:
        _clear_missing(order, refund)
    return ids


def _came_to_nothing(refund: RefundRecord, known_ids: list[str], applies: bool) -> bool:
    """Whether a refund that is not recorded failed later, according to this record or a newer one."""
    return refund.amount == ZERO or (not applies and refund.id in known_ids)


def _merge_refund(refund: RefundRecord, order: OrderState, applies: bool) -> None:
    lines = [{"id": line.id, "quantity": line.quantity} for line in refund.lines or ()]
    if refund.id not in order.refunds and _identify_in_total(refund, lines, order):
        return
    state = order.refunds.get(refund.id)
    if state is None:
        _add_refund(order, refund.id, refund.amount, refund.at, lines)
        return
    known = state.columns
    at = refund.at if refund.at is not None and (applies or known["refunded_at"] is None) else known["refunded_at"]
    if not lines or not (applies or not known["lines"]):
        lines = known["lines"]
    if (known["refunded_at"], known["lines"]) != (at, lines):
        state.columns = known | {"refunded_at": at, "lines": lines}
        state.changed = order.changed = True
    growth = refund.amount - _recorded_under(order, refund.id)
    if growth > ZERO:
        _add_refund(order, _next_id(order, refund.id), growth, refund.at, [])


def _merge_refund_total(refund: UndatedRefund, order: OrderState) -> None:
    """Record the part of the store's refund sum that exceeds the recorded refunds.

    Refunds made by the portal don't count as recorded. Whether the sum includes them is decided after the import, by
    matching the new refund with them (refunds/services/imported_refunds.py).
    """
    growth = refund.amount - _recorded_by_stores(order)
    if growth > ZERO:
        is_first = refund.id not in order.refunds
        refund_id = refund.id if is_first else _next_id(order, refund.id)
        _add_refund(order, refund_id, growth, refund.at if is_first else None, [])


def _identify_in_total(refund: RefundRecord, lines: list[dict[str, Any]], order: OrderState) -> bool:
    """Find a refund that is only known as a sum, and set its id, date and lines. Returns whether it was found.

    If the sum is larger, only this part of it is identified.
    """
    unidentified = [state for state in _family(order, TOTAL_REFUND_ID) if not state.columns["lines"]]
    for state in unidentified:
        if state.columns["amount"] == refund.amount:
            del order.refunds[state.columns["store_refund_id"]]
            at = refund.at or state.columns["refunded_at"]
            state.columns = state.columns | {"store_refund_id": refund.id, "refunded_at": at, "lines": lines}
            state.changed = order.changed = True
            order.refunds[refund.id] = state
            return True
    for state in unidentified:
        if state.columns["amount"] > refund.amount and not state.has_transaction:
            state.columns = state.columns | {"amount": state.columns["amount"] - refund.amount}
            state.changed = order.changed = True
            break
    return False


def _add_refund(
    order: OrderState, refund_id: str, amount: Decimal, at: datetime | None, lines: list[dict[str, Any]]
) -> None:
    columns = {
        "store_refund_id": refund_id,
        "amount": amount,
        "refunded_at": at,
        "lines": lines,
        "missing_since": None,
    }
    order.refunds[refund_id] = RefundState(columns)
    order.changed = True


def _family(order: OrderState, refund_id: str) -> list[RefundState]:
    """Return the refund with this id, and those added when its amount grew."""
    return [state for known, state in order.refunds.items() if known == refund_id or known.startswith(f"{refund_id}#")]


def _next_id(order: OrderState, refund_id: str) -> str:
    return next(name for n in count(2) if (name := f"{refund_id}#{n}") not in order.refunds)


def _recorded_under(order: OrderState, refund_id: str) -> Decimal:
    return sum((state.columns["amount"] for state in _family(order, refund_id)), ZERO)


def _recorded_by_stores(order: OrderState) -> Decimal:
    return sum(
        (
            state.columns["amount"]
            for refund_id, state in order.refunds.items()
            if not refund_id.startswith(OWN_REFUND_ID_PREFIX)
        ),
        ZERO,
    )


def _mark_missing(order: OrderState, refund_ids: list[str]) -> None:
    for refund_id in refund_ids:
        for state in _family(order, refund_id):
            if state.columns["missing_since"] is None:
                state.columns = state.columns | {"missing_since": timezone.now()}
                state.changed = order.changed = True


def mark_missing_refunds(record: OrderRecord, order: OrderState, known_ids: list[str]) -> None:
    """Mark refunds that a record no longer contains, or contains with a smaller amount. Staff see that on the order."""
    listed = record.refunds or []
    _mark_missing(order, [refund_id for refund_id in known_ids if refund_id not in {refund.id for refund in listed}])
    for refund in listed:
        _clear_missing(order, refund)


def _clear_missing(order: OrderState, refund: RefundRecord) -> None:
    """Unmark a refund that the store lists, unless its amount is smaller than the recorded one."""
    is_total = isinstance(refund, UndatedRefund) and refund.is_total
    recorded = _recorded_by_stores(order) if is_total else _recorded_under(order, refund.id)
    if refund.amount < recorded:
        _mark_missing(order, [refund.id])
        return
    for state in _family(order, refund.id):
        if state.columns["missing_since"] is not None:
            state.columns = state.columns | {"missing_since": None}
            state.changed = order.changed = True


def count_returned(order: OrderState) -> None:
    """Set the returned units from the store's refunds. Units returned in the portal are kept."""
    returned: dict[str, int] = {}
    if not order.refunds and not any(line.returned_by_store for line in order.lines.values()):
        return
    for refund in order.refunds.values():
        for part in refund.columns["lines"]:
            returned[part["id"]] = returned.get(part["id"], 0) + part["quantity"]
    for line_id, line in order.lines.items():
        counted = line.columns["quantity_returned"]
        from_store = returned.get(line_id, 0)
        now = from_store if counted == line.returned_by_store else max(counted, from_store)
        line.returned_by_store = from_store
        if now != counted:
            line.columns["quantity_returned"] = now
            line.changed = order.changed = True
