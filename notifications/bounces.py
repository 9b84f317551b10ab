"""Record bounces of emails.

Reports come from the email provider's webhook (intake/webhooks/bounces.py) or as emails (RFC 3464), which the
command `read_bounces` reads. A repeated report changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message as Email
from uuid import UUID

from django.db import transaction

from notifications import kinds
from notifications.addresses import email_key
from notifications.models import Message
from notifications.site import site_host

# A report without a message id is matched to the last email to its address, if it was sent within this time.
MATCH_WITHIN = timedelta(days=5)
_OUR_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@([\w.\-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Bounce:
    """One report. If not `is_final`, the email may still arrive. `message_id` is None if it has none of ours."""

    recipient: str
    reason: str
    is_final: bool
    message_id: UUID | None = None


def record_bounce(bounce: Bounce, now: datetime) -> Message | None:
    """Record a report with the email that it is about, and return that email or None.

    A final report marks the email as bounced, which the order page shows; others are visible to staff only.
    """
    message = _find_message(bounce, now)
    if message is None:
        return None
    reason = " ".join(bounce.reason.split())[: Message.ERROR_LENGTH]
    sent = Message.objects.filter(pk=message.pk, status=Message.Status.SENT)
    if bounce.is_final:
        kind = kinds.find(message.kind)
        with transaction.atomic():
            if kind is not None and kind.on_result is not None and message.status == Message.Status.SENT:
                kind.on_result(message, Message.Status.BOUNCED, now)
            sent.update(status=Message.Status.BOUNCED, bounced_at=now, last_error=reason)
    else:
        sent.update(last_error=reason)
    return Message.objects.get(pk=message.pk)


def _find_message(bounce: Bounce, now: datetime) -> Message | None:
    sent = Message.objects.filter(status__in=[Message.Status.SENT, Message.Status.BOUNCED])
    if bounce.message_id is not None:
        return sent.filter(message_id=bounce.message_id).first()
    key = email_key(bounce.recipient)
    if not key:
        return None
    recent = sent.filter(recipient_key=key, sent_at__gt=now - MATCH_WITHIN)
    return recent.order_by("-sent_at", "-pk").first()


def find_message_id(text: str) -> UUID | None:
    """Find one of our Message-IDs in a text."""
    for found in _OUR_ID.finditer(text):
        if found[2].lower().rstrip(".") == site_host().lower():
            return UUID(found[1])
    return None


# --- Reports as emails ------------------------------------------------------------------------------------


def parse_reports(email: Email) -> list[Bounce]:
    """Return the reports in an email, one per recipient; empty if it isn't a delivery report."""
    if email.get_content_type() != "multipart/report":
        return []
    about = find_message_id(_text_of(email))
    return [
        Bounce(
            recipient=_address(fields),
            reason=str(fields.get("Diagnostic-Code", "") or fields.get("Status", "")).partition(";")[2].strip()
            or str(fields.get("Status", "")),
            is_final=str(fields.get("Action", "")).strip().lower() == "failed",
            message_id=about,
        )
        for fields in _recipient_blocks(email)
        if str(fields.get("Action", "")).strip().lower() in ("failed", "delayed")
    ]


def _recipient_blocks(email: Email) -> Iterator[Email]:
    """The blocks of a delivery status that name a recipient."""
    for part in email.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            for block in blocks if isinstance(blocks, list) else []:
                if isinstance(block, Email) and _address(block):
                    yield block


def _address(fields: Email) -> str:
    typed = str(fields.get("Original-Recipient", "") or fields.get("Final-Recipient", ""))
    return typed.partition(";")[2].strip().strip("<>")


def _text_of(email: Email) -> str:
    """The whole report as text, which contains the id of the bounced email somewhere."""
    return email.as_bytes().decode("ascii", errors="replace")
