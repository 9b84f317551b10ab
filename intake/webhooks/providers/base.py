"""The parts of a webhook provider: how it signs, and how a body is split into events."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"
MAX_ID = 200  # characters of a provider's event id
MIN_SECRET = 16  # characters

_ID = re.compile(r"[\x21-\x7e]+")
_NO_KIND = re.compile(r"[^\w./:-]+", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True)
class Delivery:
    """A request: its headers (any case), its exact body, and when it was received (seconds since 1970)."""

    headers: Mapping[str, str]
    body: bytes
    now: int

    def header(self, name: str) -> str:
        return self.headers.get(name, "").strip()


@dataclass(frozen=True)
class ReceivedEvent:
    """One event of a delivery. `event_id` is covered by the signature; an unsigned header could be replaced."""

    event_id: str
    kind: str
    body: bytes
    is_test: bool = False  # created in the provider's test mode


def read_one_event(delivery: Delivery) -> list[ReceivedEvent]:
    """Return the whole body as one event without an id."""
    return [ReceivedEvent(digest_id(delivery.body), "", delivery.body)]


def empty_answer(delivery: Delivery, secret: str) -> str:
    return ""


def random_secret() -> str:
    """Return 40 characters, the maximum for Lemon Squeezy."""
    return secrets.token_urlsafe(30)


@dataclass(frozen=True)
class Provider:
    """How one format's events are signed and read.

    `verify` checks in constant time whether a delivery is signed with a secret. `make_secret` is None if the provider
    generates the secret. `answer` returns the body of the response to a verified delivery, and gets its secret.
    `is_ping` recognizes an unsigned test request by the provider, which is answered for any store.
    """

    format: str
    verify: Callable[[Delivery, str], bool]
    read_events: Callable[[Delivery], list[ReceivedEvent]] = read_one_event
    make_secret: Callable[[], str] | None = None
    is_usable_secret: Callable[[str], bool] = lambda secret: len(secret) >= MIN_SECRET
    content_type: str = JSON_TYPE
    answer: Callable[[Delivery, str], str] = empty_answer
    is_ping: Callable[[Delivery], bool] = lambda delivery: False
    answers_get: bool = False  # the provider sends a GET request when the webhook is set up


# --- Signatures ----------------------------------------------------------------------------------------


def hmac_sha256(secret: str | bytes, message: bytes) -> bytes:
    return hmac.digest(secret if isinstance(secret, bytes) else secret.encode(), message, hashlib.sha256)


def is_same(expected: str, given: str) -> bool:
    """Compare two signatures in a time that doesn't depend on where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def signed_in_base64(header: str) -> Callable[[Delivery, str], bool]:
    """Return a check of HMAC-SHA256 over the body, in base64 in this header."""

    def verify(delivery: Delivery, secret: str) -> bool:
        return is_same(base64.b64encode(hmac_sha256(secret, delivery.body)).decode(), delivery.header(header))

    return verify


def is_fresh(timestamp: str, now: int, tolerance: int) -> bool:
    """Whether a timestamp (seconds since 1970, as text) is at most `tolerance` seconds away from now."""
    return bool(_SECONDS.fullmatch(timestamp)) and abs(now - int(timestamp)) <= tolerance


# --- Events --------------------------------------------------------------------------------------------


def digest_id(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def parse_json(body: bytes) -> Any:
    """Return the parsed body, or None if it isn't JSON. Such an event is stored, and a worker reports the error."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def id_or_digest(value: object, body: bytes) -> str:
    """Return a provider's event id if it can be stored, otherwise the digest of the body."""
    is_id = isinstance(value, str) and len(value) <= MAX_ID and _ID.fullmatch(value)
    return str(value) if is_id else digest_id(body)


def kind_of_event(value: object) -> str:
    """Return the name of an event's kind, for staff. Only letters, digits and a few other characters are kept."""
    return _NO_KIND.sub(" ", value).strip()[:100] if isinstance(value, str) else ""


def topic_in_header(name: str) -> Callable[[Delivery], list[ReceivedEvent]]:
    """Return a reader of deliveries with the kind of event in this header, and no event id in the body.

    The header is not signed, so it is only displayed. The id that these providers send in another header isn't used:
    someone who replays a delivery could change it, or use the id of another event to suppress that one.
    """

    def read(delivery: Delivery) -> list[ReceivedEvent]:
        return [ReceivedEvent(digest_id(delivery.body), kind_of_event(delivery.header(name)), delivery.body)]

    return read
