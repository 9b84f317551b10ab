"""The items of a batch while they become orders."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from django.conf import settings

from intake.feed import RawItem
from intake.ingest.loading import ExistingOrder
from intake.problems import Problem
from intake.records import OrderRecord, OrderUpdate

OrderKey = tuple[int, str]  # store id, number key
ItemProblem = tuple[RawItem, Problem]  # why an item was rejected, or a warning


class Outcome(IntEnum):
    UNCHANGED = 0
    UPDATED = 1
    CREATED = 2


@dataclass
class Counts:
    """How many items were read, and their results, which add up to `read`."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0  # not an order, according to staff

    def add(self, other: "Counts") -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Count the results of imported items."""
        for outcome in outcomes:
            name = outcome.name.lower()
            setattr(self, name, getattr(self, name) + 1)


class Skipped:
    """Used instead of a record if the item isn't an order."""


@dataclass(slots=True)
class BatchEntry:
    """An item with its digest and, once parsed, its record, or the reason why it has none."""

    item: RawItem
    digest: str
    parsed: OrderRecord | Problem | Skipped | None = None
    position: int = 0  # in its batch


class ChangedItems(NamedTuple):
    """The items of a batch that changed since the last import, and the orders that were looked up to find them."""

    changed: list[BatchEntry]  # all except those equal to their order's last record
    unchanged_positions: dict[OrderKey, int]  # the positions of the unchanged items
    known: dict[OrderKey, ExistingOrder | None]  # every order that was looked up; None if it doesn't exist


class UnmatchedUpdate(NamedTuple):
    """An update whose order is not found yet."""

    entry: BatchEntry
    record: OrderUpdate
    store_id: int


class MatchedRecord(NamedTuple):
    """A record and the key of its order."""

    entry: BatchEntry
    record: OrderRecord
    key: OrderKey


# Keyed, because a record may contain a password, which must not be guessable from the digest.
_DIGEST_KEY = hmac.digest(settings.ORDER_PASSWORD_KEY.encode(), b"digests of imported records", hashlib.sha256)


def content_digest(raw: str | list[list[str]]) -> str:
    """Return the digest of an item's raw content, which identifies unchanged items."""
    text = raw if isinstance(raw, str) else "\x1e".join("\x1f".join(row) for row in raw)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), key=_DIGEST_KEY, digest_size=16).hexdigest()
