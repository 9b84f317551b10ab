"""Endpoints for other servers accept only signed, current and new requests."""

import time
from base64 import b64encode

import pytest

from intake.webhooks.signatures import sign
from tests.intake.activation_server import body_of, event
from tests.production.stack import ACTIVATION_KEY, ACTIVATION_SECRET, BOUNCE_SECRET, Stack
from tests.production.visitors import Page, Visitor

pytestmark = pytest.mark.xdist_group("production")

PATH = "/api/activations/"
BOUNCES = "/api/bounces/postmark/"


def send(
    stack: Stack, body: bytes, *, key: str = ACTIVATION_KEY, secret: str = ACTIVATION_SECRET, late: int = 0
) -> Page:
    timestamp = str(int(time.time()) - late)
    headers = [("X-Key-Id", key), ("X-Timestamp", timestamp), ("X-Signature", sign(secret, timestamp, body))]
    return Visitor(stack).request("POST", PATH, body=body, headers=headers)


def test_a_signed_event_is_taken_once(stack: Stack) -> None:
    body = body_of(event())
    assert send(stack, body).status == 200
    again = send(stack, body)
    assert again.status == 200
    assert again.text != ""


def test_what_is_not_signed_with_our_key_now_is_refused(stack: Stack) -> None:
    body = body_of(event())
    assert send(stack, body, secret="f" * 32).status == 401
    assert send(stack, body, key="mac").status == 401
    assert send(stack, body, late=301).status == 401
    assert send(stack, body, late=-301).status == 401
    assert Visitor(stack).request("POST", PATH, body=body).status == 401


def test_a_changed_body_is_refused(stack: Stack) -> None:
    timestamp = str(int(time.time()))
    signature = sign(ACTIVATION_SECRET, timestamp, body_of(event()))
    headers = [("X-Key-Id", ACTIVATION_KEY), ("X-Timestamp", timestamp), ("X-Signature", signature)]
    changed = Visitor(stack).request("POST", PATH, body=body_of(event()), headers=headers)
    assert changed.status == 401


def test_bounces_are_taken_with_the_password_only(visitor: Visitor) -> None:
    def send(*credentials: str) -> int:
        headers = [("Authorization", f"Basic {b64encode(each.encode()).decode()}") for each in credentials]
        body = b'{"RecordType": "Bounce", "ID": 1, "Type": "HardBounce", "Email": "a@example.com"}'
        return visitor.request(
            "POST", BOUNCES, body=body, headers=[*headers, ("Content-Type", "application/json")]
        ).status

    assert {send(), send("mail:wrong"), send("mail:")} <= {400, 401, 403}
    assert send(BOUNCE_SECRET) == 200
