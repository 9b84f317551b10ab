"""The panel with serial numbers, for the order page and the confirmation email."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from licenses import download_panel
from licenses.models import EndReason, License, end_reason, normalize_serial
from licenses.models.missing import ACTIVE_STATUSES, LICENSED_KINDS, RENEWING_KINDS, SERIAL_EXPECTED_WITHIN
from notifications.kinds import Highlight
from notifications.site import page_path
from orders import formats
from orders.localities import Locality
from orders.models import Order, OrderLine
from orders.panels import Panel, Task, register

END_TEXTS: dict[EndReason, Any] = {
    EndReason.RETURNED: _("You returned this item, so its serial number is no longer part of this order."),
    EndReason.SWAPPED: _("You swapped this item, so another serial number replaces this one."),
    EndReason.REFUNDED: _("This order was refunded, so the serial number is no longer part of it."),
    EndReason.CHARGED_BACK: _("Your bank reversed the payment, so the serial number is no longer part of this order."),
    EndReason.CANCELLED: _("This order was canceled, so the serial number is no longer part of it."),
}
MAX_BOXES = 20  # boxes drawn; with more devices, only their number is shown


@dataclass(frozen=True)
class LicenseDisplay:
    """A license, formatted for pages and emails."""

    product: str
    serial: str = ""
    license_id: int = 0  # 0 if only the serial number is known
    devices: int | None = None
    used: int = 0  # devices in use, as reported by an activation server
    is_reported: bool = False  # whether an activation server reported any device, now in use or not
    starts_on: date | None = None
    expires_on: date | None = None
    activated: bool = False
    revoked: bool = False
    # Why it is no longer part of the order. Then its devices and dates are not shown, because a later buyer may have
    # it.
    end_reason: EndReason | None = None
    expired: bool = False
    renews: bool = False  # a renewal or upgrade that keeps an earlier serial number
    number: int = 0  # position on the page, for element ids
    place: Locality | None = None  # of the order, for dates

    @property
    def covers(self) -> str:
        """How many devices it covers, in words; empty if unknown."""
        words = ngettext("Covers %(devices)s device", "Covers %(devices)s devices", self.devices or 0)
        return words % {"devices": self.devices} if self.devices else ""

    @property
    def time(self) -> str:
        """Until when it is or was valid, in words."""
        if self.expires_on is None:
            return ""
        words = gettext("Expired on %(day)s.") if self.expired else gettext("Valid until %(day)s.")
        return words % {"day": formats.day(self.expires_on, self.place)}

    @property
    def in_use(self) -> str:
        """How many devices are in use, in words; empty if none is reported."""
        if not self.used:
            return ""
        words = ngettext("%(used)s of %(devices)s device", "%(used)s of %(devices)s devices", self.devices or 0)
        return words % {"used": self.used, "devices": self.devices}

    @property
    def end_text(self) -> str:
        """Why it is no longer valid, in words; empty if it is valid."""
        if self.end_reason is not None:
            return str(END_TEXTS[self.end_reason])
        return gettext("This license was revoked, for example after a refund.") if self.revoked else ""

    @property
    def boxes(self) -> list[str]:
        """One box for each device: "used" for those in use, which come first, then "free".

        Without an activation server, all are "unknown". So are those of an activated license without reports, because
        some device uses it. Empty if there would be too many.
        """
        count = self.devices if self.devices and self.devices <= MAX_BOXES else 0
        is_known = bool(settings.ACTIVATION_KEYS) and (self.is_reported or not self.activated)
        if not (self.used or is_known):
            return ["unknown"] * count
        return ["used" if number < self.used else "free" for number in range(count)]


@dataclass
class OrderSerials:
    """The licenses of one order."""

    licenses: list[LicenseDisplay] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # names of the items without serial number, each once
    soon: bool = True  # missing serial numbers may still arrive
    pending: bool = False  # they arrive when the payment is confirmed

    @property
    def has_devices(self) -> bool:
        return any(license.used for license in self.licenses)


class _Row(NamedTuple):
    """A license on an order line."""

    line_id: int
    license_id: int
    serial: str
    product: str | None
    devices: int | None
    used: int
    is_reported: bool
    starts_on: date | None
    expires_on: date | None
    activated_at: datetime | None
    revoked_at: datetime | None
    unit_end: str


# Raw SQL, because every order page runs it: the ORM takes longer to build the query than PostgreSQL to run it.
# A subquery per product name is faster than planning a join.
_LICENSES_OF_ORDERS = """
SELECT carried.line_id, license.id, license.serial,
       (SELECT name FROM licenses_product WHERE id = license.product_id), license.devices,
       (SELECT count(*) FROM licenses_device AS device
        WHERE device.license_id = license.id AND device.deactivated_at IS NULL AND NOT EXISTS (
            SELECT FROM licenses_devicerelease
            WHERE device_id = device.id AND undone_at IS NULL
                  AND requested_at >= coalesce(device.last_activated_at, requested_at))),
       EXISTS (SELECT FROM licenses_device WHERE license_id = license.id),
       license.starts_on, license.expires_on, license.activated_at, license.revoked_at,
       carried.unit_end
