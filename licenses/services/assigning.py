"""Serial numbers that staff give to order lines."""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from licenses.models import License, LicensedLine, Product, normalize_serial
from orders.models import OrderLine

SERIAL_LENGTH = 100  # characters


class NotAssignable(Exception):
    """A serial number that cannot be given to a line; `sentence` says why."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def assign(
    line: OrderLine,
    serial: str,
    *,
    product: Product | None = None,
    devices: int | None = None,
    expires_on: date | None = None,
) -> License:
    """Put a serial number on an order line by staff's word, which no import takes away. Returns its licence.

    `product`, `devices` and `expires_on` fill in what is not known of it. Raises NotAssignable where it is no
    serial number, or stands on another order.
    """
    key = normalize_serial(serial)
    if not key.isprintable() or not 0 < len(key) <= SERIAL_LENGTH or len(serial.strip()) > SERIAL_LENGTH:
        raise NotAssignable(_("This is not a serial number: please check what you entered."))
    with transaction.atomic():
        license = _license(serial.strip(), key)
        if license.revoked_at is not None:
            raise NotAssignable(_("This serial number was revoked. Please enter another one."))
        if license.licensed_lines.exclude(order_id=line.order_id).exists():
            raise NotAssignable(_("This serial number stands on another order already. Please check it."))
        license.product = license.product or product
        license.devices = license.devices if license.devices is not None else devices
        license.expires_on = license.expires_on or expires_on
        if license.starts_on and license.expires_on and license.expires_on < license.starts_on:
            raise NotAssignable(_("This licence would end before it starts. Please check the date."))
        license.save()
        LicensedLine.objects.get_or_create(
            line=line, license=license, defaults={"order": line.order, "origin": LicensedLine.Origin.STAFF}
        )
    return license


def _license(serial: str, key: str) -> License:
    """The licence with this number under lock; made, where there is none."""
    locked = License.objects.select_for_update(of=("self",))
    if (known := locked.filter(serial_key=key).first()) is not None:
        return known
    try:
        with transaction.atomic():
            return License.objects.create(serial=serial)
    except IntegrityError:  # an import brought it in this moment
        return locked.get(serial_key=key)
