"""Decide which products of an order can be downloaded, and until when. Makes no queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from licenses.models.downloads import DEFAULT_WINDOW_DAYS
from licenses.models.licenses import CLOSED_STATUSES
from orders.models import Order, OrderLine

EXTENDED_YEARS = 2


class EntitlementSource(Enum):
    """What the download period is based on."""

    WINDOW = "window"
    EXTENDED = "extended"
    STAFF = "staff"


class BlockReason(Enum):
    OVER = "over"
    RETURNED = "returned"
    REVOKED = "revoked"
    CANCELLED = "cancelled"  # this and the next two: the whole order
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    PENDING = "pending"


@dataclass(frozen=True)
class PurchasedProduct:
    """A product on an order line: that of the line's license or, without one, that of its SKU."""

    line: OrderLine
    product_id: int
    revoked: bool = False  # every license of this product on this line is revoked


@dataclass(frozen=True)
class Entitlement:
    """Whether a product of an order can be downloaded, up to and including `last_day` in the store's time zone."""

    product_id: int
    last_day: date
    source: EntitlementSource
    block_reason: BlockReason | None = None

    @property
    def is_open(self) -> bool:
        return self.block_reason is None


def product_entitlements(
    order: Order,
    bought: Iterable[PurchasedProduct],
    now: datetime,
    window_days: int = DEFAULT_WINDOW_DAYS,
    extended_until: date | None = None,
) -> list[Entitlement]:
    """The entitlements of an order, one for each product, in the order of its lines.

    `extended_until` is the last day that staff set for this order, if any. A product on several lines
    can be downloaded if one of the lines allows it.
    """
    best: dict[int, Entitlement] = {}
    last_day, source = _download_period(order, window_days, extended_until)
    for each in bought:
        entitlement = Entitlement(each.product_id, last_day, source, _block_reason(order, each, last_day, now))
        known = best.get(each.product_id)
        if known is None or (entitlement.is_open and not known.is_open):
            best[each.product_id] = entitlement
    return list(best.values())


def _block_reason(order: Order, bought: PurchasedProduct, last_day: date, now: datetime) -> BlockReason | None:
    if order.status in CLOSED_STATUSES:
        return BlockReason(CLOSED_STATUSES[order.status])
    if order.status == Order.Status.PENDING:
        return BlockReason.PENDING
    if is_returned(bought.line):
        return BlockReason.RETURNED
    if bought.revoked:
        return BlockReason.REVOKED
    return BlockReason.OVER if now >= _end_of(last_day, order) else None


def _download_period(order: Order, window_days: int, extended_until: date | None) -> tuple[date, EntitlementSource]:
    """The last day, and what it is based on: the longest of the store's window, the Extended Download Service, and the
    day that staff set.
    """
    bought_on = order.placed_at.astimezone(order.store.tzinfo).date()
    periods = [(bought_on + timedelta(days=window_days), EntitlementSource.WINDOW)]
    if has_extended_service(order.items):
        periods.append((years_after(bought_on, EXTENDED_YEARS), EntitlementSource.EXTENDED))
    if extended_until is not None:
        periods.append((extended_until, EntitlementSource.STAFF))
    return max(periods, key=lambda period: period[0])


def has_extended_service(lines: Sequence[OrderLine]) -> bool:
    """Whether the lines contain the Extended Download Service, not returned."""
    return any(line.kind == OrderLine.Kind.EXTENDED_DOWNLOAD and not is_returned(line) for line in lines)


def is_returned(line: OrderLine) -> bool:
    """Whether all units of a line were returned."""
    return line.quantity_returned >= line.quantity


def years_after(day: date, years: int) -> date:
    """The same day `years` later; 28 February if that year has no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _end_of(day: date, order: Order) -> datetime:
    """The end of a day in the store's time zone, correct also if clocks change at midnight."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=order.store.tzinfo)
