"""A vendor's activation server, which signs its reports as described in docs/activations.md."""

import itertools
import json
import time
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from intake.webhooks.signatures import sign

ADDRESS = "/api/activations/"
KEY_ID = "windows"
SECRET = "0123456789abcdef0123456789abcdef"
AT = "2026-11-02T08:15:00Z"

_ids = itertools.count(1)


def event(type: str = "activated", serial: str = "XAAB-0001", device: str = "d-1", **fields: Any) -> dict[str, Any]:
    """Return one event with a unique id."""
    return {"id": f"event-{next(_ids)}", "type": type, "serial": serial, "device": device, "at": AT} | fields


def body_of(*events: dict[str, Any]) -> bytes:
    return json.dumps({"events": events}).encode()


@dataclass
class ActivationServer:
    """Calls the portal without cookies, with this key."""

    key_id: str = KEY_ID
    secret: str = SECRET

    def headers(self, body: bytes, timestamp: str = "") -> dict[str, str]:
        timestamp = timestamp or str(int(time.time()))
        return {
            "X-Key-Id": self.key_id,
            "X-Timestamp": timestamp,
            "X-Signature": sign(self.secret, timestamp, body),
        }

    def send(self, body: bytes, **headers: str) -> HttpResponse:
        """Send a body unchanged. Headers (with underscores for dashes) override those of the signature."""
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = {name: value for name, value in (self.headers(body) | own).items() if value}
        return Client(enforce_csrf_checks=True).post(ADDRESS, body, content_type="application/json", headers=signed)

    def report(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Report events, and return the portal's response if it accepts them."""
        answer = self.send(body_of(*events))
        assert answer.status_code == 200, answer.content
        return answer.json()
