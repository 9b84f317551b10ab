"""Scheduled emails: planned as rows, canceled when no longer wanted, at most one a day per address.

Every step may run at any time, also concurrently or a week late. A due row becomes a message in the same transaction
that settles it, so nothing is sent twice. Rows that wait for another day stay planned.

An error never affects other emails: errors of a kind don't affect other kinds, and errors of a row don't affect other
rows. They are logged and counted, and the kind or row is retried.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from notifications import kinds
from notifications.addresses import address_subject, email_key
from notifications.kinds import FailedCandidate, FollowUpPlan, PlannedFollowUp
from notifications.models import FollowUp, Message, OutgoingHold
from notifications.opt_outs import is_off

PLAN_AHEAD = timedelta(days=1)  # how long before their due time rows are planned, so that staff can see them
ONE_A_DAY = timedelta(hours=24)
MAX_PER_RUN = 500  # due rows, and rows checked for cancellation, per run
BATCH_SIZE = 500
RETRY_AFTER = timedelta(hours=1)  # a row that could not be checked because of an error

logger = logging.getLogger(__name__)

Status = FollowUp.Status


@dataclass(frozen=True)
class FollowUpResult:
    """The new status of a row; PLANNED if it waits for another day."""

    follow_up: FollowUp
    status: FollowUp.Status


@dataclass
class FollowUpRun:
    """The results of a run, and the kinds and rows that failed because of an error."""

    results: list[FollowUpResult] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def isolate(self, subject: str) -> Iterator[None]:
        """Run a part in a savepoint. An error in it is logged and counted, and ends only this part.

        Raises the error if the connection to the database is lost.
        """
        try:
            with transaction.atomic():
                yield
        except Exception as error:
            if isinstance(error, (OperationalError, InterfaceError)) and not connection.is_usable():
                raise
            logger.exception("Follow-ups: error in %s", subject)
            self.failures.append(subject)


def run(now: datetime) -> FollowUpRun:
    """Plan, cancel and send follow-ups."""
    this_run = FollowUpRun()
    if OutgoingHold.is_active():
        return this_run
    plan(now, this_run)
    cancel_unwanted(now, this_run)
    send_due(now, this_run)
    return this_run


# --- Planning -------------------------------------------------------------------------------------------


def plan(now: datetime, this_run: FollowUpRun) -> None:
    """Create rows for follow-ups that become due soon or recently became due."""
    for name, plan_of_kind in kinds.follow_ups().items():
        with this_run.isolate(name):
            rows = _new_rows(name, plan_of_kind, now, this_run)
            while batch := list(islice(rows, BATCH_SIZE)):
                _create(batch, this_run)


def _new_rows(name: str, plan_of_kind: FollowUpPlan, now: datetime, this_run: FollowUpRun) -> Iterator[FollowUp]:
    for planned in plan_of_kind.candidates(now - plan_of_kind.window, now + PLAN_AHEAD):
        if isinstance(planned, FailedCandidate):
            this_run.failures.append(f"{name}: {planned.error}")
        elif planned.recipient.strip() and now < planned.closes_at:
            yield _row(name, planned)


def _create(rows: list[FollowUp], this_run: FollowUpRun) -> None:
    """Insert the rows that are new, one by one if one of them is refused by the database."""
    try:
        with transaction.atomic():
            FollowUp.objects.bulk_create(rows, ignore_conflicts=True)
    except DatabaseError:
        for row in rows:
            with this_run.isolate(str(row)):
                FollowUp.objects.bulk_create([row], ignore_conflicts=True)


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


# --- Canceling and sending ------------------------------------------------------------------------------


def cancel_unwanted(now: datetime, this_run: FollowUpRun) -> None:
    """Cancel rows that are no longer wanted, earliest due first. Rows beyond the limit are checked
    when they are due.
    """
    rows = FollowUp.objects.planned().filter(closes_at__gt=now)
    for row in _first_without_error(rows, now)[:MAX_PER_RUN]:
        with _recording_errors(row.pk, now, this_run):
            if not is_wanted(row) and _settle(row, Status.CANCELLED, now):
                this_run.results.append(FollowUpResult(row, Status.CANCELLED))


def send_due(now: datetime, this_run: FollowUpRun) -> None:
    """Settle due rows: sent, canceled, switched off or too late. Sends at most one email a day to an address."""
    for pk in list(_queue(now).values_list("pk", flat=True)[:MAX_PER_RUN]):
        with _recording_errors(pk, now, this_run):
            row = FollowUp.objects.due(now).select_for_update(skip_locked=True).filter(pk=pk).first()
            if row is not None:
                this_run.results.append(FollowUpResult(row, _decide(row, now)))


@contextmanager
def _recording_errors(pk: int, now: datetime, this_run: FollowUpRun) -> Iterator[None]:
    """Process one row. After an error, it stays planned, and is retried after the others."""
    errors_before = len(this_run.failures)
    with this_run.isolate(f"follow-up {pk}"):
        yield
    if len(this_run.failures) > errors_before:
        FollowUp.objects.filter(pk=pk).update(failed_at=now)


def _first_without_error(rows: QuerySet[FollowUp], now: datetime) -> QuerySet[FollowUp]:
    """Sort by due time. Rows that had an error come last, and only after a delay, so that they don't block others."""
    return rows.filter(_can_be_tried(now)).order_by(F("failed_at").asc(nulls_first=True), "due_at", "pk")


def _can_be_tried(now: datetime) -> Q:
    return Q(failed_at=None) | Q(failed_at__lte=now - RETRY_AFTER) | Q(closes_at__lte=now)


def _queue(now: datetime) -> QuerySet[FollowUp]:
    """Due rows that can be settled now, oldest first, without those whose address had an email within a day."""
    sent = FollowUp.objects.filter(status=Status.SENT, settled_at__gt=now - ONE_A_DAY)
    sent = sent.filter(
        ~Q(recipient_key="") | Q(recipient=OuterRef("recipient")),  # addresses without a key are compared exactly
        recipient_key=OuterRef("recipient_key"),
    )
    waits = Q(Exists(sent), closes_at__gt=now)
    return _first_without_error(FollowUp.objects.due(now).exclude(waits), now)


def waiting_for_another_day(now: datetime) -> QuerySet[FollowUp]:
    """Due rows whose address had another email within a day."""
    waiting = FollowUp.objects.due(now).filter(_can_be_tried(now)).exclude(pk__in=_queue(now).values("pk"))
    return waiting.order_by("due_at", "pk")


def _decide(row: FollowUp, now: datetime) -> FollowUp.Status:
    """Settle one row, which the caller has locked."""
    has_recipient = _update_recipient(row)
    status = _next_status(row, now) if has_recipient else Status.CANCELLED
    if status == Status.SENT:
        message = as_message(row)
        message.priority = kinds.get(row.kind).priority
        message.save()
        row.message = message
    if status != Status.PLANNED:
        row.status, row.settled_at = status, now
        row.save(update_fields=["status", "settled_at", "message"])
    return status


def _update_recipient(row: FollowUp) -> bool:
    """Store the current recipient according to the row's kind. Returns False if there is none anymore."""
    kind = kinds.find(row.kind)
    if kind is None or kind.recipient is None:
        return True
    recipient = kind.recipient(as_message(row))
    if recipient is None:
        return False
    if recipient.strip() and recipient.strip() != row.recipient:
        row.recipient = recipient.strip()
        row.save(update_fields=["recipient", "recipient_key"])
    return True


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
