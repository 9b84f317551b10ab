"""Follow-up emails about missing and unused licenses, some days after a purchase. None contains a serial number.

Loaded by autodiscovery in `notifications`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from licenses.models import InstallGuide, LicensedLine, Sku
from licenses.models.missing import LineWithoutSerial
from notifications.kinds import (
    PRIORITY_LATER,
    Candidates,
    EmailKind,
    FollowUpPlan,
    PlannedFollowUp,
    plan_each,
    register,
)
from notifications.models import FollowUp, Message
from notifications.site import site_url
from orders import panels
from orders.models import Order, OrderLine
from orders.recipients import order_recipient
from orders.schedules import stores_by_days
from orders.services.confirmations import order_language

TEMPLATES = "licenses/emails"
SERIAL_MISSING, NOT_ACTIVATED = "serial_missing", "license_not_activated"
SERIAL_MISSING_DAYS, SERIAL_MISSING_WINDOW = 1, timedelta(days=7)
NOT_ACTIVATED_DAYS, NOT_ACTIVATED_WINDOW = 4, timedelta(days=14)
# The key in `Order.sources` of the portal's own format, in which stores report which lines have a serial number.
PORTAL_FORMAT = "portal"
PAID = (Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED)
CHUNK_ROWS = 500
DOWNLOADS_ANCHOR = "#downloads"  # of the panel on the order page


def paid_orders() -> QuerySet[Order]:
    return Order.objects.filter(status__in=PAID, is_test=False)


def is_given_back(line: str) -> Exists:
    """A condition on rows with this lookup of their order line: the buyer has returned it, or asks to return it."""
    return Exists(panels.lines_given_back().filter(pk=OuterRef(line)))


def order_context(order: Order) -> dict[str, Any]:
    """The template context of every follow-up about an order."""
    return {
        "order": order,
        "zone": order.locality,
        "facts": [(gettext("Order number"), order.number)],
        "url": site_url(reverse("orders:order", args=[order.public_id])),
        "reply_to": order.store.support_email,
    }


def find_paid_order(message: Message) -> Order | None:
    """The order of a message, if it is paid."""
    return paid_orders().select_related("store").filter(pk=message.order_id or 0).first()


def _some_days_after(
    kind: str, days: int, window: timedelta, find_orders: Callable[[], QuerySet[Order]]
) -> Callable[[datetime, datetime], Candidates]:
    """A function that yields an email for each of these orders, `days` after it was placed."""

    def candidates(since: datetime, until: datetime) -> Candidates:
        for shift, stores in stores_by_days(kind, days):
            after = timedelta(days=shift)
            found = find_orders().filter(stores, placed_at__gt=since - after, placed_at__lte=until - after)
            found = found.filter(~Exists(FollowUp.objects.of(kind, OuterRef("pk"))))
            rows = found.select_related("store").iterator(chunk_size=CHUNK_ROWS)
            yield from plan_each(rows, partial(plan_order, after))

    def plan_order(after: timedelta, order: Order) -> PlannedFollowUp:
        due_at = order.placed_at + after
        return PlannedFollowUp(
            order.pk, order.email, due_at, due_at + window, order_id=order.pk, language=order_language(order)
        )

    return candidates


# --- Serial numbers that are missing ----------------------------------------------------------------------


def _lines_without_serial() -> QuerySet[LineWithoutSerial]:
    """Lines whose serial number is late, except for items that never had one, in stores whose exports contain none."""
    skus = Sku.objects.filter(store=OuterRef("order__store"), code=OuterRef("sku"), has_serials=True)
    exports_serials = Q(order__sources={}) | Q(order__sources__has_key=PORTAL_FORMAT)
    return LineWithoutSerial.lines.missing().filter(exports_serials | Exists(skus), ~is_given_back("pk"))


def _serial_is_missing(message: Message) -> bool:
    return find_paid_order(message) is not None and _lines_without_serial().filter(order=message.object_id).exists()


def _serial_missing(message: Message) -> dict[str, Any]:
    order = Order.objects.select_related("store").get(pk=message.object_id)
    missing = _lines_without_serial().filter(order=order).order_by("position")
    return order_context(order) | {"names": list(missing.values_list("name", flat=True))}


register(
    EmailKind(
        SERIAL_MISSING,
        f"{TEMPLATES}/{SERIAL_MISSING}.html",
        _serial_missing,
        _serial_is_missing,
        recipient=order_recipient,
        priority=PRIORITY_LATER,
        label=_("Your serial number is late"),
        follow_up=FollowUpPlan(
            SERIAL_MISSING_DAYS,
            _some_days_after(
                SERIAL_MISSING,
                SERIAL_MISSING_DAYS,
                SERIAL_MISSING_WINDOW,
                lambda: paid_orders().filter(Exists(_lines_without_serial().filter(order=OuterRef("pk")))),
            ),
            SERIAL_MISSING_WINDOW,
        ),
    )
)


# --- Unused licenses -----------------------------------------------------------------------------------------


def _not_in_use() -> QuerySet[LicensedLine]:
    """New licenses that are valid, not returned and never activated. Renewals are excluded, because they were in use
    before.
    """
    return LicensedLine.objects.filter(
        ~is_given_back("line"),
        line__kind=OrderLine.Kind.NEW,
        license__activated_at=None,
        license__revoked_at=None,
        unit_end="",
    )


def _is_not_activated(message: Message) -> bool:
    return find_paid_order(message) is not None and _not_in_use().filter(order=message.object_id).exists()


def _not_activated(message: Message) -> dict[str, Any]:
    order = Order.objects.select_related("store").get(pk=message.object_id)
    links = _not_in_use().filter(order=order).select_related("license__product").order_by("line__position", "pk")
    products = {link.license.product_id: link.license.product for link in links if link.license.product}
    with_guide = set(InstallGuide.objects.filter(product__in=products).values_list("product_id", flat=True))
    guides = [
        (
            gettext("How to install %(product)s") % {"product": product.name},
            site_url(reverse("licenses:guide", args=[product.slug])),
        )
        for pk, product in products.items()
        if pk in with_guide
    ]
    about = order_context(order)
    url = f"{about['url']}{DOWNLOADS_ANCHOR}"
    return about | {"names": [product.name for product in products.values()], "url": url, "links": guides}


register(
    EmailKind(
        NOT_ACTIVATED,
        f"{TEMPLATES}/{NOT_ACTIVATED}.html",
        _not_activated,
        _is_not_activated,
        recipient=order_recipient,
        priority=PRIORITY_LATER,
        label=_("Your license isn’t activated yet"),
        follow_up=FollowUpPlan(
            NOT_ACTIVATED_DAYS,
            _some_days_after(
                NOT_ACTIVATED,
                NOT_ACTIVATED_DAYS,
                NOT_ACTIVATED_WINDOW,
                lambda: paid_orders().filter(Exists(_not_in_use().filter(order=OuterRef("pk")))),
            ),
            NOT_ACTIVATED_WINDOW,
        ),
    )
)
