import os
import signal
from typing import Any

from notifications import kinds
from notifications.models import Message

TEMPLATE = "mail_kinds/emails/note"


def _note(message: Message) -> dict[str, Any]:
    return {"name": message.key or "Ann", "number": message.object_id, "url": "https://orders.example.com/x/"}


def _killing(message: Message) -> dict[str, Any]:
    """A mail that ends whatever process tries to write it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


KINDS = [
    kinds.MailKind("test_note", TEMPLATE, _note, label="Note"),
    kinds.MailKind("test_urgent", TEMPLATE, _note, priority=kinds.PRIORITY_NOW, label="Urgent note"),
    kinds.MailKind("test_killing", TEMPLATE, _killing, label="Killing note"),
]
