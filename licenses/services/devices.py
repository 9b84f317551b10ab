"""Release devices: limited per year, and undoable for some minutes."""

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
from orders.services.confirmations import buyer_language

DEVICE_RELEASED = "device_released"
YEAR = timedelta(days=365)
DEFAULT_RELEASES_PER_YEAR = 5  # for licenses without a known product
# Each release sends an email, so releasing and undoing is limited, too.
MAX_UNDONE_PER_DAY = 10
DAY = timedelta(hours=24)


class NotReleased(Exception):
    """A device cannot be released, or a release cannot be undone; `sentence` says why."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Allowance:
    """How many devices of a license can still be released, and the limit in 365 days."""

    left: int
    per_year: int

    @property
    def text(self) -> str:
        """How many can be released, in words."""
        if not self.left:
            return str(_("You’ve released as many devices as this license allows for now. Contact support for help."))
        words = ngettext(
            "You can release %(left)s more device this year.",
            "You can release %(left)s more devices this year.",
            self.left,
        )
        return words % {"left": self.left}


def allowance(license: License, now: datetime) -> Allowance:
    """The allowance of a license. One query, or two if the product is not loaded."""
    return remaining_allowance(license, DeviceRelease.objects.not_undone().filter(device__license=license), now)


def remaining_allowance(license: License, releases: Iterable[DeviceRelease], now: datetime) -> Allowance:
    """The allowance of a license, based on the releases of its devices that were not undone."""
    per_year = license.product.device_releases_a_year if license.product else DEFAULT_RELEASES_PER_YEAR
    used = sum(release.requested_at > now - YEAR for release in releases)
    return Allowance(max(0, per_year - used), per_year)


def release(device: Device, order: Order, now: datetime, *, by_staff: bool = False) -> DeviceRelease:
    """Release a device, and send an email to the order's address. Returns the active release if there is one.

    Staff aren't bound by the license's allowance, but what they release counts. Raises NotReleased if the device is
    deactivated, or the allowance is used up.
    """
    with transaction.atomic():
        license = _lock_license(device)
        device = Device.objects.get(pk=device.pk)
        active = device.active_release()
        if active is not None:
            return active
        if device.deactivated_at is not None:
            raise NotReleased(_("This device is already released."))
        is_used_up = not allowance(license, now).left or _count_undone(license, now) >= MAX_UNDONE_PER_DAY
        if is_used_up and not by_staff:
            raise NotReleased(
                _("You’ve released as many devices as this license allows for now. Contact support for help.")
            )
        released = DeviceRelease.objects.create(device=device, requested_at=now)
        send(DEVICE_RELEASED, released, order.email, order_id=order.pk, language=buyer_language(order))
    return released


def undo(device: Device, now: datetime) -> None:
    """Undo a release within 10 minutes. Does nothing if there is none, as after a second click.

    Raises NotReleased if it is too late.
    """
    with transaction.atomic():
        _lock_license(device)
        active = Device.objects.get(pk=device.pk).active_release()
        if active is None:
            return
        if now >= active.requested_at + UNDO_WITHIN:
            raise NotReleased(_("The 10 minutes are over. To use this device again, activate the product on it."))
        active.undone_at = now
        active.save(update_fields=["undone_at"])
        cancel(DEVICE_RELEASED, active.pk)


def _count_undone(license: License, now: datetime) -> int:
    """How many releases of its devices were undone within a day."""
    return DeviceRelease.objects.filter(device__license=license, undone_at__gt=now - DAY).count()


def _lock_license(device: Device) -> License:
    """Lock the device's license, so that releases of its devices are processed one after the other."""
    locked = License.objects.select_for_update(of=("self",)).select_related("product")
    return locked.get(pk=device.license_id)
