"""Serial numbers and devices covered: this room's part of the order page and of the confirmation mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from licenses import download_panel
from licenses.models import License, normalize_serial
from licenses.models.missing import LICENSED_KINDS, RENEWING_KINDS, STANDING, USUALLY_THERE_AFTER
from notifications.kinds import Highlight
from orders import formats
from orders.models import Order, OrderLine
from orders.panels import Panel, register

MOST_BOXES = 20  # devices drawn; more are a number only


@dataclass(frozen=True)
class ShownLicense:
    """One serial number as the buyer sees it; without one where it is missing."""

    product: str
    serial: str = ""
    license_id: int = 0  # 0: known by its serial number only
    devices: int | None = None
    used: int = 0  # devices that hold a place now, where an activation server tells
    starts_on: date | None = None
    expires_on: date | None = None
    activated: bool = False
    revoked: bool = False
    expired: bool = False
    renews: bool = False  # an earlier purchase's number, carried on
    number: int = 0  # tells the copies of a page apart

    @property
    def covers(self) -> str:
        """How many devices, in words; empty where nobody knows."""
        words = ngettext("Covers %(devices)s device", "Covers %(devices)s devices", self.devices or 0)
        return words % {"devices": self.devices} if self.devices else ""

    @property
    def time(self) -> str:
        """Until when it runs or ran, in words."""
        if self.expires_on is None:
            return ""
        words = gettext("Expired on %(day)s.") if self.expired else gettext("Valid until %(day)s.")
        return words % {"day": formats.day(self.expires_on)}

    @property
    def in_use(self) -> str:
        """How many places are taken, in words; empty where nobody reports any."""
        if not self.used:
            return ""
        free = max(0, (self.devices or 0) - self.used)
        words = ngettext("%(used)s in use, %(free)s free.", "%(used)s in use, %(free)s free.", self.used)
        return words % {"used": self.used, "free": free}

    @property
    def boxes(self) -> list[bool]:
        """A box for each device, True for those in use, which come first. Empty if there would be too many."""
        count = self.devices if self.devices and self.devices <= MOST_BOXES else 0
        return [number < self.used for number in range(count)]


@dataclass
class Serials:
    """The licenses of one order."""

    licenses: list[ShownLicense] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # names of items, each once
    soon: bool = True  # what is missing may still come by itself
    pending: bool = False  # ... when the payment is confirmed

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
    starts_on: date | None
    expires_on: date | None
    activated_at: datetime | None
    revoked_at: datetime | None


# By hand, because every order page asks it: the ORM takes longer to make this than PostgreSQL to answer it, and
# PostgreSQL longer to plan a join with products than to look their names up.
_LICENSES_OF_ORDERS = """
SELECT carried.line_id, license.id, license.serial,
       (SELECT name FROM licenses_product WHERE id = license.product_id), license.devices,
       (SELECT count(*) FROM licenses_device AS device
        WHERE device.license_id = license.id AND device.deactivated_at IS NULL AND NOT EXISTS (
            SELECT FROM licenses_devicerelease
            WHERE device_id = device.id AND undone_at IS NULL
                  AND requested_at >= coalesce(device.last_activated_at, requested_at))),
       license.starts_on, license.expires_on, license.activated_at, license.revoked_at
FROM licenses_licensedline AS carried JOIN licenses_license AS license ON license.id = carried.license_id
WHERE carried.order_id = ANY(%s) ORDER BY carried.id
"""


def load(orders: Sequence[Order]) -> Mapping[int, Serials]:
    """What each order shows, with one query: its licensed items, with their licenses where there are any."""
    now = timezone.now()
    licenses = _licenses_by_line(orders)
    shown = {order.pk: _serials(order, licenses, now) for order in orders}
    return {order_id: serials for order_id, serials in shown.items() if serials.licenses or serials.missing}


def _licenses_by_line(orders: Sequence[Order]) -> dict[int, list[_Row]]:
    by_line: dict[int, list[_Row]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LICENSES_OF_ORDERS, [[order.pk for order in orders]])
        for row in map(_Row._make, cursor.fetchall()):
            by_line.setdefault(row.line_id, []).append(row)
    return by_line


def _serials(order: Order, licenses: Mapping[int, list[_Row]], now: datetime) -> Serials:
    serials = Serials(soon=now - order.placed_at < USUALLY_THERE_AFTER, pending=order.status == Order.Status.PENDING)
    today = now.astimezone(order.store.tzinfo).date()
    for line in order.items:
        if line.kind not in LICENSED_KINDS:
            continue
        rows = licenses.get(line.pk, [])
        for row in rows:
            serials.licenses.append(_license(line, row, len(serials.licenses) + 1, today))
        if rows:
            continue
        if line.extends_serial:  # known by name only
            serials.licenses.append(
                ShownLicense(
                    product=line.name,
                    serial=line.extends_serial,
                    renews=line.kind in RENEWING_KINDS,
                    number=len(serials.licenses) + 1,
                )
            )
        elif order.status in STANDING and line.name not in serials.missing:
            serials.missing.append(line.name)
    return serials


def _license(line: OrderLine, row: _Row, number: int, today: date) -> ShownLicense:
    return ShownLicense(
        product=row.product or line.name,
        serial=row.serial,
        license_id=row.license_id,
        devices=row.devices,
        used=row.used,
        starts_on=row.starts_on,
        expires_on=row.expires_on,
        activated=row.activated_at is not None,
        revoked=row.revoked_at is not None,
        expired=row.expires_on is not None and row.expires_on < today,
        renews=line.kind in RENEWING_KINDS,
        number=number,
    )


def email_highlights(serials: Serials) -> list[Highlight]:
    """What the confirmation email shows of the licenses."""
    highlights = []
    for license in serials.licenses:
        notes = [f"{license.covers}." if license.covers else "", _validity(license)]
        if license.renews:
            notes.append(gettext("Your serial number stays the same. You don’t need to enter a new one."))
        label = f"{gettext('Serial number')} – {license.product}"
        highlights.append(Highlight(label, license.serial, " ".join(note for note in notes if note)))
    if serials.missing:
        label = f"{gettext('Serial number')} – {', '.join(serials.missing)}"
        if serials.pending:
            note = gettext("It will arrive as soon as your payment is confirmed.")
        else:
            note = gettext("It’s not here yet. If it isn’t in your order after 24 hours, reply to this email.")
        highlights.append(Highlight(label, note=note))
    return highlights


def _validity(license: ShownLicense) -> str:
    return gettext("No longer valid.") if license.revoked else license.time


def orders_with_serial(word: str) -> QuerySet[License, int]:
    """The orders of the licenses whose serial number begins with this."""
    key = normalize_serial(word)
    licenses = License.objects.filter(serial_key__startswith=key) if key else License.objects.none()
    return licenses.values_list("licensed_lines__order_id", flat=True)


register(
    Panel(
        name="serials",
        load=load,
        template="licenses/_serials.html",
        email_highlights=email_highlights,
        admin_template="licenses/_serials_admin.html",
        search=orders_with_serial,
    )
)
register(download_panel.PANEL)
