"""The emails about licenses. Registered with `notifications` at startup."""

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from licenses import serial_panel
from licenses.follow_ups import DOWNLOADS_ANCHOR
from licenses.models import DeviceRelease, LicensedLine
from licenses.models.missing import ACTIVE_STATUSES
from licenses.services.devices import DEVICE_RELEASED
from licenses.services.serial_emails import SERIAL_ARRIVED, parse_arrival_key
from notifications.kinds import EmailKind, register
from notifications.models import Message
from notifications.site import site_url
from orders import formats
from orders.emails import how_to_open
from orders.models import Order
from orders.recipients import order_recipient

TEMPLATES = "licenses/emails"
RETRY_WHILE_FROZEN = timedelta(hours=1)  # while the end of a freeze is not known


def serial_arrived(message: Message) -> dict[str, Any]:
    """All serial numbers of the order, and those that are still missing."""
    order = Order.objects.select_related("store").get(pk=message.object_id)
    return {
        "order": order,
        "highlights": serial_panel.email_highlights(serial_panel.load_serials([order])[order.pk]),
        "facts": [(gettext("Order number"), order.number)],
        "how_to_open": how_to_open(order),
        "url": site_url(reverse("orders:order", args=[order.public_id])) + DOWNLOADS_ANCHOR,
        "reply_to": order.store.support_email,
    }


def is_still_there(message: Message) -> bool:
    """Whether it was not removed or revoked since, and the order is active."""
    line_id, license_id = parse_arrival_key(message.key)
    link = (
        LicensedLine.objects.active()
        .filter(line_id=line_id, license_id=license_id, license__revoked_at__isnull=True)
        .select_related("order")
        .first()
    )
    return link is not None and link.order.status in ACTIVE_STATUSES


def not_before_freeze_ends(message: Message) -> datetime | None:
    """While a corrected address can still be undone, no serial number is sent to it."""
    order = Order.objects.only("returns_frozen_since", "returns_frozen_until").filter(pk=message.order_id or 0).first()
    now = timezone.now()
    if order is None or not order.is_frozen(now):
        return None
    return order.freeze_ends_at or now + RETRY_WHILE_FROZEN


register(
    EmailKind(
        SERIAL_ARRIVED,
        f"{TEMPLATES}/serial_arrived.html",
        serial_arrived,
        is_still_there,
        recipient=order_recipient,
        not_before=not_before_freeze_ends,
        uses_key=True,
        label=_("Your serial number"),
    )
)


def device_released(message: Message) -> dict[str, Any]:
    """Which device of which serial number was released, and when."""
    released = DeviceRelease.objects.select_related("device__license").get(pk=message.object_id)
    order = Order.objects.select_related("store").get(pk=message.order_id or 0)
    return {
        "order": order,
        "device": str(released.device),
        "facts": [
            (gettext("Serial number"), released.device.license.serial),
            (gettext("Released on"), formats.local_time(released.requested_at, order.locality)),
            (gettext("Order number"), order.number),
        ],
        "url": site_url(reverse("licenses:list")),
        "reply_to": order.store.support_email,
    }


def release_stands(message: Message) -> bool:
    return DeviceRelease.objects.not_undone().filter(pk=message.object_id).exists()


register(
    EmailKind(
        DEVICE_RELEASED,
        f"{TEMPLATES}/device_released.html",
        device_released,
        release_stands,
        recipient=order_recipient,
        label=_("A device was released"),
    )
)
