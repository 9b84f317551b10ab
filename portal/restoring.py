"""What has to happen after a restore from a backup, before the worker starts.

The backup is older than the world: emails that waited in it may have been sent since, refunds may have been made, and
sessions may have been ended. Until a person has looked and says so, nothing leaves the portal.
"""

from dataclasses import dataclass, replace

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from intake.models import StoreEvent
from notifications.models import Message, OutgoingHold
from refunds.models import RefundTransaction, StoreGateway


@dataclass(frozen=True)
class Waiting:
    """What waits in the restored data."""

    emails: int
    refunds: int  # through gateways
    manual_refunds: int
    store_events: int
    sessions: int


def count_waiting() -> Waiting:
    refunds = RefundTransaction.objects.open()
    return Waiting(
        emails=Message.objects.waiting().count(),
        refunds=refunds.exclude(gateway=StoreGateway.Gateway.MANUAL).count(),
        manual_refunds=refunds.filter(gateway=StoreGateway.Gateway.MANUAL).count(),
        store_events=StoreEvent.objects.filter(verdict=StoreEvent.Verdict.WAITING).count(),
        sessions=Session.objects.count(),
    )


def hold() -> Waiting:
    """Hold everything outgoing, end all sessions, and let gateways be asked before a refund is sent. Repeatable.

    Returns what waits now, and how many sessions ended.
    """
    with transaction.atomic():
        OutgoingHold.objects.get_or_create(pk=1)
        ended, _by_model = Session.objects.all().delete()
        unsent = RefundTransaction.objects.filter(status=RefundTransaction.Status.WAITING)
        # "Waiting" would mean that it was never sent, which nobody knows now.
        unsent.exclude(gateway=StoreGateway.Gateway.MANUAL).update(
            status=RefundTransaction.Status.UNCLEAR, next_try_at=timezone.now(), leased_until=None
        )
    return replace(count_waiting(), sessions=ended)


def release(*, cancel_emails: bool = False) -> int:
    """End the hold. Returns how many emails were canceled: those that waited in the backup, if wanted."""
    with transaction.atomic():
        found = OutgoingHold.objects.select_for_update().first()
        if found is None:
            return 0
        canceled = 0
        if cancel_emails:
            waiting = Message.objects.waiting().filter(created_at__lte=found.since)
            canceled = waiting.update(status=Message.Status.CANCELLED)
        found.delete()
    return canceled
