"""Messages and charge claims as a browser submits them, and the emails about them."""

import re
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.test import Client

from notifications import kinds
from notifications.models import Message
from notifications.rendering import build
from support.models import ChargeClaim, Thread

CLAIM_FORM = {
    "email": "bea@example.com",
    "amount": "79.95",
    "currency": "EUR",
    "charged_on": "2026-11-01",
    "card_brand": "Visa",
    "card_last4": "4242",
    "message": "I found no confirmation.",
}
MESSAGE_FORM = {"email": "bea@example.com", "subject": "Installer stops", "message": "It says error 7."}


def submit_claim(browser: Client, **fields: Any) -> Thread:
    """Submit a valid claim. Returns its thread."""
    answer = browser.post("/help/charged/", {**CLAIM_FORM, "submission_id": str(uuid4()), **fields})
    assert answer.status_code == 302, answer.content.decode()
    return Thread.objects.get(reference=answer["Location"].split("/")[-2])


def submit_message(browser: Client, **fields: Any) -> Thread:
    """Submit a valid message. Returns its thread."""
    answer = browser.post("/help/contact/", {**MESSAGE_FORM, "submission_id": str(uuid4()), **fields})
    assert answer.status_code == 302, answer.content.decode()
    return Thread.objects.get(reference=answer["Location"].split("/")[-2])


def make_claim(email: str = "bea@example.com", **claim_fields: Any) -> ChargeClaim:
    """Create a claim in the database. `claim_fields` are columns of ChargeClaim."""
    thread = Thread.objects.create(
        kind=Thread.Kind.CHARGE_CLAIM, email=email, subject="Charged", submission_id=uuid4(), language="en"
    )
    return ChargeClaim.objects.create(thread=thread, **claim_fields)


def latest_email(kind: str) -> Any:
    """Build the latest email of this kind as it would be sent now."""
    message = Message.objects.filter(kind=kind).latest("pk")
    return build(message, kinds.get(kind))


def link_in_latest_email(kind: str) -> str:
    """The path of the link in the latest email of this kind."""
    found = re.search(r"http://testserver(/(?:help/threads/open|access)/\S+/)", str(latest_email(kind).body))
    assert found is not None
    return found[1]


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
