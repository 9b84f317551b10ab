"""Giving the place of a device free: one request a device, undone within minutes, so many a year."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from licenses.models import Device, DeviceRelease, License
from licenses.models.devices import UNDO_WITHIN
from notifications.services import cancel, send
from orders.models import Order
from orders.services.confirmations import order_language

DEVICE_RELEASED = "device_released"
YEAR = timedelta(days=365)
DEFAULT_RELEASES_PER_YEAR = 5  # of licenses whose product nobody knows
# Each release writes a mail, so going back and forth has an end, too.
MAX_UNDONE_PER_DAY = 10
DAY = timedelta(hours=24)


class NotReleased(Exception):
    """A device that keeps its place, or a release that stands; `sentence` says why."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Allowance:
    """How many devices of a license may still be released, of how many in 365 days."""

    left: int
    per_year: int

    @property
    def text(self) -> str:
        """How many are left, in words."""
        if not self.left:
            return str(_("You have released as many devices as this license allows for now. Support can help you."))
        words = ngettext(
            "You can release %(left)s more device of this license within a year.",
            "You can release %(left)s more devices of this license within a year.",
            self.left,
        )
        return words % {"left": self.left}


def allowance(license: License, now: datetime) -> Allowance:
    """What this license still allows. One query, or two where the product is not loaded."""
    return remaining_allowance(license, DeviceRelease.objects.not_undone().filter(device__license=license), now)


def remaining_allowance(license: License, standing: Iterable[DeviceRelease], now: datetime) -> Allowance:
    """The same from all releases of its devices that stand."""
    per_year = license.product.device_releases_a_year if license.product else DEFAULT_RELEASES_PER_YEAR
    used = sum(release.requested_at > now - YEAR for release in standing)
    return Allowance(max(0, per_year - used), per_year)


def release(device: Device, order: Order, now: datetime) -> DeviceRelease:
    """Give a device's place free, and tell the address of the order. A second request finds the first.

    Raises NotReleased where the device is out of use, or the license's allowance is used up.
    """
    with transaction.atomic():
        license = _locked(device)
        device = Device.objects.get(pk=device.pk)
        standing = device.active_release()
        if standing is not None:
            return standing
        if device.deactivated_at is not None:
            raise NotReleased(_("This device is not in use any more, so its place is free already."))
        if not allowance(license, now).left or _undone(license, now) >= MAX_UNDONE_PER_DAY:
            raise NotReleased(
                _("You have released as many devices as this license allows for now. Support can help you.")
            )
        released = DeviceRelease.objects.create(device=device, requested_at=now)
        send(DEVICE_RELEASED, released, order.email, order_id=order.pk, language=order_language(order))
    return released


def undo(device: Device, now: datetime) -> None:
    """Take a release back, within its 10 minutes. Nothing to undo is no error: a second click finds that.

    Raises NotReleased where it is too late.
    """
    with transaction.atomic():
        _locked(device)
        standing = Device.objects.get(pk=device.pk).active_release()
        if standing is None:
            return
        if now >= standing.requested_at + UNDO_WITHIN:
            raise NotReleased(_("The 10 minutes are over. Activate the product on that device again to use it there."))
        standing.undone_at = now
        standing.save(update_fields=["undone_at"])
        cancel(DEVICE_RELEASED, standing.pk)


def _undone(license: License, now: datetime) -> int:
    """How many releases of its devices were taken back within a day."""
    return DeviceRelease.objects.filter(device__license=license, undone_at__gt=now - DAY).count()


def _locked(device: Device) -> License:
    """Its license under lock: what happens to the places of one license happens one after the other."""
    locked = License.objects.select_for_update(of=("self",)).select_related("product")
    return locked.get(pk=device.license_id)
