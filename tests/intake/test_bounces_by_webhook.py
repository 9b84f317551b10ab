"""The email provider reports bounces with its secret, in its own format. Other requests change nothing."""

import json
from base64 import b64encode

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.models import Message
from notifications.site import site_host
from tests.factories import make_order

pytestmark = pytest.mark.django_db
SECRET = "postmark:a-long-enough-secret"


@pytest.fixture(autouse=True)
def provider_secret(settings: Settings) -> None:
    settings.ANYMAIL_WEBHOOK_SECRET = SECRET


def make_email() -> Message:
    order = make_order()
    return Message.objects.create(
        kind="order_confirmation",
        object_id=order.pk,
        order_id=order.pk,
        recipient=order.email,
        status="sent",
        sent_at=timezone.now(),
    )


def report_of(message: Message, **fields: object) -> dict[str, object]:
    return {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "TypeCode": 1,
        "Email": message.recipient,
        "BouncedAt": "2026-11-20T10:00:00Z",
        "Description": "The server was unable to deliver your message",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"message-id": f"<{message.message_id}@{site_host()}>"},
    } | fields


def call(body: object, provider: str = "postmark", secret: str = SECRET) -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Basic {b64encode(secret.encode()).decode()}"} if secret else {}
    answer = Client(enforce_csrf_checks=True, headers=headers).post(
        f"/api/bounces/{provider}/", content, content_type="application/json"
    )
    return answer.status_code


def test_a_hard_bounce_marks_the_email() -> None:
    message = make_email()
    assert call(report_of(message)) == 200
    message.refresh_from_db()
    assert message.status == Message.Status.BOUNCED
    assert "unable to deliver" in message.last_error


def test_without_our_id_the_address_finds_it() -> None:
    message = make_email()
    assert call(report_of(message, Metadata={})) == 200
    message.refresh_from_db()
    assert message.status == Message.Status.BOUNCED


@pytest.mark.parametrize("secret", ["", "postmark:wrong-but-long-enough", "other:a-long-enough-secret"])
def test_a_stranger_marks_nothing(secret: str) -> None:
    message = make_email()
    assert call(report_of(message), secret=secret) == 401
    message.refresh_from_db()
    assert message.status == Message.Status.SENT


def test_without_a_secret_the_address_does_not_exist(settings: Settings) -> None:
    settings.ANYMAIL_WEBHOOK_SECRET = ""
    assert call(report_of(make_email())) == 404


@pytest.mark.parametrize("provider", ["nobody", "inbound", "tracking"])
def test_an_unknown_provider_gets_404(provider: str) -> None:
    assert call({}, provider=provider) == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"RecordType": 3}'])
def test_nonsense_is_refused_without_an_error_of_ours(body: bytes) -> None:
    assert call(body) in (200, 400)


def test_an_email_that_was_opened_or_delivered_is_nothing_new() -> None:
    message = make_email()
    assert call(report_of(message, RecordType="Delivery", DeliveredAt="2026-11-20T10:00:00Z", Details="ok")) == 200
    message.refresh_from_db()
    assert message.status == Message.Status.SENT
