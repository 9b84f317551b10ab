"""Return deadlines, by the store's policy in force at the purchase and in the store's time zone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from licenses.models import License, Sku
from orders.models import Order, OrderLine, Store
from refunds.models import ReturnException, ReturnPolicy


@dataclass
class PolicyTerms:
    """One version of a policy with its exceptions and limits, loaded from the database."""

    policy: ReturnPolicy
    exceptions: list[ReturnException] = field(default_factory=list)
    auto_approval_limits: dict[str, Decimal] = field(default_factory=dict)  # by currency

    def days(self, product_id: int | None, kind: str) -> int | None:
        """Return the number of days after the purchase, or None if the item cannot be returned.

        The most specific exception wins: product and kind, then product, then kind.
        """
        if not self.exceptions:
            return self.policy.days
        matching = [
            exception
            for exception in self.exceptions
            if exception.product_id in (None, product_id) and exception.kind in ("", kind)
        ]
        if not matching:
            return self.policy.days
        return max(matching, key=lambda each: (each.product_id is not None, each.kind != "")).days

    def auto_approves(self, amount: Decimal, currency: str) -> bool:
        limit = self.auto_approval_limits.get(currency)
        return limit is not None and amount <= limit


class StorePolicies:
    """All policy versions of some stores, loaded with three queries."""

    def __init__(self, store_ids: Iterable[int]) -> None:
        self._versions: dict[int, list[PolicyTerms]] = {store_id: [] for store_id in store_ids}
        policies = (
            ReturnPolicy.objects.filter(store_id__in=self._versions)
            .newest_first()
            .prefetch_related("exceptions", "auto_approval_limits")
        )
        for policy in policies:
            self._versions[policy.store_id].append(
                PolicyTerms(
                    policy,
                    list(policy.exceptions.all()),
                    {limit.currency: limit.up_to for limit in policy.auto_approval_limits.all()},
                )
            )
        self._default = PolicyTerms(ReturnPolicy())

    def in_force_at(self, store_id: int, placed_at: datetime) -> PolicyTerms:
        """Return the terms for an order placed at this time; the model's defaults if the store had no policy."""
        for terms in self._versions[store_id]:
            if terms.policy.in_force_from <= placed_at:
                return terms
        return self._default


def last_day(placed_at: datetime, zone: tzinfo, days: int) -> date:
    """Return the last day of a period in the store's time zone. The purchase day is day 0."""
    return placed_at.astimezone(zone).date() + timedelta(days=days)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of the next day in this zone, correct across daylight saving changes."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)


def return_until(placed_at: datetime, zone: tzinfo, days: int | None) -> datetime:
    """Return the exclusive deadline of a return. Without days (never returnable) it is the purchase itself."""
    return placed_at if days is None else end_of_day(last_day(placed_at, zone, days), zone)


def last_moment_before(until: datetime) -> datetime:
    """Return the last moment before an exclusive deadline: it falls on the last day, which pages show."""
    return until - timedelta(microseconds=1)


def days_left(until: datetime, zone: tzinfo, now: datetime) -> int:
    """Return how many days remain after today; 0 on the last day and after it."""
    if now >= until:
        return 0
    last = last_moment_before(until).astimezone(zone).date()
    return max((last - now.astimezone(zone).date()).days, 0)


def was_activated(license: License, order: Order, now: datetime) -> bool:
    """Whether a license was activated at this time, but not before the order: a renewed license was activated before
    it.
    """
    return license.activated_at is not None and order.placed_at <= license.activated_at <= now


def move_to_time_zone(deadline: datetime, placed_at: datetime, old: tzinfo, new: tzinfo) -> datetime:
    """Return a return deadline in the store's new time zone, with the same number of days as in the old one."""
    if deadline <= placed_at:  # never returnable
        return deadline
    days = last_moment_before(deadline).astimezone(old).date() - placed_at.astimezone(old).date()
    return return_until(placed_at, new, days.days)


class ReturnDeadlines:
    """Computes return deadlines of many imported lines in memory, after loading the policies once."""

    def __init__(self, store_ids: Collection[int]) -> None:
        self._policies = StorePolicies(store_ids)
        self._zones = {store.pk: store.tzinfo for store in Store.objects.filter(pk__in=store_ids).only("time_zone")}
        self._deadlines: dict[tuple[int, date, int], datetime] = {}

    def get(self, store_id: int, placed_at: datetime, product_id: int | None, kind: str) -> datetime:
        """Return the exclusive deadline for an item, by the policy in force at the purchase."""
        days = self._policies.in_force_at(store_id, placed_at).days(product_id, kind)
        if days is None:
            return placed_at
        zone = self._zones[store_id]
        key = (store_id, placed_at.astimezone(zone).date(), days)
        if key not in self._deadlines:
            self._deadlines[key] = return_until(placed_at, zone, days)
        return self._deadlines[key]


def return_deadlines(order: Order, lines: Iterable[OrderLine], terms: PolicyTerms | None = None) -> dict[int, datetime]:
    """Return the exclusive deadline of each line, by its id.

    It is the line's stored `return_until`, otherwise the deadline by the policy in force at the purchase. `terms`
    replace both.
    """
    lines = list(lines)
    unknown = [line for line in lines if terms is not None or line.return_until is None]
    known = {line.pk: line.return_until for line in lines if terms is None and line.return_until is not None}
    if not unknown:
        return known
    applied_terms = terms or StorePolicies([order.store_id]).in_force_at(order.store_id, order.placed_at)
    products = product_ids_by_sku(order.store_id, {line.sku for line in unknown})
    zone = order.store.tzinfo
    return known | {
        line.pk: return_until(order.placed_at, zone, applied_terms.days(products.get(line.sku), line.kind))
        for line in unknown
    }


def product_ids_by_sku(store_id: int, skus: set[str]) -> dict[str, int | None]:
    """Return the product id of each of these SKUs of a store."""
    return dict(Sku.objects.filter(store_id=store_id, code__in=skus).values_list("code", "product_id"))
