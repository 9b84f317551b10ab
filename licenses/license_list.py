"""The list of a buyer's licenses, with their devices and orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.http import HttpRequest

from licenses import serial_panel
from licenses.models import Device, DeviceRelease, License, LicensedLine
from licenses.models.devices import UNDO_WITHIN
from licenses.serial_panel import LicenseDisplay
from licenses.services.devices import Allowance, remaining_allowance
from orders import access
from orders.models import Order, load_items


@dataclass(frozen=True)
class ListedDevice:
    """A device in use, or one that was released so recently that this can be undone."""

    device: Device
    release: DeviceRelease | None
    can_be_undone: bool


@dataclass
class ListedLicense:
    """A license with its devices and all open orders that include it, the newest first."""

    license: LicenseDisplay
    orders: list[Order] = field(default_factory=list)
    devices: list[ListedDevice] = field(default_factory=list)
    allowance: Allowance | None = None

    @property
    def can_release(self) -> bool:
        return self.allowance is not None and self.allowance.left > 0


def load_listed_licenses(orders: Sequence[Order], now: datetime) -> list[ListedLicense]:
    """The licenses of these orders, each once. Makes four queries for any number of orders."""
    load_items(orders)
    shown = serial_panel.load_serials(orders)
    entries: dict[object, ListedLicense] = {}
    for order in orders:
        for license in shown[order.pk].licenses if order.pk in shown else ():
            entry = entries.setdefault(
                license.license_id or license.serial, ListedLicense(replace(license, number=len(entries) + 1))
            )
            if entry.license.end_reason and not license.end_reason:  # another order keeps it
                entry.license = replace(license, number=entry.license.number)
            if order not in entry.orders:
                entry.orders.append(order)
    _add_devices(entries, now)
    return list(entries.values())


def filter_licenses(listed: Sequence[ListedLicense], typed: str) -> list[ListedLicense]:
    """Licenses whose product, order numbers and device names contain all typed words, numbered from 1."""
    words = typed.casefold().split()
    matching = [entry for entry in listed if all(word in _searched_text(entry) for word in words)]
    for number, entry in enumerate(matching, start=1):
        entry.license = replace(entry.license, number=number)
    return matching


def _searched_text(entry: ListedLicense) -> str:
    """The serial number is excluded: the filter is in the URL, which must not contain serial numbers."""
    names = [order.number for order in entry.orders] + [str(shown.device) for shown in entry.devices]
    return " ".join([str(entry.license.product), *names]).casefold()


def find_open_device(request: HttpRequest, device_id: int) -> tuple[Device, Order] | None:
    """The device, with the newest open order that includes its license; None if there is no such order.

    An order with a confirmed owner takes precedence. Orders on which the license has ended don't count, because it may
    belong to someone else by now.
    """
    orders = access.fully_open_orders(request)
    device = Device.objects.select_related("license__product").filter(pk=device_id).first()
    if device is None:
        return None
    carrying = set(
        LicensedLine.objects.active()
        .filter(license=device.license_id, order__in=orders)
        .values_list("order_id", flat=True)
    )
    including = [order for order in orders if order.pk in carrying]
    confirmed = [order for order in including if access.is_owner_confirmed(request, order)]
    return (device, (confirmed or including)[0]) if including else None


def _add_devices(entries: dict[object, ListedLicense], now: datetime) -> None:
    """Add the devices in use and those whose release can still be undone. An ended license gets none."""
    devices: dict[int, list[Device]] = {}
    shown_ids = [key for key, entry in entries.items() if isinstance(key, int) and not entry.license.end_reason]
    found = Device.objects.filter(license__in=shown_ids)
    for device in found.with_releases().select_related("license__product").order_by("-last_seen_at", "pk"):
        devices.setdefault(device.license_id, []).append(device)
    for license_id, of_license in devices.items():
        entry = entries[license_id]
        license: License = of_license[0].license
        entry.allowance = remaining_allowance(
            license, [each for device in of_license for each in device.loaded_releases], now
        )
        entry.devices = [shown for device in of_license if (shown := _shown(device, now)) is not None]


def _shown(device: Device, now: datetime) -> ListedDevice | None:
    release = device.active_release()
    can_be_undone = release is not None and now < release.requested_at + UNDO_WITHIN
    if (device.deactivated_at is not None or release is not None) and not can_be_undone:
        return None
    return ListedDevice(device, release, can_be_undone)
