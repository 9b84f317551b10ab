"""Serial numbers and devices covered: this room's part of the order page and of the confirmation mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from licenses.models import License, normalize_serial
from orders.models import Order, OrderLine
from orders.panels import Panel, register

Kind = OrderLine.Kind
# What comes with a serial number, or carries one on.
LICENSED_KINDS = [Kind.NEW, Kind.RENEWAL, Kind.UPGRADE]
# Orders whose licences are still to come, or stand.
STANDING = [Order.Status.PENDING, Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED]
USUALLY_THERE_AFTER = timedelta(hours=24)  # after that a missing serial number is for people to mend
MOST_BOXES = 20  # devices drawn; more are a number only


@dataclass(frozen=True)
class ShownLicense:
    """One serial number as the buyer sees it; without one where it is missing."""

    product: str
    serial: str = ""
    devices: int | None = None
    starts_on: date | None = None
    expires_on: date | None = None
    activated: bool = False
    revoked: bool = False
    expired: bool = False
    renews: bool = False  # an earlier purchase's number, carried on
    number: int = 0  # tells the copies of a page apart

    @property
    def boxes(self) -> str:
        """As many characters as boxes to draw."""
        return "x" * self.devices if self.devices and self.devices <= MOST_BOXES else ""


@dataclass
class Serials:
    """The licences of one order."""

    licenses: list[ShownLicense] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # names of items, each once
    soon: bool = True  # what is missing may still come by itself
    pending: bool = False  # ... when the payment is confirmed


def load(orders: Sequence[Order]) -> Mapping[int, Serials]:
    """What each order shows, with one query: its licensed items, with their licences where there are any."""
    by_id = {order.pk: order for order in orders}
    now = timezone.now()
    shown: dict[int, Serials] = {}
    for row in _rows(list(by_id)):
        order = by_id[row["order_id"]]
        serials = shown.setdefault(
            order.pk,
            Serials(soon=now - order.placed_at < USUALLY_THERE_AFTER, pending=order.status == Order.Status.PENDING),
        )
        if row["serial"] or row["extends_serial"]:
            serials.licenses.append(_license(row, len(serials.licenses) + 1, now, order.store.tzinfo))
        elif order.status in STANDING and row["name"] not in serials.missing:
            serials.missing.append(row["name"])
    return {order_id: serials for order_id, serials in shown.items() if serials.licenses or serials.missing}


def _rows(order_ids: list[int]) -> QuerySet[OrderLine, Any]:
    licensed = "licensed_lines__license"
    return (
        OrderLine.objects.filter(order_id__in=order_ids, kind__in=LICENSED_KINDS)
        .order_by("order_id", "position", "id", "licensed_lines__id")
        .values(
            "order_id",
            "name",
            "kind",
            "extends_serial",
            serial=F(f"{licensed}__serial"),
            product=F(f"{licensed}__product__name"),
            devices=F(f"{licensed}__devices"),
            starts_on=F(f"{licensed}__starts_on"),
            expires_on=F(f"{licensed}__expires_on"),
            activated_at=F(f"{licensed}__activated_at"),
            revoked_at=F(f"{licensed}__revoked_at"),
        )
    )


def _license(row: dict[str, Any], number: int, now: datetime, zone: tzinfo) -> ShownLicense:
    expires_on = row["expires_on"]
    return ShownLicense(
        product=row["product"] or row["name"],
        serial=row["serial"] or row["extends_serial"],
        devices=row["devices"],
        starts_on=row["starts_on"],
        expires_on=expires_on,
        activated=row["activated_at"] is not None,
        revoked=row["revoked_at"] is not None,
        expired=expires_on is not None and expires_on < now.astimezone(zone).date(),
        renews=row["kind"] in (Kind.RENEWAL, Kind.UPGRADE),
        number=number,
    )


def orders_with_serial(word: str) -> QuerySet[License, int]:
    """The orders of the licences whose serial number begins with this."""
    key = normalize_serial(word)
    licenses = License.objects.filter(serial_key__startswith=key) if key else License.objects.none()
    return licenses.values_list("licensed_lines__order_id", flat=True)


register(
    Panel(
        name="serials",
        load=load,
        template="licenses/_serials.html",
        mail_text="licenses/emails/_serials.txt",
        mail_html="licenses/emails/_serials.html",
        admin_template="licenses/_serials_admin.html",
        search=orders_with_serial,
    )
)
