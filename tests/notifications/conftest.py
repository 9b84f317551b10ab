from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from notifications import kinds
from notifications.models import Message
from tests.mail_kinds.note_kinds import KINDS
from tests.smtp import MailServer

MAIL_TEMPLATES = Path(__file__).parent.parent / "mail_kinds" / "templates"


@pytest.fixture
def note_kinds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own email kinds, registered in this process."""
    backend = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**backend, "DIRS": [*backend["DIRS"], MAIL_TEMPLATES]}]
    monkeypatch.setattr(kinds, "_kinds", {kind.name: kind for kind in KINDS})


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    """A real SMTP server, and settings to use it."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 0.5
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def make_note(db: None, note_kinds: None) -> "NoteMaker":
    return NoteMaker()


class NoteMaker:
    """Adds rows to the outbox, each about a separate object."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, **fields: object) -> Message:
        self.count += 1
        defaults = {"kind": "test_note", "object_id": self.count, "recipient": f"buyer{self.count}@example.com"}
        return Message.objects.create(**defaults | fields)
