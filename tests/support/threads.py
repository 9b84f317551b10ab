"""Letters to support, as a browser sends them."""

import re
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.test import Client

from notifications import kinds
from notifications.models import Message
from notifications.rendering import build
from support.models import ChargeClaim, Thread

CHARGE = {
    "email": "bea@example.com",
    "amount": "79.95",
    "currency": "EUR",
    "charged_on": "2026-11-01",
    "card_brand": "Visa",
    "card_last4": "4242",
    "message": "I found no confirmation.",
}
MESSAGE = {"email": "bea@example.com", "subject": "Installer stops", "message": "It says error 7."}


def send_claim(browser: Client, **fields: Any) -> Thread:
    """A claim that is taken, and its thread."""
    answer = browser.post("/help/charged/", {**CHARGE, "submission_id": str(uuid4()), **fields})
    assert answer.status_code == 302, answer.content.decode()
    return Thread.objects.get(reference=answer["Location"].split("/")[-2])


def send_message(browser: Client, **fields: Any) -> Thread:
    """A message that is taken, and its thread."""
    answer = browser.post("/help/contact/", {**MESSAGE, "submission_id": str(uuid4()), **fields})
    assert answer.status_code == 302, answer.content.decode()
    return Thread.objects.get(reference=answer["Location"].split("/")[-2])


def make_claim(email: str = "bea@example.com", **known: Any) -> ChargeClaim:
    """A claim in the database, with what is known of the charge."""
    thread = Thread.objects.create(
        kind=Thread.Kind.CHARGE_CLAIM, email=email, subject="Charged", submission_id=uuid4(), language="en"
    )
    return ChargeClaim.objects.create(thread=thread, **known)


def mail_of(kind: str) -> Any:
    """The latest mail of this kind, as it would go out now."""
    message = Message.objects.filter(kind=kind).latest("pk")
    return build(message, kinds.get(kind))


def link_in(kind: str) -> str:
    """The path of the link in the latest mail of this kind."""
    found = re.search(r"http://testserver(/(?:help/threads/open|access)/\S+/)", str(mail_of(kind).body))
    assert found is not None
    return found[1]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
