"""Mails that came back: which of ours each report is about, and what becomes of it.

Reports come from the mail provider's webhook (see intake/webhooks/bounces.py) or as mails (RFC 3464), which
`read_bounces` reads. Told twice, a report changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message as Mail
from uuid import UUID

from notifications.addresses import email_key
from notifications.models import Message
from notifications.site import site_host

# Without the id of the mail, a report is about the last mail to its address, if that was sent not longer ago.
BOUNCES_WITHIN = timedelta(days=5)
_OUR_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@([\w.\-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Bounce:
    """One report. `is_final` false: it may still arrive. `message_id` is None where the report names none of ours."""

    recipient: str
    reason: str
    is_final: bool
    message_id: UUID | None = None


def record_bounce(bounce: Bounce, now: datetime) -> Message | None:
    """Note a report at the mail that it is about, and return that; None where there is none.

    A final one marks the mail as bounced, which its order shows; any other is noted for staff only.
    """
    message = _message_of(bounce, now)
    if message is None:
        return None
    reason = " ".join(bounce.reason.split())[: Message.ERROR_LENGTH]
    sent = Message.objects.filter(pk=message.pk, status=Message.Status.SENT)
    if bounce.is_final:
        sent.update(status=Message.Status.BOUNCED, bounced_at=now, last_error=reason)
    else:
        sent.update(last_error=reason)
    return Message.objects.get(pk=message.pk)


def _message_of(bounce: Bounce, now: datetime) -> Message | None:
    left = Message.objects.filter(status__in=[Message.Status.SENT, Message.Status.BOUNCED])
    if bounce.message_id is not None:
        return left.filter(message_id=bounce.message_id).first()
    key = email_key(bounce.recipient)
    if not key:
        return None
    lately = left.filter(recipient_key=key, sent_at__gt=now - BOUNCES_WITHIN)
    return lately.order_by("-sent_at", "-pk").first()


def find_message_id(text: str) -> UUID | None:
    """The Message-ID of ours that stands in this text, if one does."""
    for found in _OUR_ID.finditer(text):
        if found[2].lower().rstrip(".") == site_host().lower():
            return UUID(found[1])
    return None


# --- Reports that come as mails ---------------------------------------------------------------------------


def parse_reports(mail: Mail) -> list[Bounce]:
    """The reports in a mail, one a recipient; none where it is no delivery report."""
    if mail.get_content_type() != "multipart/report":
        return []
    about = find_message_id(_text_of(mail))
    return [
        Bounce(
            recipient=_address(fields),
            reason=str(fields.get("Diagnostic-Code", "") or fields.get("Status", "")).partition(";")[2].strip()
            or str(fields.get("Status", "")),
            is_final=str(fields.get("Action", "")).strip().lower() == "failed",
            message_id=about,
        )
        for fields in _recipients(mail)
        if str(fields.get("Action", "")).strip().lower() in ("failed", "delayed")
    ]


def _recipients(mail: Mail) -> Iterator[Mail]:
    """The blocks of fields of a delivery status that each name a recipient."""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            for block in blocks if isinstance(blocks, list) else []:
                if isinstance(block, Mail) and _address(block):
                    yield block


def _address(fields: Mail) -> str:
    typed = str(fields.get("Original-Recipient", "") or fields.get("Final-Recipient", ""))
    return typed.partition(";")[2].strip().strip("<>")


def _text_of(mail: Mail) -> str:
    """All of it, in which the id of the mail that came back stands somewhere."""
    return mail.as_bytes().decode("ascii", errors="replace")
