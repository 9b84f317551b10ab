"""The parts of a feed, which reads one store's format. Each feed is a file under `feeds/`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from intake.problems import Problem
from intake.records import OrderRecord
from intake.source_file import Head, SourceFile

ALL_FIELDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FeedContext:
    """What a feed gets in addition to the file: the store, for files that don't name it, and its time zone."""

    store: str = ""
    time_zone: tzinfo = UTC
    # Whether decimals follow a comma; None if the file doesn't show it, so that "1,234" is ambiguous.
    decimal_comma: bool | None = False
    date_order: str = ""  # how numeric dates are written: see `intake.dates.parse_time`
    currency: str = ""  # of all orders, if the file has none and staff set it
    # The meanings of status words set by staff: see `intake.statuses.read_status`.
    status_meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RawItem:
    """One order or payment as it is in the file, not yet parsed.

    `raw` is written to the rejects file if the item is rejected: a line of JSON, or rows of cells. `key` is a guess at
    (store, order number), or None. A wrong guess only costs time. An item with a `problem` is rejected without parsing.
    """

    line: int
    raw: str | list[list[str]]
    key: tuple[str, str] | None = None
    problem: str | Problem = ""
    content: Any = None  # the input of `parse_item`, if it isn't `raw`


@dataclass(frozen=True)
class Feed:
    """One store's format.

    - `matches` detects the format by the head of a file.
    - `reads_table` says whether a table that `matches` doesn't detect can be read if its format is named.
    - `read_items` splits a file into items, without validating them, in constant memory.
    - `parse_item` turns an item into a record, or raises `ImportRejected`, `RowSkipped` or pydantic's
      `ValidationError`.
    - `owned_fields` are the record keys that this format sets (`payment.last4`). All other fields of an order are kept.
    - `order_lookups` are the ways to find an order, in this sequence. A feed without `number` never creates orders.
    - `identifiers` are columns or keys with machine-generated digits, which are never a card number.

    For a table, with column names in lower case:

    - `date_columns` and `amount_columns` show the notation of dates and amounts in the file.
    - `required_columns` are the columns that every row needs, each with its alternative names.
    - `column_names` are the possible columns of each record field, as people know them (`billing.postcode`).
    """

    name: str
    title: str
    matches: Callable[[Head], bool]
    read_items: Callable[[SourceFile, FeedContext], Iterator[RawItem]]
    parse_item: Callable[[RawItem, FeedContext], OrderRecord]
    names_store: bool = False
    is_table: bool = False
    reads_table: Callable[[Head], bool] = lambda head: False
    owned_fields: frozenset[str] = ALL_FIELDS
    order_lookups: tuple[str, ...] = ("number",)
    identifiers: frozenset[str] = field(default_factory=frozenset)
    date_columns: frozenset[str] = field(default_factory=frozenset)
    amount_columns: frozenset[str] = field(default_factory=frozenset)
    required_columns: tuple[tuple[str, ...], ...] = ()
    column_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
