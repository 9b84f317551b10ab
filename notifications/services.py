"""Putting mail into the outbox."""

from datetime import datetime

from django.db.models import Model
from django.utils import timezone
from django.utils.translation import get_language

from notifications import kinds
from notifications.models import Message


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
    the delivery task finds the row. Returns whether the row is new.
    """
    mail_kind = kinds.get(kind)
    created = Message.objects.bulk_create(
        [
            Message(
                kind=kind,
                object_id=about.pk,
                key=key,
                order_id=order_id,
                recipient=to,
                language=language or get_language() or "",
                priority=mail_kind.priority,
                due_at=due_at or timezone.now(),
            )
        ],
        ignore_conflicts=True,
    )
    return bool(created)
