"""Add emails to the outbox, cancel and retry them."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, Q
from django.utils import timezone
from django.utils.translation import get_language

from notifications import kinds
from notifications.addresses import mask_address
from notifications.codes import grouped
from notifications.models import FollowUp, Message, MessageQuerySet

BATCH_SIZE = 1000
MAX_REPEATS_PER_HOUR = 3
AGAIN = "again-"  # begins the keys of emails that were requested again
_AS_NEW: dict[str, Any] = {"leased_until": None, "attempts": 0, "first_failed_at": None, "last_error": ""}


@dataclass(frozen=True)
class OutgoingEmail:
    """One email to add to the outbox; see `send`."""

    kind: str
    about: Model
    to: str
    key: str = ""
    order_id: int | None = None
    language: str = ""
    due_at: datetime | None = None

    def as_row(self) -> Message:
        return Message(
            kind=self.kind,
            object_id=self.about.pk,
            key=self.key,
            order_id=self.order_id,
            recipient=self.to.strip(),
            language=self.language or get_language() or "",
            priority=kinds.get(self.kind).priority,
            due_at=self.due_at or timezone.now(),
        )


def send(
    kind: str,
    about: Model,
    to: str,
    key: str = "",
    *,
    order_id: int | None = None,
    language: str = "",
    due_at: datetime | None = None,
) -> bool:
    """Add one email to the outbox, in the caller's transaction.

    Unique by (kind, object, key): repeating the call changes nothing. Only writes to the database; the
    delivery task sends it. Does nothing without an address. Returns whether a row was added.
    """
    return bool(send_many([OutgoingEmail(kind, about, to, key, order_id, language, due_at)]))


def send_many(emails: Iterable[OutgoingEmail]) -> int:
    """Add many emails, like `send`, with one INSERT per thousand. Returns how many rows were added."""
    rows = [email.as_row() for email in emails if email.to.strip()]
    Message.objects.bulk_create(rows, batch_size=BATCH_SIZE, ignore_conflicts=True)
    # `ignore_conflicts` doesn't report which rows were skipped, so count the rows with our random message ids.
    return sum(
        Message.objects.filter(message_id__in=[row.message_id for row in rows[start : start + BATCH_SIZE]]).count()
        for start in range(0, len(rows), BATCH_SIZE)
    )


def send_again(kind: str, about: Model, to: str, *, order_id: int | None = None, language: str = "") -> bool:
    """Send an email of this kind about this object again, as a new row.

    If one is still waiting for the same address, it is made due now instead, in this language, so that repeated
    clicks send one email. Returns whether a row was added.
    """
    earlier = Message.objects.filter(kind=kind, object_id=about.pk)
    waits_for_address = Q(recipient=to.strip())
    if kinds.get(kind).recipient is not None:
        # It goes to the current address, regardless of its row, unless it is being sent.
        waits_for_address |= Q(leased_until=None)
    if deliver_now(earlier.filter(waits_for_address), language=language):
        return False
    # With the count in the key, two simultaneous clicks send one email.
    return send(kind, about, to, f"{AGAIN}{earlier.count()}", order_id=order_id, language=language)


def cancel(kind: str, object_id: int) -> int:
    """Cancel waiting emails of this kind about this object. Returns how many."""
    return Message.objects.filter(kind=kind, object_id=object_id).waiting().update(status=Message.Status.CANCELLED)


def cancel_about_orders(order_ids: Collection[int]) -> int:
    """Cancel waiting emails and planned follow-ups about these orders. Returns how many emails.

    An email that is being sent is not changed.
    """
    FollowUp.objects.planned().filter(order_id__in=order_ids).update(
        status=FollowUp.Status.CANCELLED, settled_at=timezone.now()
    )
    waiting = Message.objects.waiting().filter(order_id__in=order_ids, leased_until=None)
    return waiting.update(status=Message.Status.CANCELLED)


def deliver_now(messages: MessageQuerySet, language: str = "") -> int:
    """Make waiting messages due now, and set their language if one is given. Returns how many."""
    changes = {"due_at": timezone.now()} | ({"language": language} if language else {})
    return messages.waiting().update(**changes)


def retry_failed(messages: MessageQuerySet) -> int:
    """Retry failed messages, with the same Message-ID. Returns how many."""
    return messages.filter(status=Message.Status.FAILED).update(
        **_AS_NEW, status=Message.Status.WAITING, due_at=timezone.now()
    )


class RepeatResult(Enum):
    """What became of a request by staff to send an email again."""

    QUEUED = "queued"
    EXPIRES = "expires"  # such emails can't be sent twice: their links expire, or they belong to one moment
    CANCELLED = "cancelled"
    TOO_MANY = "too_many"


@transaction.atomic
def repeat(message: Message) -> RepeatResult:
    """Send an email again, for staff.

    A waiting email becomes due now. A failed or bounced one is sent again, to the current address if its kind asks for
    that when it is sent. Of an email that was sent, a new one is queued, up to MAX_REPEATS_PER_HOUR.
    """
    status = Message.Status
    message = Message.objects.select_for_update().get(pk=message.pk)
    rows = Message.objects.filter(pk=message.pk)
    if message.status == status.WAITING:
        deliver_now(rows)
        return RepeatResult.QUEUED
    if message.status == status.FAILED:
        retry_failed(rows)
        return RepeatResult.QUEUED
    if message.status == status.CANCELLED:
        return RepeatResult.CANCELLED
    if message.status == status.BOUNCED:
        # With another Message-ID, so that a late report about the first attempt doesn't mark it as bounced again.
        rows.update(**_AS_NEW, status=status.WAITING, due_at=timezone.now(), message_id=uuid.uuid4(), bounced_at=None)
        return RepeatResult.QUEUED
    kind = kinds.find(message.kind)
    if kind is None or not kind.can_repeat:
        return RepeatResult.EXPIRES
    earlier = Message.objects.filter(kind=message.kind, object_id=message.object_id)
    if deliver_now(earlier):
        return RepeatResult.QUEUED
    repeated = earlier.filter(key__startswith=AGAIN, created_at__gt=timezone.now() - timedelta(hours=1))
    if repeated.count() >= MAX_REPEATS_PER_HOUR:
        return RepeatResult.TOO_MANY
    Message.objects.create(
        kind=message.kind,
        object_id=message.object_id,
        key=f"{AGAIN}{earlier.count()}",
        order_id=message.order_id,
        recipient=message.recipient,
        language=message.language,
        priority=message.priority,
    )
    return RepeatResult.QUEUED


@dataclass(frozen=True)
class MailStatus:
    """An email about an order as shown to the buyer, with a masked address."""

    label: Any  # "Order confirmation", translated
    status: str  # a Message.Status
    status_label: str  # ... in words, translated
    address: str
    at: datetime  # when it was sent or, while it waits, created
    code: str


# Raw SQL, because every order page runs it: the ORM takes longer to build the query than PostgreSQL to run it.
_MAILS_OF_ORDER = """
SELECT kind, status, recipient, coalesce(sent_at, created_at), code
FROM notifications_message WHERE order_id = %s ORDER BY id DESC
"""


def mails_about_order(order_id: int, order_address: str = "") -> list[MailStatus]:
    """Return the emails about an order, newest first. Makes one query.

    Waiting emails that will go to the order's address at the time of sending are shown with `order_address`, its
    current address.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MAILS_OF_ORDER, [order_id])
        return [
            MailStatus(
                label=kinds.label(kind),
                status=status,
                status_label=str(Message.Status(status).label),
                address=mask_address(
                    order_address
                    if order_address and status == Message.Status.WAITING and _follows_order(kind)
                    else recipient
                ),
                at=at,
                code=grouped(code),
            )
            for kind, status, recipient, at, code in cursor.fetchall()
        ]


def _follows_order(kind_name: str) -> bool:
    """Whether emails of this kind go to the order's address at the time of sending."""
    kind = kinds.find(kind_name)
    return kind is not None and kind.recipient is not None
