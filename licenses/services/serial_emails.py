"""Email buyers when a missing serial number arrives."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from licenses.models import LicensedLine
from licenses.models.missing import ACTIVE_STATUSES
from notifications.models import Message
from notifications.services import OutgoingEmail, send_many
from orders.models import Order
from orders.services.confirmations import CONFIRMATION, order_language

SERIAL_ARRIVED = "serial_arrived"

Arrival = tuple[int, int]  # the ids of the line and its new license


def notify_imported_serials(arrivals: Mapping[int, Arrival]) -> int:
    """Email the buyers of existing orders that got serial numbers from an import. `arrivals` has the first of each
    order.

    Only if the confirmation was sent without them. Returns how many emails were queued.
    """
    # A waiting confirmation will include the serial number, unless it is being sent right now.
    was_sent = Q(status=Message.Status.SENT) | Q(status=Message.Status.WAITING, leased_until__isnull=False)
    confirmed = Message.objects.filter(was_sent, kind=CONFIRMATION, object_id__in=arrivals.keys())
    orders = Order.objects.filter(pk__in=confirmed.values("object_id"), status__in=ACTIVE_STATUSES).select_related(
        "store"
    )
    return send_many(_mails((order, arrivals[order.pk]) for order in orders))


def notify_assigned_serial(order: Order, link: LicensedLine) -> None:
    """Email the buyer about a serial number that staff assigned."""
    send_many(_mails([(order, (link.line_id, link.license_id))]))


def cancel_notification(link: LicensedLine) -> None:
    """Delete the unsent email about a serial number that was unassigned."""
    arrived = Message.objects.filter(
        kind=SERIAL_ARRIVED, object_id=link.order_id, key=arrival_key((link.line_id, link.license_id))
    )
    # Deleted, not canceled, so that assigning the same number again sends an email.
    arrived.waiting().filter(leased_until__isnull=True).delete()


def cancel_notifications_since(order_ids: Collection[int], since: datetime) -> int:
    """Delete the unsent emails about serial numbers that arrived on these orders since then. Returns how many."""
    arrived = Message.objects.filter(kind=SERIAL_ARRIVED, object_id__in=order_ids, created_at__gte=since)
    # Deleted, not canceled, so that the same number sends an email when it arrives again.
    return arrived.waiting().filter(leased_until__isnull=True).delete()[0]


def arrival_key(arrival: Arrival) -> str:
    """The key of the email about an arrival."""
    return "-".join(map(str, arrival))


def parse_arrival_key(key: str) -> Arrival:
    line_id, license_id = key.split("-")
    return int(line_id), int(license_id)


def _mails(arrived: Iterable[tuple[Order, Arrival]]) -> Iterable[OutgoingEmail]:
    now = timezone.now()
    for order, arrival in arrived:
        frozen_until = order.freeze_ends_at if order.is_frozen(now) else None
        yield OutgoingEmail(
            SERIAL_ARRIVED,
            order,
            order.email,
            arrival_key(arrival),
            order_id=order.pk,
            language=order_language(order),
            # While a corrected address can still be undone, no serial number is sent to it (see licenses/emails.py).
            due_at=frozen_until,
        )
