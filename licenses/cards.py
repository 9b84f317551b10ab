"""The licenses of the orders that are open in a browser: each once, with the devices that are in use."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.http import HttpRequest

from licenses import panels
from licenses.models import Device, DeviceRelease, License, LicensedLine
from licenses.models.devices import UNDO_WITHIN
from licenses.panels import ShownLicense
from licenses.services.devices import Allowance, allowance_of
from orders import access
from orders.models import Order, load_items


@dataclass(frozen=True)
class ShownDevice:
    """One device that holds a place, or whose place was just given free."""

    device: Device
    release: DeviceRelease | None
    can_be_undone: bool


@dataclass
class Card:
    """A license as its holder sees it, with every open order that it stands on, the newest first."""

    license: ShownLicense
    orders: list[Order] = field(default_factory=list)
    devices: list[ShownDevice] = field(default_factory=list)
    allowance: Allowance | None = None

    @property
    def can_release(self) -> bool:
        return self.allowance is not None and self.allowance.left > 0


def load(orders: Sequence[Order], now: datetime) -> list[Card]:
    """The licenses of these orders, in their order. Four queries, however many."""
    load_items(orders)
    shown = panels.load(orders)
    cards: dict[object, Card] = {}
    for order in orders:
        for license in shown[order.pk].licenses if order.pk in shown else ():
            card = cards.setdefault(license.license_id or license.serial, Card(replace(license, number=len(cards) + 1)))
            if order not in card.orders:
                card.orders.append(order)
    _add_devices(cards, now)
    return list(cards.values())


def device_in(request: HttpRequest, device_id: int) -> tuple[Device, Order] | None:
    """A device of a license that an open order carries, with the newest such order; None for every other."""
    orders = access.fully_open_orders(request)
    device = Device.objects.select_related("license__product").filter(pk=device_id).first()
    if device is None:
        return None
    carrying = set(
        LicensedLine.objects.filter(license=device.license_id, order__in=orders).values_list("order_id", flat=True)
    )
    order = next((order for order in orders if order.pk in carrying), None)
    return (device, order) if order is not None else None


def _add_devices(cards: dict[object, Card], now: datetime) -> None:
    """Also those whose place was just given free, while that can be undone."""
    devices: dict[int, list[Device]] = {}
    of_these = Device.objects.filter(license__in=[key for key in cards if isinstance(key, int)])
    for device in of_these.with_releases().select_related("license__product").order_by("-last_seen_at", "pk"):
        devices.setdefault(device.license_id, []).append(device)
    for license_id, of_license in devices.items():
        card = cards[license_id]
        license: License = of_license[0].license
        card.allowance = allowance_of(license, [each for device in of_license for each in device.loaded_releases], now)
        card.devices = [shown for device in of_license if (shown := _shown(device, now)) is not None]


def _shown(device: Device, now: datetime) -> ShownDevice | None:
    release = device.standing_release()
    can_be_undone = release is not None and now < release.requested_at + UNDO_WITHIN
    if (device.deactivated_at is not None or release is not None) and not can_be_undone:
        return None
    return ShownDevice(device, release, can_be_undone)
