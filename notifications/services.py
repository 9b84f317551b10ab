"""Putting mail into the outbox, taking it out, sending it once more."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import get_language

from notifications import kinds
from notifications.addresses import email_key, mask_address
from notifications.models import FollowUp, Message, MessageQuerySet, grouped

ROWS_A_STATEMENT = 1000


@dataclass(frozen=True)
class Mail:
    """One mail to be written into the outbox; see `send`."""

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
    """Write one mail into the outbox, in the caller's transaction.

    Unique by (kind, object, key): the same call again changes nothing. Touches the database only;
    the delivery task finds the row. Without an address nothing is written. Returns whether the row is new.
    """
    return bool(send_many([Mail(kind, about, to, key, order_id, language, due_at)]))


def send_many(mails: Iterable[Mail]) -> int:
    """Write many mails as `send` writes one, with one INSERT for each thousand. Returns how many rows are new."""
    rows = [mail.as_row() for mail in mails if mail.to.strip()]
    Message.objects.bulk_create(rows, batch_size=ROWS_A_STATEMENT, ignore_conflicts=True)
    # PostgreSQL does not say which rows it left out; ours are known by the ids that only we know.
    return sum(
        Message.objects.filter(
            message_id__in=[row.message_id for row in rows[start : start + ROWS_A_STATEMENT]]
        ).count()
        for start in range(0, len(rows), ROWS_A_STATEMENT)
    )


def send_again(kind: str, about: Model, to: str, *, order_id: int | None = None, language: str = "") -> bool:
    """Send a mail of this kind about this object once more, as a row of its own.

    One that still waits for the same address is made due now instead, so that impatient clicks don't
    add up. Returns whether a row was added.
    """
    earlier = Message.objects.filter(kind=kind, object_id=about.pk)
    if deliver_now(earlier.filter(recipient=to.strip())):
        return False
    # The number makes two clicks at once one mail.
    return send(kind, about, to, f"again-{earlier.count()}", order_id=order_id, language=language)


def cancel(kind: str, object_id: int) -> int:
    """Take back what waits to be sent of this kind about this object. Returns how many mails."""
    return Message.objects.filter(kind=kind, object_id=object_id).waiting().update(status=Message.Status.CANCELLED)


def readdress(order_id: int, old: str, new: str, but: Collection[str] = ()) -> int:
    """Let what waits for an address about an order go to another one; without another, take it back.

    Kinds named in `but` stay as they are. What is being sent at this moment is out of reach. Returns how many mails.
    """
    waiting = _to(old, Message.objects.about_order(order_id).waiting().filter(leased_until=None))
    waiting = waiting.exclude(kind__in=but)
    planned = _to(old, FollowUp.objects.planned().filter(order_id=order_id))
    if not new:
        planned.update(status=FollowUp.Status.CANCELLED, settled_at=timezone.now())
        return waiting.update(status=Message.Status.CANCELLED)
    changed = {"recipient": new, "recipient_key": email_key(new)}
    planned.update(**changed)
    return waiting.update(**changed)


def _to(address: str, rows: Any) -> Any:
    """Those that go to an address; where that has no key, to exactly what is written."""
    key = email_key(address)
    return rows.filter(recipient_key=key) if key else rows.filter(recipient=address)


def deliver_now(messages: MessageQuerySet) -> int:
    """Let waiting messages be tried at the next tick. Returns how many."""
    return messages.waiting().update(due_at=timezone.now())


def retry_failed(messages: MessageQuerySet) -> int:
    """Put failed messages into the outbox again, as the same mail with the same Message-ID. Returns how many."""
    return messages.filter(status=Message.Status.FAILED).update(
        status=Message.Status.WAITING,
        due_at=timezone.now(),
        leased_until=None,
        attempts=0,
        first_failed_at=None,
        last_error="",
    )


@dataclass(frozen=True)
class MailStatus:
    """What a buyer may know about a mail of the order: all of it but the address, which is masked."""

    label: Any  # "Order confirmation", translated
    status: str  # a Message.Status
    status_label: str  # ... in words, translated
    address: str
    at: datetime  # when it was sent; while it waits, when it was written
    code: str


# By hand, because every order page asks it: the ORM takes longer to make this than PostgreSQL to answer it.
_MAILS_OF_ORDER = """
SELECT kind, status, recipient, coalesce(sent_at, created_at), code
FROM notifications_message WHERE order_id = %s ORDER BY id DESC
"""


def mails_about_order(order_id: int) -> list[MailStatus]:
    """The mails of an order, newest first, for its page. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_MAILS_OF_ORDER, [order_id])
        return [
            MailStatus(
                label=kinds.label(kind),
                status=status,
                status_label=str(Message.Status(status).label),
                address=mask_address(recipient),
                at=at,
                code=grouped(code),
            )
            for kind, status, recipient, at, code in cursor.fetchall()
        ]
