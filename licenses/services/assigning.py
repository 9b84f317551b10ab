"""Serial numbers that staff give to order lines, and take from them again."""

from datetime import date
from enum import Enum
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses.models import License, LicensedLine, Product, SerialPrefix, Sku, normalize_serial
from licenses.models.missing import ACTIVE_STATUSES, LICENSED_KINDS, RENEWING_KINDS
from licenses.services.serial_emails import cancel_notification, notify_assigned_serial
from orders.models import Order, OrderLine

SERIAL_LENGTH = 100  # characters
MAX_PREFIX_LENGTH = 16  # characters; see SerialPrefix


class NotAssignable(Exception):
    """A serial number that cannot be given to a line, or taken from it; `sentence` says why."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class OtherOrders(Enum):
    """On which other orders a serial number may stand already."""

    NONE = "none"
    SAME_ADDRESS = "same_address"  # the buyer's own, whose license is renewed
    ANY = "any"  # staff know that they are the same buyer's


@transaction.atomic
def assign_and_notify(
    line: OrderLine,
    serial: str,
    *,
    devices: int | None = None,
    expires_on: date | None = None,
    same_buyer: bool = False,
) -> LicensedLine:
    """Give a line its missing serial number, and tell the buyer by mail. Returns the link.

    A renewal or upgrade may carry on the number of an earlier order of the same address; with `same_buyer`
    of any. What is stated of it then stands. Raises NotAssignable, and nothing has changed.
    """
    # The order first, as imports do: whoever comes second sees what the first one did.
    order = Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=line.order_id)
    line = OrderLine.objects.select_for_update(of=("self",)).get(pk=line.pk)
    _check_line(line, order)
    carried = OtherOrders.NONE
    if line.kind in RENEWING_KINDS:
        carried = OtherOrders.ANY if same_buyer else OtherOrders.SAME_ADDRESS
    license = assign(line, serial, devices=devices, expires_on=expires_on, other_orders=carried)
    link = LicensedLine.objects.get(line=line, license=license)
    notify_assigned_serial(order, link)
    return link


def _check_line(line: OrderLine, order: Order) -> None:
    if line.kind not in LICENSED_KINDS:
        raise NotAssignable(_("This item comes without a serial number."))
    if order.status not in ACTIVE_STATUSES or line.quantity_returned >= line.quantity:
        raise NotAssignable(_("This item was canceled or given back: it gets no serial number."))
    if order.returns_frozen_until is not None and order.returns_frozen_until > timezone.now():
        raise NotAssignable(
            _("The address of this order was corrected just now, which can still be undone. Please wait until then.")
        )
    if line.licensed_lines.count() >= line.quantity:
        raise NotAssignable(_("This item has its serial number already."))


def assign(
    line: OrderLine,
    serial: str,
    *,
    product: Product | None = None,
    devices: int | None = None,
    expires_on: date | None = None,
    other_orders: OtherOrders = OtherOrders.NONE,
) -> License:
    """Put a serial number on an order line by staff's word, which no import takes away. Returns its license.

    `product`, `devices` and `expires_on` fill in what is not known of it; of a license that is carried on
    from another order, they stand. Raises NotAssignable where it is no serial number, or stands on an order
    where it may not.
    """
    key = normalize_serial(serial)
    if not key.isprintable() or not 0 < len(key) <= SERIAL_LENGTH or len(serial.strip()) > SERIAL_LENGTH:
        raise NotAssignable(_("This is not a serial number: please check what you entered."))
    with transaction.atomic():
        license = _license(serial.strip(), key)
        if license.revoked_at is not None:
            raise NotAssignable(_("This serial number was revoked. Please enter another one."))
        is_carried = _check_other_orders(license, line, other_orders)
        link, is_new = LicensedLine.objects.get_or_create(
            line=line, license=license, defaults={"order": line.order, "origin": LicensedLine.Origin.STAFF}
        )
        if is_carried and is_new:
            _carry_on(license, link, devices, expires_on)
        license.product = (
            (license.product or product)
            if product
            else _product_of(license, line, is_carried) or _product_by_prefix(key)
        )
        license.devices = license.devices if license.devices is not None else devices
        license.expires_on = license.expires_on or expires_on
        if license.starts_on and license.expires_on and license.expires_on < license.starts_on:
            raise NotAssignable(_("This license would end before it starts. Please check the date."))
        license.save()
    return license


def _license(serial: str, key: str) -> License:
    """The license with this number under lock; made, where there is none."""
    locked = License.objects.select_for_update(of=("self",))
    if (known := locked.filter(serial_key=key).first()) is not None:
        return known
    try:
        with transaction.atomic():
            return License.objects.create(serial=serial)
    except IntegrityError:  # an import brought it in this moment
        return locked.get(serial_key=key)


def _check_other_orders(license: License, line: OrderLine, allowed: OtherOrders) -> bool:
    """Whether it stands on other orders, where it may."""
    others = Order.objects.filter(licensed_lines__license=license).exclude(pk=line.order_id)
    if not others.exists():
        return False
    if allowed is OtherOrders.NONE:
        raise NotAssignable(_("This serial number stands on another order already. Please check it."))
    if allowed is OtherOrders.SAME_ADDRESS and not others.for_email(line.order.email).exists():
        raise NotAssignable(
            _("This serial number stands on an order of another address. If it is the same buyer, please say so.")
        )
    return True


def _carry_on(license: License, link: LicensedLine, devices: int | None, expires_on: date | None) -> None:
    """A renewal states anew what a license covers; a refund takes back the time, and needs to know since when."""
    license.devices = devices or license.devices
    if expires_on is None:
        return
    if license.expires_on is not None and expires_on > license.expires_on:
        link.extended_from = license.expires_on
        link.save(update_fields=["extended_from"])
    license.expires_on = expires_on


def _product_of(license: License, line: OrderLine, is_carried: bool) -> Product | None:
    """What it is: of a license carried on, what its latest order sold, as imports judge; else what is known of it."""
    sold = Sku.objects.filter(store=line.order.store_id, code=line.sku).select_related("product").first()
    product = sold.product if sold else None
    if not is_carried:
        return license.product or product
    later = license.licensed_lines.filter(order__placed_at__gt=line.order.placed_at).exclude(order=line.order_id)
    return license.product if product is None or later.exists() else product


def _product_by_prefix(key: str) -> Product | None:
    prefixes = [key[:length] for length in range(1, MAX_PREFIX_LENGTH + 1)]
    found = SerialPrefix.objects.filter(prefix__in=prefixes).select_related("product")
    longest = found.order_by(Length("prefix").desc()).first()
    return longest.product if longest else None


@transaction.atomic
def unassign(link: LicensedLine) -> None:
    """Take a serial number from a line that staff gave it, as when it was the wrong one. A waiting mail is not sent.

    Raises NotAssignable where it came from the store, which would bring it again.
    """
    Order.objects.select_for_update(of=("self",)).get(pk=link.order_id)
    current = LicensedLine.objects.select_for_update(of=("self",)).filter(pk=link.pk).first()
    if current is None:
        return
    if current.origin != LicensedLine.Origin.STAFF:
        raise NotAssignable(_("This serial number came from the store. Only what staff assigned can be taken away."))
    license = License.objects.select_for_update(of=("self",)).get(pk=current.license_id)
    if current.extended_from is not None and current.taken_back_at is None:
        is_last = not license.licensed_lines.filter(extended_from__gt=current.extended_from).exists()
        if is_last:
            license.expires_on = current.extended_from
            license.save(update_fields=["expires_on"])
    cancel_notification(current)
    current.delete()
