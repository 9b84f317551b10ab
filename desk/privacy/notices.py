"""The emails about a person's data, and the address that they go to."""

from desk.models import Erasure, ExportLink, PersonRequest
from notifications.services import send
from orders.models import Order
from refunds.models import Withdrawal
from support.models import Thread

REQUESTED, RELEASED, ERASED = "person_request", "person_export", "person_erased"


def address_of(key: str) -> str | None:
    """Return the address with this key, as spelled where it is known best; None if nothing is held about it.

    That is the newest order, then a thread whose address was proven, then what someone typed with this key.
    """
    if not key:
        return None
    if (order := Order.objects.for_email_key(key).newest_first().first()) is not None:
        return order.email
    threads = Thread.objects.filter(email_key=key)
    for rows in (threads.exclude(email_proven_at=None), threads, Withdrawal.objects.filter(email_key=key)):
        if (row := rows.order_by("-pk").first()) is not None:
            return str(row.email)
    return None


def notify_requested(request: PersonRequest) -> None:
    """Queue the link that confirms a request. Whether the address is known is checked when it is sent."""
    send(REQUESTED, request, request.email_key, language=request.language)


def notify_released(link: ExportLink) -> None:
    """Queue the link with which the person downloads the copy of their data."""
    send(RELEASED, link, link.request.email_key, language=link.request.language)


def notify_erased(receipt: Erasure, address: str, language: str) -> None:
    """Queue the answer to a request for an erasure."""
    send(ERASED, receipt, address, language=language)
