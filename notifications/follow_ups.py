"""Scheduled emails: planned as rows, canceled when no longer wanted, at most one a day per address.

Every step may run at any time, also concurrently or a week late. A due row becomes a message in the same
transaction that settles it, so nothing is sent twice. Rows that wait for another day stay planned.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from notifications import kinds
from notifications.addresses import address_subject, email_key
from notifications.kinds import PlannedFollowUp
from notifications.models import FollowUp, Message
from notifications.opt_outs import is_off

PLAN_AHEAD = timedelta(days=1)  # how long before they are due rows are planned, for staff to see
ONE_A_DAY = timedelta(hours=24)
MAX_PER_RUN = 500  # due rows, and rows checked for cancellation, per run
BATCH_SIZE = 500

Status = FollowUp.Status


@dataclass(frozen=True)
class FollowUpResult:
    """The new status of a row; PLANNED if it waits for another day."""

    follow_up: FollowUp
    status: FollowUp.Status


def run(now: datetime) -> list[FollowUpResult]:
    """Plan, cancel and send follow-ups. Returns the results."""
    plan(now)
    return [*cancel_unwanted(now), *send_due(now)]


def plan(now: datetime) -> int:
    """Create rows for follow-ups that become due soon or recently did. Returns how many are new."""
    before = FollowUp.objects.count()
    for name, plan_of_kind in kinds.follow_ups().items():
        candidates = plan_of_kind.candidates(now - plan_of_kind.window, now + PLAN_AHEAD)
        rows = (_row(name, planned) for planned in candidates if planned.recipient.strip() and now < planned.closes_at)
        while batch := list(islice(rows, BATCH_SIZE)):
            FollowUp.objects.bulk_create(batch, ignore_conflicts=True)
    return FollowUp.objects.count() - before


def _row(kind: str, planned: PlannedFollowUp) -> FollowUp:
    return FollowUp(
        kind=kind,
        object_id=planned.object_id,
        key=planned.key,
        order_id=planned.order_id,
        recipient=planned.recipient.strip(),
        language=planned.language,
        due_at=planned.due_at,
        closes_at=planned.closes_at,
    )


def cancel_unwanted(now: datetime) -> list[FollowUpResult]:
    """Cancel rows that are no longer wanted, the next due first. Those beyond the limit are checked when due."""
    rows = FollowUp.objects.planned().order_by("due_at", "pk")[:MAX_PER_RUN]
    unwanted = [row for row in rows if not is_wanted(row)]
    results = []
    for row in unwanted:
        if _settle(row, Status.CANCELLED, now):
            results.append(FollowUpResult(row, Status.CANCELLED))
    return results


def send_due(now: datetime) -> list[FollowUpResult]:
    """Settle due rows: sent, canceled, switched off or too late. Sends at most one email a day to an address."""
    results = []
    for pk in list(_queue(now).values_list("pk", flat=True)[:MAX_PER_RUN]):
        with transaction.atomic():
            row = FollowUp.objects.due(now).select_for_update(skip_locked=True).filter(pk=pk).first()
            if row is not None:
                results.append(FollowUpResult(row, _decide(row, now)))
    return results


def _queue(now: datetime) -> QuerySet[FollowUp]:
    """Due rows that can be settled now, the oldest first, without those whose address had an email within a day."""
    sent = FollowUp.objects.filter(status=Status.SENT, settled_at__gt=now - ONE_A_DAY)
    sent = sent.filter(
        ~Q(recipient_key="") | Q(recipient=OuterRef("recipient")),  # addresses without a key are compared exactly
        recipient_key=OuterRef("recipient_key"),
    )
    waits = Q(Exists(sent), closes_at__gt=now)
    return FollowUp.objects.due(now).exclude(waits).order_by("due_at", "pk")


def waiting_for_another_day(now: datetime) -> QuerySet[FollowUp]:
    """Due rows whose address had another email within a day."""
    return FollowUp.objects.due(now).exclude(pk__in=_queue(now).values("pk")).order_by("due_at", "pk")


def _decide(row: FollowUp, now: datetime) -> FollowUp.Status:
    """Settle one row, which the caller has locked."""
    status = _next_status(row, now)
    if status == Status.SENT:
        message = as_message(row)
        message.priority = kinds.get(row.kind).priority
        message.save()
        row.message = message
    if status != Status.PLANNED:
        row.status, row.settled_at = status, now
        row.save(update_fields=["status", "settled_at", "message"])
    return status


def _next_status(row: FollowUp, now: datetime) -> FollowUp.Status:
    if now >= row.closes_at:
        return Status.TOO_LATE
    if is_off(row.recipient):
        return Status.SWITCHED_OFF
    if not is_wanted(row):
        return Status.CANCELLED
    return Status.PLANNED if _had_one_recently(row.recipient, now) else Status.SENT


def _had_one_recently(recipient: str, now: datetime) -> bool:
    """Whether this address had an email within a day. Takes a lock on the address, so that runs do not overlap."""
    key = email_key(recipient)
    one_address = {"recipient_key": key} if key else {"recipient_key": "", "recipient": recipient}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"follow-up {address_subject(recipient)}"]
        )
    sent = FollowUp.objects.filter(status=Status.SENT, settled_at__gt=now - ONE_A_DAY, **one_address)
    return sent.exists()


def is_wanted(row: FollowUp) -> bool:
    """Whether the email is still wanted; False if its kind no longer exists."""
    try:
        kind = kinds.get(row.kind)
    except KeyError:
        return False
    return kind.still_wanted(as_message(row))


def as_message(row: FollowUp) -> Message:
    """The unsaved message of a row."""
    return Message(
        kind=row.kind,
        object_id=row.object_id,
        key=row.key,
        order_id=row.order_id,
        recipient=row.recipient,
        language=row.language,
    )


def _settle(row: FollowUp, status: FollowUp.Status, now: datetime) -> bool:
    return bool(FollowUp.objects.planned().filter(pk=row.pk).update(status=status, settled_at=now))
