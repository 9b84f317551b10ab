"""Ending all access to an order immediately, if an unauthorized person has it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from notifications.addresses import email_key
from notifications.services import send_again
from orders.models import AccessLink, Order
from orders.passwords import replace_password
from orders.services.confirmations import CONFIRMATION, order_language

# The columns of an order that `end_access` sets.
ACCESS_COLUMNS = ["password_hash", "password_generation", "access_generation", "access_ended_at"]


def end_all_access(order: Order) -> None:
    """End all access to an order, give it a new password, and send that to its address with the confirmation.

    For staff, who have verified that the person owns the order. If the address isn't the owner's, it has to be
    corrected first.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).select_related("store").get(pk=order.pk)
        end_access(order, timezone.now())
        order.save(update_fields=ACCESS_COLUMNS)
        send_again(CONFIRMATION, order, order.email, order_id=order.pk, language=order_language(order))


def end_access(order: Order, now: datetime, removed_addresses: Iterable[str] = ()) -> None:
    """End all access to a locked order, and replace its password, without saving the order's ACCESS_COLUMNS.

    Grants in sessions, signed links to installers, links to threads and a pending emailed code end, because they belong
    to an earlier `access_generation` or are older than `access_ended_at`. Sent links to the orders of its address are
    used up, and so are all those of the removed addresses.
    """
    replace_password(order)
    order.access_generation += 1
    order.access_ended_at = now
    removed = {key for address in removed_addresses if (key := email_key(address))}
    links = AccessLink.objects.filter(used_at=None)
    links.filter(email_key__in=removed).update(used_at=now)
    if key := email_key(order.email):
        links.filter(email_key=key, first_sent_at__isnull=False).update(used_at=now)
