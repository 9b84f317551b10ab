import os
import signal
from typing import Any

from notifications import kinds
from notifications.models import Message

TEMPLATE = "mail_kinds/emails/note.html"


def _note(message: Message) -> dict[str, Any]:
    return {
        "name": message.key or "Ann",
        "number": message.object_id,
        "url": "https://orders.example.com/x/",
        "quote": message.key,
    }


def _killing(message: Message) -> dict[str, Any]:
    """An email that kills any process that renders it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def _moved_recipient(message: Message) -> str:
    return "new@example.com" if message.key == "moved" else ""


KINDS = [
    kinds.EmailKind("test_note", TEMPLATE, _note, label="Note"),
    kinds.EmailKind("test_urgent", TEMPLATE, _note, priority=kinds.PRIORITY_NOW, label="Urgent note"),
    kinds.EmailKind("test_moving", TEMPLATE, _note, recipient=_moved_recipient, label="Moving note"),
    kinds.EmailKind("test_killing", TEMPLATE, _killing, label="Killing note"),
]
