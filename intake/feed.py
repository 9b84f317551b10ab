"""What a feed is made of: the reader of one store's format. Each feed is a file under `feeds/`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from intake.records import OrderRecord
from intake.source_file import Head, SourceFile

ALL_FIELDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FeedContext:
    """What a feed knows besides the file: the store, for files that do not name theirs, and its time zone."""

    store: str = ""
    time_zone: tzinfo = UTC
    decimal_comma: bool = False  # whether "1,234" means 1.234
    # What staff said about the store's words for a status: see `intake.statuses.read_status`.
    status_meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RawItem:
    """One order or payment as it is in the file, not yet parsed.

    `raw` goes to the rejects file if the item is rejected: a line of JSON, or rows of cells. `key` is a guess at
    (store, order number), or None; a wrong guess only costs time. With a `problem` it is rejected without parsing.
    """

    line: int
    raw: str | list[list[str]]
    key: tuple[str, str] | None = None
    problem: str = ""
    content: Any = None  # what `parse_item` takes, where it is not `raw`


@dataclass(frozen=True)
class Feed:
    """One store's format.

    `matches` tells by the head of a file whether it is this format. `read_items` cuts a file into items,
    without judging them, in constant memory. `parse_item` turns one into a record, or raises `ImportRejected`,
    `RowSkipped` or pydantic's `ValidationError`.

    `owned_fields` names the keys of a record that this format brings (`payment.last4`); all else of an order
    is left alone. `order_lookups` names how it finds its order, in this order; a feed that can't find one
    by `number` completes orders and never makes one. `identifiers` are columns or keys whose digits
    are a machine's and never a card number.
    """

    name: str
    title: str
    matches: Callable[[Head], bool]
    read_items: Callable[[SourceFile, FeedContext], Iterator[RawItem]]
    parse_item: Callable[[RawItem, FeedContext], OrderRecord]
    names_store: bool = False
    is_table: bool = False
    owned_fields: frozenset[str] = ALL_FIELDS
    order_lookups: tuple[str, ...] = ("number",)
    identifiers: frozenset[str] = field(default_factory=frozenset)
