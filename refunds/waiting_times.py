"""Times during which the buyer had to wait for the portal or staff. They extend the period of a return or cashback
claim.

A line can't be returned while a correction of the order's address can be undone, or while a swap, a return or a
withdrawal is undecided. Until the old address was notified of the correction, the end of its time is unknown, and the
earliest possible end is used. If a case is declined or canceled, the time during which it was open is added, too.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.db import connection
from django.utils import timezone

from orders.models import UNDO_PERIOD, Order
from refunds.policy import end_of_day, last_moment_before

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WaitingTime:
    """From `start` to `end`, a line could not be returned; all lines of the order if `line_id` is None."""

    kind: str  # "correction", "return", "swap" or "withdrawal"; "cashback" for refunds/promotions.py
    line_id: int | None
    start: datetime
    end: datetime
    was_ended_by_buyer: bool  # canceled by the buyer, so its end was not decided by staff

    def concerns(self, line_id: int) -> bool:
        return self.line_id is None or self.line_id == line_id


# Columns: order, kind, line or null, start, end, whether the buyer ended it. A case that was declined or canceled ended
# with its last event that set this status.
WAITING_TIMES_SQL = """
SELECT order_id, 'correction' AS kind, NULL::bigint AS line_id, made_at AS start,
    least(undone_at, released_at, coalesce(undo_until, %(earliest_undo_end)s)) AS until, false AS was_ended_by_buyer
FROM orders_addresscorrection WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT request.order_id, 'return', item.line_id, request.created_at, closing.at, closing.actor = 'buyer'
FROM refunds_return AS request JOIN refunds_returnline AS item ON item.return_case_id = request.id
CROSS JOIN LATERAL (SELECT at, actor FROM refunds_returnevent WHERE case_id = request.id
    AND to_status = request.status AND from_status <> to_status ORDER BY at DESC, id DESC LIMIT 1) AS closing
WHERE request.order_id = ANY(%(orders)s) AND request.status IN ('declined', 'cancelled')
UNION ALL
SELECT request.order_id, 'swap', request.line_id, request.created_at, closing.at, closing.actor = 'buyer'
FROM refunds_swap AS request
CROSS JOIN LATERAL (SELECT at, actor FROM refunds_swapevent WHERE case_id = request.id
    AND to_status = request.status AND from_status <> to_status ORDER BY at DESC, id DESC LIMIT 1) AS closing
WHERE request.order_id = ANY(%(orders)s) AND request.status IN ('declined', 'cancelled')
UNION ALL
SELECT request.order_id, 'withdrawal', NULL, request.created_at, closing.at, closing.actor = 'buyer'
FROM refunds_withdrawal AS request
CROSS JOIN LATERAL (SELECT at, actor FROM refunds_withdrawalevent WHERE case_id = request.id
    AND to_status = request.status AND from_status <> to_status ORDER BY at DESC, id DESC LIMIT 1) AS closing
WHERE request.order_id = ANY(%(orders)s) AND request.status IN ('declined', 'cancelled')
"""


def waiting_times_parameters(order_ids: Collection[int]) -> dict[str, Any]:
    return {"orders": list(order_ids), "earliest_undo_end": timezone.now() + UNDO_PERIOD}


def load_waiting_times(order_ids: Collection[int]) -> dict[int, list[WaitingTime]]:
    """Return the waiting times of these orders, by order id. Makes one query."""
    waiting_times: dict[int, list[WaitingTime]] = {order_id: [] for order_id in order_ids}
    with connection.cursor() as cursor:
        cursor.execute(WAITING_TIMES_SQL, waiting_times_parameters(order_ids))
        for order_id, *columns in cursor.fetchall():
            waiting_times[order_id].append(WaitingTime(*columns))
    return waiting_times


def extend_deadline(deadline: datetime, waiting_times: Iterable[WaitingTime], zone: tzinfo) -> datetime:
    """Return an exclusive deadline, extended by the waiting times that began before it, to the end of a day.

    Overlapping times count once. Unless the buyer ended it, at least one whole day is left after a waiting time. A
    waiting time ended by the buyer adds only its exact length, so that requesting and canceling daily can't extend the
    deadline indefinitely.
    """
    extended, counted_until = deadline.astimezone(UTC), None  # in UTC, a day always has 24 hours
    for each in sorted(waiting_times, key=lambda waiting_time: waiting_time.start):
        if each.start >= _round_up(extended, deadline, zone):
            break
        start = max(each.start, counted_until or each.start)
        extended += max(each.end - start, timedelta(0))
        counted_until = max(each.end, counted_until or each.end)
        if not each.was_ended_by_buyer:
            extended = max(extended, each.end + ONE_DAY)
    return _round_up(extended, deadline, zone)


def _round_up(extended: datetime, deadline: datetime, zone: tzinfo) -> datetime:
    """Return the end of the day of an extended deadline, or the deadline itself if it was not extended."""
    if extended == deadline:
        return deadline
    return end_of_day(last_moment_before(extended).astimezone(zone).date(), zone)


def extend_return_deadlines(
    order: Order, deadlines: Mapping[int, datetime], waiting_times: Collection[WaitingTime]
) -> dict[int, datetime]:
    """Return the deadlines of lines, by their ids, extended by waiting times.

    A deadline at the purchase itself (never returnable) is kept.
    """
    zone = order.store.tzinfo
    return {
        line_id: deadline
        if deadline <= order.placed_at
        else extend_deadline(deadline, (each for each in waiting_times if each.concerns(line_id)), zone)
        for line_id, deadline in deadlines.items()
    }
