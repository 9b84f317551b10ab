"""What an activation server tells of licenses, taken so that the order of telling makes no difference."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from licenses.models import ActivationEvent, Device, DeviceRelease, License, normalize_serial

MAX_ATTEMPTS = 4
# Below the second after which PostgreSQL looks for deadlocks, so that it is never an import that has to give way.
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
MAX_RELEASED_DEVICES = 500  # at once; the rest with the next answer


class EventType(Enum):
    ACTIVATED = "activated"
    SEEN = "seen"
    DEACTIVATED = "deactivated"


class Outcome(Enum):
    TAKEN = "taken"
    UNKNOWN_SERIAL = "unknown_serial"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one device. `name` and `platform` are empty where nobody told."""

    id: str
    type: EventType
    serial: str
    device: str  # the server's own id for it
    at: datetime
    digest: str  # of all that was said
    name: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class ReleasedDevice:
    """A device whose place its owner gave free."""

    serial: str
    device: str
    released_at: datetime


@dataclass
class EventResults:
    """What became of each event, in their order, and which devices are to be freed."""

    outcomes: list[Outcome] = field(default_factory=list)
    released: list[ReleasedDevice] = field(default_factory=list)
    more_released: bool = False


class EventIdReused(Exception):
    """Ids of events that were taken before with other content; nothing was taken now."""

    def __init__(self, event_ids: Sequence[str]) -> None:
        super().__init__(event_ids)
        self.event_ids = event_ids


class LicensesLocked(Exception):
    """Somebody else holds these licenses for longer than a request should wait. Try again soon."""


def process_events(key_id: str, events: Sequence[Event]) -> EventResults:
    """Take events that the holder of this key tells, all or none of them; each id once.

    The same events end in the same state whatever order they come in. One whose serial number nobody knows is
    not kept, so that it can be told again once the order is there. Raises Reused and Busy.
    """
    for _attempt in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                _wait_briefly()
                return _process_events(key_id, events, timezone.now())
        except (IntegrityError, OperationalError):
            continue  # the same events at the same moment, or a license that an import holds: look again
    raise LicensesLocked


def _wait_briefly() -> None:
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
    _refuse_reused(events, digests | taken)
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
    answer = EventResults([Outcome.TAKEN if event.id in known else Outcome.UNKNOWN_SERIAL for event in events])
    _add_released_devices(answer, now)
    return answer


def _refuse_reused(events: Sequence[Event], digests: Mapping[str, str]) -> None:
    reused = [event.id for event in events if digests[event.id] != event.digest]
    if reused:
        raise EventIdReused(list(dict.fromkeys(reused)))


def _apply(told: Sequence[tuple[License, Event]], now: datetime) -> None:
    """Into the devices of these licenses, which are locked; and when each license was first in use."""
    known = {
        (device.license_id, device.vendor_id): device
        for device in Device.objects.select_for_update(of=("self",))
        .filter(license__in={license.pk for license, _event in told})
        .order_by("pk")
    }
    touched: dict[tuple[int, str], Device] = {}
    for license, event in told:
        place = (license.pk, event.device)
        device = touched.get(place) or known.get(place) or _new_device(license, event)
        touched[place] = device
        _apply_event(device, event)
    for device in touched.values():
        device.pk = None  # one statement for new and known ones, told apart by the constraint
    Device.objects.bulk_create(
        touched.values(),
        update_conflicts=True,
        unique_fields=["license", "vendor_id"],
        update_fields=DEVICE_FIELDS,
    )
    keep_earliest_use({license.pk for license, _event in told})
    DeviceRelease.objects.update_freed_at(touched.values(), now)


def _new_device(license: License, event: Event) -> Device:
    return Device(license=license, vendor_id=event.device, activated_at=event.at, last_seen_at=event.at)


def _apply_event(device: Device, event: Event) -> None:
    """Each step is a maximum or a minimum over all events, so that their order makes no difference."""
    device.activated_at = min(device.activated_at, event.at)
    device.last_seen_at = max(device.last_seen_at, event.at)
    if event.name or event.platform:
        told = (event.at, event.name, event.platform)
        if device.described_at is None or told > (device.described_at, device.name, device.platform):
            device.described_at, device.name, device.platform = told
    if event.type is EventType.ACTIVATED:
        device.last_activated_at = max(device.last_activated_at or event.at, event.at)
    elif event.type is EventType.DEACTIVATED:
        device.deactivated_at = max(device.deactivated_at or event.at, event.at)
    if device.deactivated_at and device.last_activated_at and device.deactivated_at < device.last_activated_at:
        device.deactivated_at = None  # it is in use again, and no earlier word can change that


def _add_released_devices(answer: EventResults, now: datetime) -> None:
    releases = (
        DeviceRelease.objects.to_report(now)
        .order_by("requested_at", "pk")
        .values_list("device__license__serial", "device__vendor_id", "requested_at")[: MAX_RELEASED_DEVICES + 1]
    )
    released = [ReleasedDevice(*row) for row in releases]
    answer.released, answer.more_released = released[:MAX_RELEASED_DEVICES], len(released) > MAX_RELEASED_DEVICES


def keep_earliest_use(license_ids: Collection[int]) -> None:
    """A license that is in use was activated, and no later than its first use; also after an import says otherwise."""
    devices = Device.objects.filter(license=OuterRef("pk")).order_by("activated_at")
    first_use = Subquery(devices.values("activated_at")[:1])
    later = Q(activated_at__isnull=True) | Q(activated_at__gt=F("first_use"))
    License.objects.filter(pk__in=license_ids).annotate(first_use=first_use).filter(
        later, first_use__isnull=False
    ).update(activated_at=F("first_use"))


def delete_events_before(before: datetime) -> int:
    """Delete what was taken before this moment; told again, it would change nothing. Returns how many."""
    return ActivationEvent.objects.filter(received_at__lt=before).delete()[0]
