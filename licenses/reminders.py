"""Reminder emails some days before the downloads of an order or a license end."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.db import DatabaseError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from licenses import offers
from licenses.entitlement import EXTENDED_YEARS, EntitlementSource, years_after
from licenses.follow_ups import (
    CHUNK_ROWS,
    DOWNLOADS_ANCHOR,
    PAID,
    TEMPLATES,
    find_paid_order,
    is_given_back,
    order_context,
    paid_orders,
)
from licenses.models import License, LicensedLine
from licenses.models.downloads import DEFAULT_WINDOW_DAYS, DownloadWindow
from notifications.kinds import (
    PRIORITY_LATER,
    Candidates,
    EmailKind,
    FollowUpPlan,
    PlannedFollowUp,
    plan_each,
    register,
)
from notifications.models import Message
from notifications.site import page_path, site_url
from orders import formats, panels
from orders.models import Order, OrderLine, load_items
from orders.recipients import order_recipient
from orders.schedules import DEFAULT_SEND_TIME, stores_by_days
from orders.services.confirmations import order_language

logger = logging.getLogger(__name__)

DOWNLOADS_END, LICENSE_ENDS = "downloads_end", "license_ends"
DOWNLOADS_END_DAYS, LICENSE_ENDS_DAYS = 5, 14
# How far back to look for reminders that became due while no worker ran. Those that ended in the meantime are skipped.
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


def _downloads_that_end(since: datetime, until: datetime) -> Candidates:
    for days, stores in stores_by_days(DOWNLOADS_END, DOWNLOADS_END_DAYS):
        for orders in _orders_whose_downloads_end(paid_orders().filter(stores), since, until, timedelta(days=days)):
            rows = orders.select_related("store").iterator(chunk_size=CHUNK_ROWS)
            while batch := list(islice(rows, CHUNK_ROWS)):
                yield from plan_each(_load_offers_of_each(batch), partial(_plan_downloads_end, since, until, days))


def _plan_downloads_end(
    since: datetime, until: datetime, days: int, row: tuple[Order, list[offers.Offer] | None]
) -> PlannedFollowUp | None:
    order, shown = row
    if shown is None:
        _order, shown = _load_offers([order])[0]
    last_day = _last_day(shown)
    if last_day is None:
        return None
    planned = _planned(order, order.pk, last_day, days)
    return planned if since < planned.due_at <= until else None


def _orders_whose_downloads_end(
    orders: QuerySet[Order], since: datetime, until: datetime, before: timedelta
) -> Iterator[QuerySet[Order]]:
    """The orders whose downloads may end then, by their store's window, the Extended Download Service, or the day that
    staff set.
    """
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
    yield orders.filter(download_extension__last_day__range=(since.date(), until.date()))


def _years_before(moment: datetime, years: int) -> datetime:
    return datetime.combine(years_after(moment.date(), -years), moment.timetz())


def _load_offers_of_each(orders: list[Order]) -> Sequence[tuple[Order, list[offers.Offer] | None]]:
    """The orders with their offers, or each with None if one of them cannot be loaded: then load them one by one."""
    try:
        return _load_offers(orders)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("The offers of %s orders cannot be loaded at once", len(orders))
        return [(order, None) for order in orders]


def _load_offers(orders: list[Order]) -> list[tuple[Order, list[offers.Offer]]]:
    """The orders with their offers, without those of items that their buyers ask to return."""
    load_items(orders)
    lines = {line.pk: line for order in orders for line in order.items}
    for pk in panels.lines_given_back().filter(pk__in=lines).values_list("pk", flat=True):
        lines[pk].quantity_returned = lines[pk].quantity  # in memory only
    shown = offers.load_offers(orders, timezone.now())
    return [(order, shown[order.pk]) for order in orders]


def _last_day(shown: Iterable[offers.Offer]) -> date | None:
    """The last day on which one of these products can be downloaded."""
    last_days = [each.entitlement.last_day for each in shown if each.entitlement.is_open and each.releases]
    return max(last_days, default=None)


def _downloads_end_then(message: Message) -> bool:
    order = find_paid_order(message)
    if order is None:
        return False
    _order, shown = _load_offers([order])[0]
    last_day = _last_day(shown)
    return last_day is not None and last_day.isoformat() == message.key


def _downloads_end(message: Message) -> dict[str, Any]:
    order = Order.objects.select_related("store").get(pk=message.object_id)
    _order, all_offers = _load_offers([order])[0]
    shown = [each for each in all_offers if each.entitlement.is_open]
    about = order_context(order)
    day = formats.day(date.fromisoformat(message.key), order.locality)
    about["facts"] += [(gettext("Download until"), day)]
    return about | {
        "day": day,
        "url": f"{about['url']}{DOWNLOADS_ANCHOR}",
        "names": [each.product for each in shown],
        "is_extended": any(each.entitlement.source == EntitlementSource.EXTENDED for each in shown),
    }


register(
    EmailKind(
        DOWNLOADS_END,
        f"{TEMPLATES}/{DOWNLOADS_END}.html",
        _downloads_end,
        _downloads_end_then,
        recipient=order_recipient,
        priority=PRIORITY_LATER,
        label=_("Your downloads end soon"),
        follow_up=FollowUpPlan(DOWNLOADS_END_DAYS, _downloads_that_end, WINDOW),
    )
)


# --- Licenses ------------------------------------------------------------------------------------------------


# The orders affected by a license's end. Orders that wait for their payment are excluded.
LICENSING = (Order.Status.PENDING, *PAID)


def _licenses_that_end(since: datetime, until: datetime) -> Candidates:
    for days, stores in stores_by_days(LICENSE_ENDS, LICENSE_ENDS_DAYS, "order__store"):
        before = timedelta(days=days)
        ending = LicensedLine.objects.filter(
            stores,
            license__expires_on__gt=(since + before - ONE_DAY).date(),
            license__expires_on__lte=(until + before + ONE_DAY).date(),
            license__revoked_at=None,
        )
        newest = ending.filter(order=_latest_order(OuterRef("license"))).select_related("order__store", "license")
        yield from plan_each(newest.iterator(chunk_size=CHUNK_ROWS), partial(_plan_license_ends, since, until, days))


def _plan_license_ends(since: datetime, until: datetime, days: int, link: LicensedLine) -> PlannedFollowUp | None:
    if link.order.status not in PAID or link.license.expires_on is None:
        return None
    planned = _planned(link.order, link.license_id, link.license.expires_on, days)
    return planned if since < planned.due_at <= until else None


def _latest_order(license: Any) -> Any:
    """The latest order of a license that was not canceled or returned: its last renewal, if it was renewed."""
    links = LicensedLine.objects.filter(
        ~is_given_back("line"), license=license, order__status__in=LICENSING, order__is_test=False
    )
    return links.order_by("-order__placed_at", "-order_id").values("order")[:1]


def _license_ends_then(message: Message) -> bool:
    license = License.objects.filter(pk=message.object_id, revoked_at=None, expires_on=message.key).first()
    if license is None or find_paid_order(message) is None:
        return False
    latest = _latest_order(license.pk).first()
    return latest is not None and latest["order"] == message.order_id


def _license_ends(message: Message) -> dict[str, Any]:
    order = Order.objects.select_related("store").get(pk=message.order_id or 0)
    license = License.objects.select_related("product").get(pk=message.object_id)
    about = order_context(order)
    product = license.product.name if license.product else ""
    if product:
        about["facts"] += [(gettext("Product"), product)]
    day = formats.day(date.fromisoformat(message.key), order.locality)
    about["facts"] += [(gettext("Valid until"), day)]
    country = urlencode({"country": order.locality.country})
    return about | {
        "product": product,
        "day": day,
        "url": f"{site_url(page_path('stores'))}?{country}",
        "links": [(gettext("See my order"), about["url"])],
    }


register(
    EmailKind(
        LICENSE_ENDS,
        f"{TEMPLATES}/{LICENSE_ENDS}.html",
        _license_ends,
        _license_ends_then,
        recipient=order_recipient,
        priority=PRIORITY_LATER,
        label=_("Your license ends soon"),
        follow_up=FollowUpPlan(LICENSE_ENDS_DAYS, _licenses_that_end, WINDOW),
    )
)
