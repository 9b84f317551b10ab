"""Assign serial numbers to order lines manually, and unassign them."""

from datetime import date
from enum import Enum
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses.models import License, LicensedLine, Product, Sku, normalize_serial
from licenses.models.missing import ACTIVE_STATUSES, LICENSED_KINDS, RENEWING_KINDS
from licenses.serials import looks_like_card
from licenses.services.serial_emails import cancel_notification, notify_assigned_serial
from licenses.services.worth import recompute
from orders.models import Order, OrderLine

SERIAL_LENGTH = 100  # characters


class NotAssignable(Exception):
    """A serial number cannot be assigned or unassigned; `sentence` says why."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class OtherOrders(Enum):
    """Which other orders may have the serial number."""

    NONE = "none"
    SAME_ADDRESS = "same_address"  # the buyer's earlier orders, for a renewal
    ANY = "any"  # staff confirmed that it is the same buyer


@transaction.atomic
def assign_and_notify(
    line: OrderLine,
    serial: str,
    *,
    devices: int | None = None,
    expires_on: date | None = None,
    same_buyer: bool = False,
) -> LicensedLine:
    """Assign a missing serial number to a line, and email the buyer. Returns the link.

    A renewal or upgrade may keep the number of an earlier order of the same address, or with `same_buyer` of
    any order. Raises NotAssignable and changes nothing if it cannot be assigned.
    """
    # Lock the order first, as imports do.
    order = Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=line.order_id)
    line = OrderLine.objects.select_for_update(of=("self",)).get(pk=line.pk)
    _check_line(line, order)
    allowed = OtherOrders.NONE
    if line.kind in RENEWING_KINDS:
        allowed = OtherOrders.ANY if same_buyer else OtherOrders.SAME_ADDRESS
    license = assign(line, serial, devices=devices, expires_on=expires_on, other_orders=allowed)
    link = LicensedLine.objects.get(line=line, license=license)
    notify_assigned_serial(order, link)
    return link


def _check_line(line: OrderLine, order: Order) -> None:
    if line.kind not in LICENSED_KINDS:
        raise NotAssignable(_("This item doesn’t include a serial number."))
    if order.status not in ACTIVE_STATUSES or line.quantity_returned >= line.quantity:
        raise NotAssignable(_("This item was canceled or returned, so it can’t get a serial number."))
    if order.is_frozen(timezone.now()):
        raise NotAssignable(
            _(
                "The email address of this order was corrected recently, and the correction can still be undone. "
                "Wait until it’s final."
            )
        )
    if line.licensed_lines.active().count() >= line.quantity - line.quantity_returned:
        raise NotAssignable(_("This item already has a serial number."))


def assign(
    line: OrderLine,
    serial: str,
    *,
    product: Product | None = None,
    devices: int | None = None,
    expires_on: date | None = None,
    other_orders: OtherOrders = OtherOrders.NONE,
) -> License:
    """Assign a serial number to an order line so that no import removes it. Returns its license.

    `product`, `devices` and `expires_on` are the line's data about it, if they aren't known yet. The license's validity
    is derived from all its lines. Raises NotAssignable if the text isn't a serial number, or belongs to an order that
    is not allowed.
    """
    key = normalize_serial(serial)
    if not key.isprintable() or not 0 < len(key) <= SERIAL_LENGTH or len(serial.strip()) > SERIAL_LENGTH:
        raise NotAssignable(_("Enter a serial number, for example XABC-1234-5678-9012."))
    if looks_like_card(serial):
        raise NotAssignable(
            _(
                "This looks like a card number. If the product’s serial numbers look like this, set its serial "
                "number format first."
            )
        )
    with transaction.atomic():
        license = _get_or_create_license(serial.strip(), key)
        _check_revoked(license, is_renewed=other_orders is not OtherOrders.NONE)
        _check_other_orders(license, line, other_orders)
        if license.starts_on and expires_on and expires_on < license.starts_on:
            raise NotAssignable(_("The end date is before the start date. Check the date."))
        link, is_new = LicensedLine.objects.get_or_create(
            line=line, license=license, defaults={"order": line.order, "origin": LicensedLine.Origin.STAFF}
        )
        if is_new and not license.licensed_lines.exclude(pk=link.pk).exists():
            # The data of a license without order lines would be lost, so it is stored on this line.
            link.product, link.devices = license.product, license.devices
            link.starts_on, link.expires_on = license.starts_on, license.expires_on
        link.product = link.product or product or _product_of_sku(line)
        link.devices = link.devices if link.devices is not None else devices
        link.expires_on = link.expires_on or expires_on
        link.save()
        Sku.objects.filter(store_id=line.order.store_id, code=line.sku).exclude(code="").update(has_serials=True)
        recompute([license.pk])
        license.refresh_from_db()
    return license


def _check_revoked(license: License, *, is_renewed: bool) -> None:
    """Raise NotAssignable for a revoked license. A paid renewal makes one valid again, but never against staff."""
    by_staff = license.staff_decision == License.StaffDecision.REVOKED
    if by_staff or (license.revoked_at is not None and not is_renewed):
        raise NotAssignable(_("This serial number was revoked. Enter another one."))


def _get_or_create_license(serial: str, key: str) -> License:
    """Get or create the license with this serial number, locked."""
    locked = License.objects.select_for_update(of=("self",))
    if (known := locked.filter(serial_key=key).first()) is not None:
        return known
    try:
        with transaction.atomic():
            return License.objects.create(serial=serial)
    except IntegrityError:  # an import created it at the same time
        return locked.get(serial_key=key)


def _check_other_orders(license: License, line: OrderLine, allowed: OtherOrders) -> None:
    """Raises NotAssignable if other orders have the license and are not allowed."""
    others = Order.objects.filter(licensed_lines__license=license).exclude(pk=line.order_id)
    if not others.exists():
        return
    if allowed is OtherOrders.NONE:
        raise NotAssignable(_("This serial number already belongs to another order. Check it and try again."))
    if allowed is OtherOrders.SAME_ADDRESS and not others.for_email(line.order.email).exists():
        raise NotAssignable(
            _(
                "This serial number belongs to an order with another email address. If it’s the same buyer, "
                "confirm that below."
            )
        )


def _product_of_sku(line: OrderLine) -> Product | None:
    sold = Sku.objects.filter(store=line.order.store_id, code=line.sku).select_related("product").first()
    return sold.product if sold else None


@transaction.atomic
def unassign(link: LicensedLine) -> None:
    """Remove a serial number that staff assigned to a line. An unsent email about it is deleted.

    Raises NotAssignable if it came from the store, because the next import would add it again.
    """
    Order.objects.select_for_update(of=("self",)).get(pk=link.order_id)
    current = LicensedLine.objects.select_for_update(of=("self",)).filter(pk=link.pk).first()
    if current is None:
        return
    if current.origin != LicensedLine.Origin.STAFF:
        raise NotAssignable(
            _("This serial number came from the store. You can only remove serial numbers that staff assigned.")
        )
    cancel_notification(current)
    license_id = current.license_id
    current.delete()
    recompute([license_id])
