"""A mail server that can be unavailable, and the emails received by each mailbox."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage

import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.delivery import deliver_due
from orders.models import Order
from orders.passwords import portal_password
from tests.smtp import MailServer

RETRIES = timedelta(hours=2)  # more than the longest wait between two attempts


class Mailboxes:
    """Delivers due emails, while time is frozen except for `wait`."""

    def __init__(self, server: MailServer, settings: Settings) -> None:
        self.server = server
        self.is_down = False
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        self._clock = time_machine.travel(timezone.now(), tick=False)
        self._time = self._clock.start()

    def close(self) -> None:
        self._clock.stop()
        if not self.is_down:
            self.server.stop()

    def wait(self, **duration: float) -> None:
        """Let time pass, and run the delivery at intervals."""
        self.deliver()
        end = timezone.now() + timedelta(**duration)
        while timezone.now() < end:
            self._time.move_to(min(timezone.now() + RETRIES, end))
            self.deliver()

    def deliver(self) -> None:
        deliver_due()

    def go_down(self) -> None:
        if not self.is_down:
            self.server.stop()
        self.is_down = True

    def come_back(self) -> None:
        if self.is_down:
            self.server.start()
        self.is_down = False

    def emails_to(self, address: str) -> list[EmailMessage]:
        pairs = zip(self.server.recipients, self.server.emails, strict=True)
        return [email for recipient, email in pairs if recipient == address]

    def texts_to(self, address: str) -> list[str]:
        return [body_of(email) for email in self.emails_to(address)]

    def knows_password_of(self, address: str, order: Order) -> bool:
        """Whether an email to this address contains the password that currently opens the order."""
        password = portal_password(Order.objects.get(pk=order.pk))
        return bool(password) and any(password in text for text in self.texts_to(address))

    def links_to(self, address: str, path: str) -> list[str]:
        """Return the paths of the links with this prefix in its emails, oldest first."""
        return re.findall(rf"http://testserver({path}\S+/)", "\n".join(self.texts_to(address)))


def body_of(email: EmailMessage) -> str:
    part = email.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@contextmanager
def mailboxes(settings: Settings) -> Iterator[Mailboxes]:
    server = MailServer()
    server.start()
    boxes = Mailboxes(server, settings)
    try:
        yield boxes
    finally:
        boxes.close()
