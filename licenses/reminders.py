"""Reminder emails some days before the downloads of an order or a license end."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from licenses import offers
from licenses.entitlement import EXTENDED_YEARS, EntitlementSource, years_after
from licenses.follow_ups import CHUNK_ROWS, PAID, TEMPLATES, find_paid_order, order_context, paid_orders
from licenses.models import License, LicensedLine
from licenses.models.downloads import DEFAULT_WINDOW_DAYS, DownloadWindow
from notifications.kinds import PRIORITY_LATER, EmailKind, FollowUpPlan, PlannedFollowUp, register
from notifications.models import Message
from orders import formats
from orders.models import Order, OrderLine
from orders.schedules import DEFAULT_SEND_TIME, stores_by_days
from orders.services.confirmations import order_language

DOWNLOADS_END, LICENSE_ENDS = "downloads_end", "license_ends"
DOWNLOADS_END_DAYS, LICENSE_ENDS_DAYS = 5, 14
# How far back to look for reminders that became due while no worker ran. What has ended meanwhile is left out.
WINDOW = timedelta(days=60)
ONE_DAY = timedelta(days=1)  # margin, because days begin at different times in different zones


def _planned(order: Order, object_id: int, last_day: date, days: int) -> PlannedFollowUp:
    """Plan an email for the morning `days` before the last day, not to be sent after it, in the store's time zone."""
    zone = order.store.tzinfo
    return PlannedFollowUp(
        object_id,
        order.email,
        datetime.combine(last_day - timedelta(days=days), DEFAULT_SEND_TIME, tzinfo=zone),
        datetime.combine(last_day + ONE_DAY, time.min, tzinfo=zone),
        key=last_day.isoformat(),
        order_id=order.pk,
        language=order_language(order),
    )


# --- Downloads ----------------------------------------------------------------------------------------------


def _downloads_that_end(since: datetime, until: datetime) -> Iterator[PlannedFollowUp]:
    for days, stores in stores_by_days(DOWNLOADS_END, DOWNLOADS_END_DAYS):
        for orders in _orders_whose_downloads_end(paid_orders().filter(stores), since, until, timedelta(days=days)):
            rows = orders.select_related("store").iterator(chunk_size=CHUNK_ROWS)
            while batch := list(islice(rows, CHUNK_ROWS)):
                for order, last_day in _last_days(batch):
                    planned = _planned(order, order.pk, last_day, days)
                    if since < planned.due_at <= until:
                        yield planned


def _orders_whose_downloads_end(
    orders: QuerySet[Order], since: datetime, until: datetime, before: timedelta
) -> Iterator[QuerySet[Order]]:
    """The orders whose downloads may end then, by their store's window or the Extended Download Service."""
    since, until = since + before - ONE_DAY, until + before + ONE_DAY
    windows = dict(DownloadWindow.objects.values_list("store_id", "days"))
    by_length: dict[int, list[int]] = {}
    for store_id, length in windows.items():
        by_length.setdefault(length, []).append(store_id)
    for length, ids in by_length.items():
        window = timedelta(days=length)
        yield orders.filter(store__in=ids, placed_at__gt=since - window, placed_at__lte=until - window)
    window = timedelta(days=DEFAULT_WINDOW_DAYS)
    yield orders.exclude(store__in=list(windows)).filter(placed_at__gt=since - window, placed_at__lte=until - window)
    served = OrderLine.objects.filter(order=OuterRef("pk"), kind=OrderLine.Kind.EXTENDED_DOWNLOAD)
    yield orders.filter(
        Exists(served),
        placed_at__gt=_years_before(since, EXTENDED_YEARS) - ONE_DAY,
        placed_at__lte=_years_before(until, EXTENDED_YEARS) + ONE_DAY,
    )


def _years_before(moment: datetime, years: int) -> datetime:
    return datetime.combine(years_after(moment.date(), -years), moment.timetz())