FROM licenses_licensedline AS carried JOIN licenses_license AS license ON license.id = carried.license_id
WHERE carried.order_id = ANY(%s) ORDER BY carried.id
"""


def load_serials(orders: Sequence[Order]) -> Mapping[int, OrderSerials]:
    """The panel of each order that has licensed items, by order id. One query."""
    now = timezone.now()
    licenses = _licenses_by_line(orders)
    shown = {order.pk: _order_serials(order, licenses, now) for order in orders}
    return {order_id: serials for order_id, serials in shown.items() if serials.licenses or serials.missing}


def _licenses_by_line(orders: Sequence[Order]) -> dict[int, list[_Row]]:
    by_line: dict[int, list[_Row]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LICENSES_OF_ORDERS, [[order.pk for order in orders]])
        for row in map(_Row._make, cursor.fetchall()):
            by_line.setdefault(row.line_id, []).append(row)
    return by_line


def _order_serials(order: Order, licenses: Mapping[int, list[_Row]], now: datetime) -> OrderSerials:
    serials = OrderSerials(
        soon=now - order.placed_at < SERIAL_EXPECTED_WITHIN, pending=order.status == Order.Status.PENDING
    )
    today = now.astimezone(order.store.tzinfo).date()
    for line in order.items:
        if line.kind not in LICENSED_KINDS:
            continue
        rows = licenses.get(line.pk, [])
        for row in rows:
            serials.licenses.append(_license_display(order, line, row, len(serials.licenses) + 1, today))
        if rows:
            continue
        if line.extends_serial:  # only the serial number is known
            serials.licenses.append(
                LicenseDisplay(
                    product=line.name,
                    serial=line.extends_serial,
                    end_reason=end_reason(order, line),
                    renews=line.kind in RENEWING_KINDS,
                    number=len(serials.licenses) + 1,
                )
            )
        elif order.status in ACTIVE_STATUSES and line.name not in serials.missing:
            serials.missing.append(line.name)
    return serials


def _license_display(order: Order, line: OrderLine, row: _Row, number: int, today: date) -> LicenseDisplay:
    renews = line.kind in RENEWING_KINDS
    if ended := end_reason(order, line, row.unit_end):
        return LicenseDisplay(
            product=line.name,
            serial=row.serial,
            license_id=row.license_id,
            revoked=row.revoked_at is not None,
            end_reason=ended,
            renews=renews,
            number=number,
        )
    return LicenseDisplay(
        product=row.product or line.name,
        serial=row.serial,
        license_id=row.license_id,
        devices=row.devices,
        used=row.used,
        is_reported=row.is_reported,
        starts_on=row.starts_on,
        expires_on=row.expires_on,
        activated=row.activated_at is not None,
        revoked=row.revoked_at is not None,
        expired=row.expires_on is not None and row.expires_on < today,
        renews=renews,
        number=number,
        place=order.locality,
    )


def email_highlights(serials: OrderSerials) -> list[Highlight]:
    """The license data for the confirmation email."""
    highlights = []
    for license in serials.licenses:
        notes = [f"{license.covers}." if license.covers else "", _validity(license)]
        if license.renews and not license.end_text:
            notes.append(gettext("Your serial number stays the same. You don’t need to enter a new one."))
        highlights.append(
            Highlight(_serial_label(license.product), license.serial, " ".join(note for note in notes if note))
        )
    if serials.missing:
        label = _serial_label(", ".join(serials.missing))
        if serials.pending:
            note = gettext("It will arrive as soon as your payment is confirmed.")
        else:
            note = gettext("It’s not here yet. If it isn’t in your order after 24 hours, reply to this email.")
        highlights.append(Highlight(label, note=note))
    return highlights


def _serial_label(products: str) -> str:
    label = gettext("Serial number")
    return f"{label} – {products}"


def _validity(license: LicenseDisplay) -> str:
    ended = gettext("No longer valid.")
    return f"{ended} {license.end_text}" if license.end_text else license.time


def tasks(order: Order, serials: OrderSerials) -> list[Task]:
    """The action to renew a license that ends: first in the list once one has."""
    ending = [license for license in serials.licenses if license.expires_on and not license.end_text]
    if not ending:
        return []
    url = f"{page_path('stores')}?country={order.billing_country}" if order.billing_country else page_path("stores")
    is_over = any(license.expired for license in ending)
    return [Task(_("Renew"), url, _("See prices in your region’s store"), position=5 if is_over else 30)]


def orders_with_serial(word: str) -> QuerySet[License, int]:
    """The ids of the orders with a license whose serial number begins with `word`."""
    key = normalize_serial(word)
    licenses = License.objects.filter(serial_key__startswith=key) if key else License.objects.none()
    return licenses.values_list("licensed_lines__order_id", flat=True)


register(
    Panel(
        name="serials",
        load=load_serials,
        template="licenses/_serials.html",
        email_highlights=email_highlights,
        search=orders_with_serial,
        permissions=("licenses.view_license",),
        tasks=tasks,
    )
)
register(download_panel.PANEL)
