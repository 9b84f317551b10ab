"""What a provider of webhooks is made of: how it signs, and how a body is split into events."""

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
MAX_ID = 200  # characters of a provider's id of an event
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
    """One event of a delivery. `event_id` is covered by the signature: a header that is not could be replaced."""

    event_id: str
    kind: str
    body: bytes
    is_test: bool = False  # made in the provider's test mode, and about no real order


def read_one_event(delivery: Delivery) -> list[ReceivedEvent]:
    """The whole body as one event without an id."""
    return [ReceivedEvent(digest_id(delivery.body), "", delivery.body)]


def empty_answer(delivery: Delivery, secret: str) -> str:
    return ""


def random_secret() -> str:
    """40 characters, which is the most that Lemon Squeezy takes."""
    return secrets.token_urlsafe(30)


@dataclass(frozen=True)
class Provider:
    """How one format's events are signed and read.

    `verify` says whether a delivery is signed with a secret, in constant time. `make_secret` is None if the provider
    makes the secret. `answer` returns the body of the response to a verified delivery, whose secret it gets.
    `is_ping` recognizes an unsigned request by which the provider tries the address, which is answered for any store.
    """

    format: str
    verify: Callable[[Delivery, str], bool]
    read_events: Callable[[Delivery], list[ReceivedEvent]] = read_one_event
    make_secret: Callable[[], str] | None = None
    is_usable_secret: Callable[[str], bool] = lambda secret: len(secret) >= MIN_SECRET
    content_type: str = JSON_TYPE
    answer: Callable[[Delivery, str], str] = empty_answer
    is_ping: Callable[[Delivery], bool] = lambda delivery: False
    answers_get: bool = False  # it asks for the address by GET when it is set up


# --- Signatures ----------------------------------------------------------------------------------------


def hmac_sha256(secret: str | bytes, message: bytes) -> bytes:
    return hmac.digest(secret if isinstance(secret, bytes) else secret.encode(), message, hashlib.sha256)


def is_same(expected: str, given: str) -> bool:
    """Compare two signatures in a time that doesn't depend on where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def signed_in_base64(header: str) -> Callable[[Delivery, str], bool]:
    """A check of HMAC-SHA256 over the body, in base64 in this header."""

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
    """The parsed body, or None if it is no JSON: such an event is stored, and a worker says what is wrong with it."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def id_or_digest(value: object, body: bytes) -> str:
    """A provider's id for an event if it can be stored, or else the digest of the body."""
    is_id = isinstance(value, str) and len(value) <= MAX_ID and _ID.fullmatch(value)
    return str(value) if is_id else digest_id(body)


def kind_of_event(value: object) -> str:
    """The name of a kind of event, for staff; only letters, digits and a few signs of it."""
    return _NO_KIND.sub(" ", value).strip()[:100] if isinstance(value, str) else ""


def topic_in_header(name: str) -> Callable[[Delivery], list[ReceivedEvent]]:
    """A reader of deliveries without an event's id in the body, whose kind is in this header.

    The header is not signed, and only shown. So is the id that these providers send in another one: whoever repeats a
    delivery could change it, or take the id of another event away.
    """

    def read(delivery: Delivery) -> list[ReceivedEvent]:
        return [ReceivedEvent(digest_id(delivery.body), kind_of_event(delivery.header(name)), delivery.body)]

    return read
