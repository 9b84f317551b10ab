"""Recognize refunds reported by two feeds, such as the store and its payment provider, to record them once.

Each feed has its own refund ids. The ids reported by a feed are in its entry of `Order.sources`. `same_refunds` there
maps ids to the stored ids of refunds that another feed reported first.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from intake.ingest.state import OrderState, RefundState
from intake.records import OrderRecord, OrderUpdate, RefundRecord, UndatedRefund

# Refunds of the same amount are considered equal within this time, because staff may record one later.
SAME_AMOUNT_WINDOW = timedelta(days=3)
# A store may report a refund that was paid in parts (to a card and a gift card) as one refund. The payment provider
# then reports only its part, at the same time.
PART_WINDOW = timedelta(minutes=1)


def family_of(feed: str) -> str:
    """Return the feed of an entry of `Order.sources`, which may be about a single object of it."""
    return feed.partition(":")[0]


def identify_refunds(record: OrderRecord, order: OrderState, feed: str, sources: Mapping[str, Any]) -> dict[str, str]:
    """Replace the ids of a record's refunds by those of refunds that another feed reported. Returns the stored ids by
    id.
    """
    family = family_of(feed)
    own = {name: entry for name, entry in sources.items() if family_of(name) == family}
    same: dict[str, str] = {}
    for entry in own.values():
        same |= entry.get("same_refunds") or {}
    reported_here = {refund_id for entry in own.values() for refund_id in entry.get("refunds") or ()}
    reported_elsewhere = {
        refund_id
        for name, entry in sources.items()
        if family_of(name) != family
        for refund_id in entry.get("refunds") or ()
    }
    reported_here |= {refund.id for refund in record.refunds or ()}
    found: dict[str, str] = {}
    for refund in record.refunds or ():
        if isinstance(refund, UndatedRefund) and refund.is_total:
            continue
        stored_id = same.get(refund.id)
        if stored_id is None and refund.id not in order.refunds:
            is_part = type(record) is OrderUpdate
            stored_id = _find(refund, order, reported_elsewhere - reported_here, is_part=is_part)
        if stored_id is not None and stored_id in order.refunds:
            found[refund.id] = stored_id
            reported_here.add(stored_id)
            _use(refund, order.refunds[stored_id], stored_id)
    return found


def _find(refund: RefundRecord, order: OrderState, candidates: set[str], *, is_part: bool) -> str | None:
    """Return the id of the stored refund that is this one, contains it, or is contained in it."""
    states = [order.refunds[refund_id] for refund_id in sorted(candidates) if refund_id in order.refunds]
    for state in states:
        distance = _distance(refund.at, state.columns["refunded_at"])
        if state.columns["amount"] == refund.amount and (distance is None or distance <= SAME_AMOUNT_WINDOW):
            return str(state.columns["store_refund_id"])
    for state in states:
        distance = _distance(refund.at, state.columns["refunded_at"])
        is_whole_and_part = (refund.amount < state.columns["amount"]) is is_part
        if refund.amount and is_whole_and_part and distance is not None and distance <= PART_WINDOW:
            return str(state.columns["store_refund_id"])
    return None


def _distance(one: datetime | None, other: datetime | None) -> timedelta | None:
    return None if one is None or other is None else abs(one - other)


def _use(refund: RefundRecord, state: RefundState, stored_id: str) -> None:
    """Write the refund with the stored refund's id. Its time and the reported units are kept."""
    refund.id = stored_id
    refund.at = state.columns["refunded_at"] or refund.at
    if state.columns["lines"]:
        refund.lines = None
