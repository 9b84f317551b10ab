"""A vendor's activation server: signs what it tells, as docs/activations.md says."""

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
    """One event; each has an id of its own."""
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
        """Send a body as it is; headers with underscores for dashes stand above those of the signature."""
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = {name: value for name, value in (self.headers(body) | own).items() if value}
        return Client(enforce_csrf_checks=True).post(ADDRESS, body, content_type="application/json", headers=signed)

    def tell(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Tell events, and what the portal answers when it takes them."""
        answer = self.send(body_of(*events))
        assert answer.status_code == 200, answer.content
        return answer.json()
