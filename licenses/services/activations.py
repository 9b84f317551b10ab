"""Process the events of activation servers. The result doesn't depend on the order in which they arrive."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from licenses.models import ActivationEvent, Device, DeviceRelease, License, normalize_serial
from licenses.services.erasure import erased_licenses

MAX_ATTEMPTS = 4
# Shorter than deadlock_timeout (1 s), so that PostgreSQL never aborts an import because of a deadlock with events.
LOCK_WAIT_MILLISECONDS = 500
DEVICE_FIELDS = (
    "name",
    "platform",
    "described_at",
    "activated_at",
    "last_activated_at",
    "last_seen_at",
    "deactivated_at",
)
MAX_RELEASED_DEVICES = 500  # per response; the rest with the next one


class EventType(Enum):
    ACTIVATED = "activated"
    SEEN = "seen"
    DEACTIVATED = "deactivated"


class Outcome(Enum):
    TAKEN = "taken"
    UNKNOWN_SERIAL = "unknown_serial"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one device. `name` and `platform` are empty if unknown."""

    id: str
    type: EventType
    serial: str
    device: str  # the server's id of the device
    at: datetime
    digest: str  # of the whole event
    name: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class ReleasedDevice:
    """A device that its owner released."""

    serial: str
    device: str
    released_at: datetime


@dataclass
class EventResults:
    """The result of each event, in sequence, and the devices that the server should deactivate."""

    outcomes: list[Outcome] = field(default_factory=list)
    released: list[ReleasedDevice] = field(default_factory=list)
    more_released: bool = False


class EventIdReused(Exception):
    """Event ids were used before with other content. Nothing was processed."""

    def __init__(self, event_ids: Sequence[str]) -> None:
        super().__init__(event_ids)
        self.event_ids = event_ids


class LicensesLocked(Exception):
    """The licenses are locked by another transaction. The request can be repeated soon."""


def process_events(key_id: str, events: Sequence[Event]) -> EventResults:
    """Process the events sent with this key, all or none of them, and each id once.

    The result doesn't depend on the order in which events arrive. An event with an unknown serial number is not stored,
    so that it can be sent again when the order was imported. Raises EventIdReused and LicensesLocked.
    """
    for _attempt in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                _set_lock_timeout()
                return _process_events(key_id, events, timezone.now())
        except (IntegrityError, OperationalError):
            continue  # the same events arrived simultaneously, or an import locks a license: try again
    raise LicensesLocked


def _set_lock_timeout() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_WAIT_MILLISECONDS}ms"])


def _process_events(key_id: str, events: Sequence[Event], now: datetime) -> EventResults:
    keys = [normalize_serial(event.serial) for event in events]
    licenses = {
        license.serial_key: license
        for license in License.objects.select_for_update(no_key=True, of=("self",))
        .filter(serial_key__in=set(keys))
        .order_by("pk")
    }
    digests = {event.id: event.digest for event in events}
    taken = dict(ActivationEvent.objects.filter(key_id=key_id, event_id__in=digests).values_list("event_id", "digest"))
    _check_reused_ids(events, digests | taken)
    new = {
        event.id: (licenses[key], event)
        for key, event in zip(keys, events, strict=True)
        if key in licenses and event.id not in taken
    }
    _apply(list(new.values()), now)
    ActivationEvent.objects.bulk_create(
        ActivationEvent(key_id=key_id, event_id=event.id, digest=event.digest, received_at=now)
        for _license, event in new.values()
    )
    known = new.keys() | taken.keys()
    results = EventResults([Outcome.TAKEN if event.id in known else Outcome.UNKNOWN_SERIAL for event in events])
    _add_released_devices(results, now)
    return results


def _check_reused_ids(events: Sequence[Event], digests: Mapping[str, str]) -> None:
    reused = [event.id for event in events if digests[event.id] != event.digest]
    if reused:
        raise EventIdReused(list(dict.fromkeys(reused)))


def _apply(events: Sequence[tuple[License, Event]], now: datetime) -> None:
    """Apply events to the devices of these locked licenses, and update when each license was first used."""
    known = {
        (device.license_id, device.vendor_id): device
        for device in Device.objects.select_for_update(of=("self",))
        .filter(license__in={license.pk for license, _event in events})
        .order_by("pk")
    }
    touched: dict[tuple[int, str], Device] = {}
    # The names of devices are not stored again after an erasure.
    erased = erased_licenses({license.pk for license, event in events if event.name or event.platform})
    for license, event in events:
        key = (license.pk, event.device)
        device = touched.get(key) or known.get(key) or _new_device(license, event)
        touched[key] = device
        _apply_event(device, event, keeps_names=license.pk not in erased)
    for device in touched.values():
        device.pk = None  # one upsert for new and known devices, by the unique constraint
    Device.objects.bulk_create(
        touched.values(),
        update_conflicts=True,
        unique_fields=["license", "vendor_id"],
        update_fields=DEVICE_FIELDS,
    )
    keep_earliest_use({license.pk for license, _event in events})
    DeviceRelease.objects.update_freed_at(touched.values(), now)


def _new_device(license: License, event: Event) -> Device:
    return Device(license=license, vendor_id=event.device, activated_at=event.at, last_seen_at=event.at)


def _apply_event(device: Device, event: Event, *, keeps_names: bool) -> None:
    """Every field is a minimum or maximum over all events, so that their order makes no difference."""
    device.activated_at = min(device.activated_at, event.at)
    device.last_seen_at = max(device.last_seen_at, event.at)
    if keeps_names and (event.name or event.platform):
        described = (event.at, event.name, event.platform)
        if device.described_at is None or described > (device.described_at, device.name, device.platform):
            device.described_at, device.name, device.platform = described
    if event.type is EventType.ACTIVATED:
        device.last_activated_at = max(device.last_activated_at or event.at, event.at)
    elif event.type is EventType.DEACTIVATED:
        device.deactivated_at = max(device.deactivated_at or event.at, event.at)
    if device.deactivated_at and device.last_activated_at and device.deactivated_at < device.last_activated_at:
        device.deactivated_at = None  # it was activated again later


def _add_released_devices(results: EventResults, now: datetime) -> None:
    releases = (
        DeviceRelease.objects.to_report(now)
        .order_by("requested_at", "pk")
        .values_list("device__license__serial", "device__vendor_id", "requested_at")[: MAX_RELEASED_DEVICES + 1]
    )
    released = [ReleasedDevice(*row) for row in releases]
    results.released, results.more_released = released[:MAX_RELEASED_DEVICES], len(released) > MAX_RELEASED_DEVICES


def keep_earliest_use(license_ids: Collection[int]) -> None:
    """Set `activated_at` to the first use of a device if that is earlier, including after an import changed it."""
    devices = Device.objects.filter(license=OuterRef("pk")).order_by("activated_at")
    first_use = Subquery(devices.values("activated_at")[:1])
    later = Q(activated_at__isnull=True) | Q(activated_at__gt=F("first_use"))
    License.objects.filter(pk__in=license_ids).annotate(first_use=first_use).filter(
        later, first_use__isnull=False
    ).update(activated_at=F("first_use"))
