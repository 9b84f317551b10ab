"""What a feed is made of: the reader of one store's format. Each feed is a file under `feeds/`."""

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
    """What a feed knows besides the file: the store, for files that do not name theirs, and its time zone."""

    store: str = ""
    time_zone: tzinfo = UTC
    # Whether decimals follow a comma; None if the file doesn't tell, so that "1,234" is unclear.
    decimal_comma: bool | None = False
    date_order: str = ""  # how numeric dates are written: see `intake.dates.parse_time`
    currency: str = ""  # of all orders of a file that tells none, if staff said so
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
    problem: str | Problem = ""
    content: Any = None  # what `parse_item` takes, where it is not `raw`


@dataclass(frozen=True)
class Feed:
    """One store's format.

    `matches` tells by the head of a file whether it is this format; `reads_table` whether a table can be read although
    it does not look like it, when its format is named. `read_items` cuts a file into items,
    without judging them, in constant memory. `parse_item` turns one into a record, or raises `ImportRejected`,
    `RowSkipped` or pydantic's `ValidationError`.

    `owned_fields` names the keys of a record that this format brings (`payment.last4`); all else of an order
    is left alone. `order_lookups` names how it finds its order, in this order; a feed that can't find one
    by `number` completes orders and never makes one. `identifiers` are columns or keys whose digits
    are a machine's and never a card number.

    Of a table, whose columns are named in lower case: `date_columns` and `amount_columns` tell how the file writes
    dates and amounts. `required_columns` are those without which no row can be used, each with its other names.
    `column_names` has the columns in which each field of a record may stand, as people know them (`billing.postcode`).
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
