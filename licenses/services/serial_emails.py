"""Serial numbers that were missing and are there now: the buyer is told by mail, once for each arrival."""

from collections.abc import Iterable, Mapping

from django.db.models import Q
from django.utils import timezone

from licenses.models import LicensedLine
from licenses.models.missing import ACTIVE_STATUSES
from notifications.models import Message
from notifications.services import Mail, send_many
from orders.models import Order
from orders.services.confirmations import CONFIRMATION, order_language

SERIAL_ARRIVED = "serial_arrived"

Arrival = tuple[int, int]  # ids of the line and of the license that is new on it


def notify_imported_serials(arrivals: Mapping[int, Arrival]) -> int:
    """An import brought serial numbers (the first of each order, by its id) to orders that were there before.

    Only buyers whose confirmation went out without them are told. Returns how many mails were queued.
    """
    # One that waits will say it itself, unless it is being sent in this moment.
    went_out = Q(status=Message.Status.SENT) | Q(status=Message.Status.WAITING, leased_until__isnull=False)
    told = Message.objects.filter(went_out, kind=CONFIRMATION, object_id__in=arrivals.keys())
    orders = Order.objects.filter(pk__in=told.values("object_id"), status__in=ACTIVE_STATUSES).select_related("store")
    return send_many(_mails((order, arrivals[order.pk]) for order in orders))


def notify_assigned_serial(order: Order, link: LicensedLine) -> None:
    """Staff gave a serial number to an order."""
    send_many(_mails([(order, (link.line_id, link.license_id))]))


def cancel_notification(link: LicensedLine) -> None:
    """Take back the mail about a serial number that is taken away, if it was not sent."""
    arrived = Message.objects.filter(
        kind=SERIAL_ARRIVED, object_id=link.order_id, key=arrival_key((link.line_id, link.license_id))
    )
    # Gone, not canceled, so that the same number given again is told.
    arrived.waiting().filter(leased_until__isnull=True).delete()


def arrival_key(arrival: Arrival) -> str:
    """How a mail names what it is about."""
    return "-".join(map(str, arrival))


def parse_arrival_key(key: str) -> Arrival:
    line_id, license_id = key.split("-")
    return int(line_id), int(license_id)


def _mails(arrived: Iterable[tuple[Order, Arrival]]) -> Iterable[Mail]:
    now = timezone.now()
    for order, arrival in arrived:
        frozen = order.returns_frozen_until
        yield Mail(
            SERIAL_ARRIVED,
            order,
            order.email,
            arrival_key(arrival),
            order_id=order.pk,
            language=order_language(order),
            # While a corrected address can still be undone, no serial number goes to it.
            due_at=frozen if frozen and frozen > now else None,
        )
