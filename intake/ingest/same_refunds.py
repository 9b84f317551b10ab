"""Recognize a refund that two feeds report, such as the store and its payment provider: the money went back once.

Each feed has ids of its own for refunds. The ids that a feed reported are in its entry of `Order.sources`, and
`same_refunds` there has the ids under which refunds are stored that another feed reported first.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from intake.ingest.state import OrderState, RefundState
from intake.records import OrderRecord, OrderUpdate, RefundRecord, UndatedRefund

# Two refunds of the same amount are one if their times are not further apart: staff may record one later.
SAME_AMOUNT_WINDOW = timedelta(days=3)
# A refund that was paid in parts (to a card and a gift card) is one refund for the store, and the payment
# provider reports only its part, at the same time.
PART_WINDOW = timedelta(minutes=1)


def family_of(feed: str) -> str:
    """The feed of an entry of `Order.sources`, which may be about a single object of it."""
    return feed.partition(":")[0]


def identify_refunds(record: OrderRecord, order: OrderState, feed: str, sources: Mapping[str, Any]) -> dict[str, str]:
    """Give a record's refunds the ids under which another feed reported them. Returns these by the record's own ids."""
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
    """The id of the stored refund that this one is, or is a part of, or that is a part of this one."""
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
    """Write a refund as the stored one. Its time stays, and so do the units that were reported."""
    refund.id = stored_id
    refund.at = state.columns["refunded_at"] or refund.at
    if state.columns["lines"]:
        refund.lines = None
