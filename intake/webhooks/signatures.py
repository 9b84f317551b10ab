"""Verify signed requests.

The signature is HMAC-SHA256, in hexadecimal, of the timestamp, a period and the raw body. It is verified before the
body is parsed, so that requests without a valid key cost and reveal as little as possible.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

CLOCK_TOLERANCE = timedelta(minutes=5)
KEY_ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "X-Key-Id", "X-Timestamp", "X-Signature"
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_DUMMY_SECRET = "0" * 64  # used for unknown key ids, so that they take as long as known ones


class RequestRejected(Exception):
    """A request is refused with this HTTP status, an error code for programs and a message for developers."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class SignedBody:
    """A verified body, and the id of the key that it was signed with."""

    key_id: str
    body: bytes


def verify_signature(request: HttpRequest, secrets: Mapping[str, str], max_bytes: int) -> SignedBody:
    """Return the body of a request that one of these keys (secrets by key id) signed within the last 5 minutes.

    Raises Refusal: 400 without a body, 413 above `max_bytes`, 401 if the signature or the clock is wrong.
    """
    body = _body(request, max_bytes)
    key_id, timestamp, signature = (
        _header(request, name) for name in (KEY_ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    )
    secret = secrets.get(key_id, _DUMMY_SECRET)
    expected = sign(secret, timestamp, body)
    is_valid = hmac.compare_digest(expected.encode(), signature.lower().encode())
    if not is_valid or key_id not in secrets:
        raise RequestRejected(
            401, "signature", "The signature does not fit the key id, the timestamp and the raw body."
        )
    _check_clock(timestamp)
    return SignedBody(key_id, body)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body sent at this timestamp (seconds since 1970)."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hex()


def _body(request: HttpRequest, max_bytes: int) -> bytes:
    content_length = request.META.get("CONTENT_LENGTH") or "0"
    if not content_length.isdecimal() or int(content_length) == 0:
        raise RequestRejected(400, "empty", "There is no body. Send one with its Content-Length.")
    if int(content_length) > max_bytes:
        raise RequestRejected(
            413, "too_large", f"The body is larger than {max_bytes} bytes. Send fewer events at once."
        )
    return request.read(max_bytes)


def _header(request: HttpRequest, name: str) -> str:
    value = request.headers.get(name, "").strip()
    if not value:
        raise RequestRejected(401, "unsigned", f"The header {name} is missing. See docs/activations.md on how to sign.")
    return value


def _check_clock(timestamp: str) -> None:
    now = int(timezone.now().timestamp())
    if not _SECONDS.fullmatch(timestamp):
        raise RequestRejected(401, "timestamp", f"{TIMESTAMP_HEADER} must be seconds since 1970, as in {now}.")
    if abs(now - int(timestamp)) > CLOCK_TOLERANCE.total_seconds():
        raise RequestRejected(
            401,
            "clock",
            f"{TIMESTAMP_HEADER} is more than 5 minutes off: it is {now} here. Check the clock, and sign "
            "each attempt again.",
        )
