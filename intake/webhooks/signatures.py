"""Who a signed request is from.

The signature is HMAC-SHA256, in hexadecimal, over the timestamp, a full stop and the raw body. It is
judged before anything of the body is read, so that nobody without a key learns or costs more than that.
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
HEADERS = (KEY_ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_NOBODYS_SECRET = "0" * 64  # compared for a key that nobody has, so that it takes as long as one that exists


class Refusal(Exception):
    """A request that is not taken: `status` is HTTP's, `code` for programs, the sentence for their makers."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Signed:
    """A body, and the id of the key that it was signed with."""

    key_id: str
    body: bytes


def signed_body(request: HttpRequest, secrets: Mapping[str, str], most_bytes: int) -> Signed:
    """The request's body, if one of these keys (secret by id) signed it just now.

    Raises Refusal: 400 without a body, 413 above `most_bytes`, 401 where the signature or the clock is wrong.
    """
    body = _body(request, most_bytes)
    key_id, timestamp, signature = (
        _header(request, name) for name in (KEY_ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    )
    secret = secrets.get(key_id, _NOBODYS_SECRET)
    expected = sign(secret, timestamp, body)
    fits = hmac.compare_digest(expected.encode(), signature.lower().encode())
    if not fits or key_id not in secrets:
        raise Refusal(401, "signature", "The signature does not fit the key id, the timestamp and the raw body.")
    _check_clock(timestamp)
    return Signed(key_id, body)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature that belongs to this timestamp (seconds since 1970) and body."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hex()


def _body(request: HttpRequest, most_bytes: int) -> bytes:
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal() or int(announced) == 0:
        raise Refusal(400, "empty", "There is no body. Send one with its Content-Length.")
    if int(announced) > most_bytes:
        raise Refusal(413, "too_large", f"The body is larger than {most_bytes} bytes. Send fewer events at once.")
    return request.read(most_bytes)


def _header(request: HttpRequest, name: str) -> str:
    value = request.headers.get(name, "").strip()
    if not value:
        raise Refusal(401, "unsigned", f"The header {name} is missing. See docs/activations.md on how to sign.")
    return value


def _check_clock(timestamp: str) -> None:
    now = int(timezone.now().timestamp())
    if not _SECONDS.fullmatch(timestamp):
        raise Refusal(401, "timestamp", f"{TIMESTAMP_HEADER} must be seconds since 1970, as in {now}.")
    if abs(now - int(timestamp)) > CLOCK_TOLERANCE.total_seconds():
        raise Refusal(
            401,
            "clock",
            f"{TIMESTAMP_HEADER} is more than 5 minutes off: it is {now} here. Check the clock; sign each try anew.",
        )