def _last_days(orders: list[Order]) -> Iterator[tuple[Order, date]]:
    """The last day on which a product of each order can be downloaded, of the orders that have one."""
    now = timezone.now()
    shown = offers.load_offers(orders, now)
    for order in orders:
        if last_day := _last_day(shown[order.pk]):
            yield order, last_day


def _last_day(shown: Iterable[offers.Offer]) -> date | None:
    last_days = [each.entitlement.last_day for each in shown if each.entitlement.is_open and each.releases]
    return max(last_days, default=None)


def _downloads_end_then(message: Message) -> bool:
    order = find_paid_order(message)
    if order is None:
        return False
    last_day = _last_day(offers.order_offers(order, timezone.now()))
    return last_day is not None and last_day.isoformat() == message.key


def _downloads_end(message: Message) -> dict[str, Any]:
    order = Order.objects.select_related("store").get(pk=message.object_id)
    shown = [each for each in offers.order_offers(order, timezone.now()) if each.entitlement.is_open]
    about = order_context(order)
    about["facts"] += [(gettext("Download until"), formats.day(date.fromisoformat(message.key)))]
    return about | {
        "names": [each.product for each in shown],
        "is_extended": any(each.entitlement.source == EntitlementSource.EXTENDED for each in shown),
    }


register(
    EmailKind(
        DOWNLOADS_END,
        f"{TEMPLATES}/{DOWNLOADS_END}.html",
        _downloads_end,
        _downloads_end_then,
        priority=PRIORITY_LATER,
        label=_("Your downloads end soon"),
        follow_up=FollowUpPlan(DOWNLOADS_END_DAYS, _downloads_that_end, WINDOW),
    )
)


# --- Licenses ------------------------------------------------------------------------------------------------


def _licenses_that_end(since: datetime, until: datetime) -> Iterator[PlannedFollowUp]:
    for days, stores in stores_by_days(LICENSE_ENDS, LICENSE_ENDS_DAYS, "order__store"):
        before = timedelta(days=days)
        ending = LicensedLine.objects.filter(
            stores,
            license__expires_on__gt=(since + before - ONE_DAY).date(),
            license__expires_on__lte=(until + before + ONE_DAY).date(),
            license__revoked_at=None,
        )
        newest = ending.filter(order=_latest_order(OuterRef("license"))).select_related("order__store", "license")
        for link in newest.iterator(chunk_size=CHUNK_ROWS):
            if link.order.status not in PAID or link.order.is_test or link.license.expires_on is None:
                continue
            planned = _planned(link.order, link.license_id, link.license.expires_on, days)
            if since < planned.due_at <= until:
                yield planned


def _latest_order(license: Any) -> Any:
    """The latest order of a license: that of its last renewal, if it was renewed."""
    links = LicensedLine.objects.filter(license=license).order_by("-order__placed_at", "-order_id")
    return links.values("order")[:1]


def _license_ends_then(message: Message) -> bool:
    license = License.objects.filter(pk=message.object_id, revoked_at=None, expires_on=message.key).first()
    if license is None or find_paid_order(message) is None:
        return False
    return _latest_order(license.pk).get()["order"] == message.order_id


def _license_ends(message: Message) -> dict[str, Any]:
    order = Order.objects.select_related("store").get(pk=message.order_id or 0)
    license = License.objects.select_related("product").get(pk=message.object_id)
    about = order_context(order)
    product = license.product.name if license.product else ""
    if product:
        about["facts"] += [(gettext("Product"), product)]
    about["facts"] += [(gettext("Valid until"), formats.day(date.fromisoformat(message.key)))]
    return about | {"product": product}


register(
    EmailKind(
        LICENSE_ENDS,
        f"{TEMPLATES}/{LICENSE_ENDS}.html",
        _license_ends,
        _license_ends_then,
        priority=PRIORITY_LATER,
        label=_("Your license ends soon"),
        follow_up=FollowUpPlan(LICENSE_ENDS_DAYS, _licenses_that_end, WINDOW),
    )
)
