"""Until when what can be returned: the store's policy in force at the purchase, in the store's time zone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from licenses.models import Sku
from orders.models import Order, OrderLine, Store
from refunds.models import ReturnException, ReturnPolicy


@dataclass
class Terms:
    """One policy version with its exceptions and limits, ready to be asked."""

    policy: ReturnPolicy
    exceptions: list[ReturnException] = field(default_factory=list)
    auto_approval: dict[str, Decimal] = field(default_factory=dict)  # by currency

    def days(self, product_id: int | None, kind: str) -> int | None:
        """How many days after the purchase; None where it cannot be returned at all.

        The most exact exception counts: product and kind, then product, then kind.
        """
        if not self.exceptions:
            return self.policy.days
        fitting = [
            exception
            for exception in self.exceptions
            if exception.product_id in (None, product_id) and exception.kind in ("", kind)
        ]
        if not fitting:
            return self.policy.days
        return max(fitting, key=lambda each: (each.product_id is not None, each.kind != "")).days

    def approves_by_itself(self, amount: Decimal, currency: str) -> bool:
        limit = self.auto_approval.get(currency)
        return limit is not None and amount <= limit


class Policies:
    """The policies of some stores, loaded once: three queries, however many orders are judged."""

    def __init__(self, store_ids: Iterable[int]) -> None:
        self._versions: dict[int, list[Terms]] = {store_id: [] for store_id in store_ids}
        policies = (
            ReturnPolicy.objects.filter(store_id__in=self._versions)
            .newest_first()
            .prefetch_related("exceptions", "auto_approval_limits")
        )
        for policy in policies:
            self._versions[policy.store_id].append(
                Terms(
                    policy,
                    list(policy.exceptions.all()),
                    {limit.currency: limit.up_to for limit in policy.auto_approval_limits.all()},
                )
            )
        self._default = Terms(ReturnPolicy())

    def at(self, store_id: int, placed_at: datetime) -> Terms:
        """What was in force when an order was placed; a store that never said anything has the defaults."""
        for terms in self._versions[store_id]:
            if terms.policy.in_force_from <= placed_at:
                return terms
        return self._default


def last_day(placed_at: datetime, zone: tzinfo, days: int) -> date:
    """The last day on which a return can be sent. The purchase day is day 0, in the store's time zone."""
    return placed_at.astimezone(zone).date() + timedelta(days=days)


def end_of(day: date, zone: tzinfo) -> datetime:
    """The first moment after a day in that zone, also where clocks change at midnight."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)


def return_until(placed_at: datetime, zone: tzinfo, days: int | None) -> datetime:
    """The first moment at which it is too late. Without any days: the purchase itself."""
    return placed_at if days is None else end_of(last_day(placed_at, zone, days), zone)


def moment_before(until: datetime) -> datetime:
    """The last moment at which something is not too late yet; on the last day, as people read it."""
    return until - timedelta(microseconds=1)


def days_left(until: datetime, zone: tzinfo, now: datetime) -> int:
    """Whole days after today on which a return can still be sent; 0 on the last day, and ever after."""
    if now >= until:
        return 0
    last = moment_before(until).astimezone(zone).date()
    return max((last - now.astimezone(zone).date()).days, 0)


class Promises:
    """Until when what an import brings can be returned: loaded once, then asked in memory for each line."""

    def __init__(self, store_ids: Collection[int]) -> None:
        self._policies = Policies(store_ids)
        self._zones = {store.pk: store.tzinfo for store in Store.objects.filter(pk__in=store_ids).only("time_zone")}
        self._ends: dict[tuple[int, date, int], datetime] = {}

    def until(self, store_id: int, placed_at: datetime, product_id: int | None, kind: str) -> datetime:
        """The first moment at which it is too late, by the policy in force at the purchase."""
        days = self._policies.at(store_id, placed_at).days(product_id, kind)
        if days is None:
            return placed_at
        zone = self._zones[store_id]
        key = (store_id, placed_at.astimezone(zone).date(), days)
        until = self._ends.get(key)
        if until is None:
            until = self._ends[key] = return_until(placed_at, zone, days)
        return until


def deadlines(order: Order, lines: Iterable[OrderLine], terms: Terms | None = None) -> dict[int, datetime]:
    """Until when each line can be returned, by its id: as it was promised, else by the policy at the purchase.

    With `terms` every line is judged by those instead, as if they had been in force.
    """
    lines = list(lines)
    unknown = [line for line in lines if terms is not None or line.return_until is None]
    known = {line.pk: line.return_until for line in lines if terms is None and line.return_until is not None}
    if not unknown:
        return known
    judging = terms or Policies([order.store_id]).at(order.store_id, order.placed_at)
    products = product_ids(order.store_id, {line.sku for line in unknown})
    zone = order.store.tzinfo
    return known | {
        line.pk: return_until(order.placed_at, zone, judging.days(products.get(line.sku), line.kind))
        for line in unknown
    }


def product_ids(store_id: int, skus: set[str]) -> dict[str, int | None]:
    """The product that each of a store's SKUs belongs to."""
    return dict(Sku.objects.filter(store_id=store_id, code__in=skus).values_list("code", "product_id"))
