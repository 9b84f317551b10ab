"""Mails on a schedule: planned as rows, canceled when they are needless, sent one a day to an address.

Every step may be run at any time, also twice at once or a week late. What is due becomes a message in the
transaction that settles its row, so nothing is sent twice; what waits for its turn stays planned.
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

LOOK_AHEAD = timedelta(days=1)  # so long before they are due rows are planned, for staff to see
ONE_A_DAY = timedelta(hours=24)
MOST_A_RUN = 500  # rows sent, and rows looked at for whether they are still needed
ROWS_A_STATEMENT = 500

Status = FollowUp.Status


@dataclass(frozen=True)
class Verdict:
    """What became of one row; PLANNED where it waits for its turn."""

    follow_up: FollowUp
    status: FollowUp.Status


def run(now: datetime) -> list[Verdict]:
    """Plan, take back and send. Returns what was decided."""
    plan(now)
    return [*cancel_needless(now), *send_due(now)]


def plan(now: datetime) -> int:
    """Write a row for everything that comes due soon, or did lately. Returns how many are new."""
    before = FollowUp.objects.count()
    for name, plan_of_kind in kinds.follow_ups().items():
        candidates = plan_of_kind.candidates(now - plan_of_kind.window, now + LOOK_AHEAD)
        rows = (_row(name, planned) for planned in candidates if planned.recipient.strip() and now < planned.closes_at)
        while batch := list(islice(rows, ROWS_A_STATEMENT)):
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


def cancel_needless(now: datetime) -> list[Verdict]:
    """Settle what nobody needs any more, the next due first. What is not looked at now is when it is due."""
    rows = FollowUp.objects.planned().order_by("due_at", "pk")[:MOST_A_RUN]
    needless = [row for row in rows if not is_wanted(row)]
    verdicts = []
    for row in needless:
        if _settle(row, Status.CANCELLED, now):
            verdicts.append(Verdict(row, Status.CANCELLED))
    return verdicts


def send_due(now: datetime) -> list[Verdict]:
    """Settle what is due: sent, canceled, switched off or too late. At most one is sent to an address a day."""
    verdicts = []
    for pk in list(_queue(now).values_list("pk", flat=True)[:MOST_A_RUN]):
        with transaction.atomic():
            row = FollowUp.objects.due(now).select_for_update(skip_locked=True).filter(pk=pk).first()
            if row is not None:
                verdicts.append(Verdict(row, _decide(row, now)))
    return verdicts


def _queue(now: datetime) -> QuerySet[FollowUp]:
    """What is due and can be settled now, the oldest first: what waits for its turn holds up nobody."""
    sent = FollowUp.objects.filter(status=Status.SENT, settled_at__gt=now - ONE_A_DAY)
    sent = sent.filter(
        ~Q(recipient_key="") | Q(recipient=OuterRef("recipient")),  # those without a key are not one person
        recipient_key=OuterRef("recipient_key"),
    )
    waits = Q(Exists(sent), closes_at__gt=now)
    return FollowUp.objects.due(now).exclude(waits).order_by("due_at", "pk")


def waiting_for_their_turn(now: datetime) -> QuerySet[FollowUp]:
    """What is due, but its address had another one within a day."""
    return FollowUp.objects.due(now).exclude(pk__in=_queue(now).values("pk")).order_by("due_at", "pk")


def _decide(row: FollowUp, now: datetime) -> FollowUp.Status:
    """Settle one row, locked by the caller."""
    status = _verdict(row, now)
    if status == Status.SENT:
        message = as_message(row)
        message.priority = kinds.get(row.kind).priority
        message.save()
        row.message = message
    if status != Status.PLANNED:
        row.status, row.settled_at = status, now
        row.save(update_fields=["status", "settled_at", "message"])
    return status


def _verdict(row: FollowUp, now: datetime) -> FollowUp.Status:
    if now >= row.closes_at:
        return Status.TOO_LATE
    if is_off(row.recipient):
        return Status.SWITCHED_OFF
    if not is_wanted(row):
        return Status.CANCELLED
    return Status.PLANNED if _had_one_lately(row.recipient, now) else Status.SENT


def _had_one_lately(recipient: str, now: datetime) -> bool:
    """Whether one went to this address within a day; runs at the same time wait here for each other."""
    key = email_key(recipient)
    one_address = {"recipient_key": key} if key else {"recipient_key": "", "recipient": recipient}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"follow-up {address_subject(recipient)}"]
        )
    sent = FollowUp.objects.filter(status=Status.SENT, settled_at__gt=now - ONE_A_DAY, **one_address)
    return sent.exists()


def is_wanted(row: FollowUp) -> bool:
    """Whether its kind still wants it, and is still there."""
    try:
        kind = kinds.get(row.kind)
    except KeyError:
        return False
    return kind.still_wanted(as_message(row))


def as_message(row: FollowUp) -> Message:
    """The message that this row would become, not stored."""
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
