"""Who may download what, until when, and why not: decided by rows alone, without a look at the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from licenses.models.downloads import DEFAULT_WINDOW_DAYS
from orders.models import Order, OrderLine

EXTENDED_YEARS = 2
NOTHING_ANY_MORE = (Order.Status.CANCELLED, Order.Status.REFUNDED, Order.Status.CHARGED_BACK)


class By(Enum):
    """What allows, or allowed, to download."""

    WINDOW = "window"
    EXTENDED = "extended"


class WhyNot(Enum):
    OVER = "over"
    RETURNED = "returned"
    REVOKED = "revoked"
    UNDONE = "undone"  # the whole order
    PENDING = "pending"


@dataclass(frozen=True)
class Bought:
    """A product on a line of the order: the license's current one, and the SKU's where no license says."""

    line: OrderLine
    product_id: int
    revoked: bool = False  # every license of this product on this line


@dataclass(frozen=True)
class Entitlement:
    """Whether one product of an order can be downloaded. `last_day` counts whole, in the store's time zone."""

    product_id: int
    last_day: date
    by: By
    why_not: WhyNot | None = None

    @property
    def is_open(self) -> bool:
        return self.why_not is None


def of(
    order: Order, bought: Iterable[Bought], now: datetime, window_days: int = DEFAULT_WINDOW_DAYS
) -> list[Entitlement]:
    """What this order allows now: once for each product, in the order of its lines.

    A product on several lines is judged by the line that allows the most.
    """
    judged: dict[int, Entitlement] = {}
    last_day, by = _time_of(order, window_days)
    for each in bought:
        verdict = Entitlement(each.product_id, last_day, by, _why_not(order, each, last_day, now))
        known = judged.get(each.product_id)
        if known is None or (verdict.is_open and not known.is_open):
            judged[each.product_id] = verdict
    return list(judged.values())


def _why_not(order: Order, bought: Bought, last_day: date, now: datetime) -> WhyNot | None:
    if order.status in NOTHING_ANY_MORE:
        return WhyNot.UNDONE
    if order.status == Order.Status.PENDING:
        return WhyNot.PENDING
    if is_returned(bought.line):
        return WhyNot.RETURNED
    if bought.revoked:
        return WhyNot.REVOKED
    return WhyNot.OVER if now >= _end_of(last_day, order) else None


def _time_of(order: Order, window_days: int) -> tuple[date, By]:
    """The last day, and what grants it: the store's window, or the service where that lasts longer."""
    bought_on = order.placed_at.astimezone(order.store.tzinfo).date()
    window = (bought_on + timedelta(days=window_days), By.WINDOW)
    if not has_extended_service(order.items):
        return window
    return max(window, (years_after(bought_on, EXTENDED_YEARS), By.EXTENDED), key=lambda time: time[0])


def has_extended_service(lines: Sequence[OrderLine]) -> bool:
    """Whether the Extended Download Service was bought with these lines, and not given back."""
    return any(line.kind == OrderLine.Kind.EXTENDED_DOWNLOAD and not is_returned(line) for line in lines)


def is_returned(line: OrderLine) -> bool:
    """Whether nothing of a line is left with the buyer."""
    return line.quantity_returned >= line.quantity


def years_after(day: date, years: int) -> date:
    """The same day so many years later; 28 February where that year has no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _end_of(day: date, order: Order) -> datetime:
    """The first moment after a day in the store's zone, also where clocks change at midnight."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=order.store.tzinfo)
