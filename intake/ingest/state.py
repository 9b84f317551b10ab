"""What a batch holds in memory: orders and all that hangs on them, as the database will have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import nlargest
from typing import Any

Columns = dict[str, Any]  # by the model's column names


@dataclass(slots=True, eq=False)
class LicenseState:
    columns: Columns
    id: int | None = None
    changed: bool = False
    # When the orders that carry it were placed, by order id: the latest one's word on the license stands.
    # Of the orders outside the batch only the latest.
    placed: dict[int, datetime] = field(default_factory=dict)
    _last_two: list[int] = field(default_factory=list)  # of those orders, or empty: to be found anew

    def carry(self, order_id: int, placed_at: datetime) -> None:
        """Stand on this order, too."""
        known = self.placed.get(order_id)
        self.placed[order_id] = placed_at
        if known is not None and placed_at < known:
            self._last_two = []  # another may be later than it now
        elif self._last_two:
            # One license may stand on thousands of orders: all of them are never compared again.
            self._last_two = nlargest(2, {*self._last_two, order_id}, key=self.placed.__getitem__)

    def drop(self, order_id: int) -> None:
        """Stand on this order no more."""
        self.placed.pop(order_id, None)
        self._last_two = []

    def is_latest(self, order_id: int, placed_at: datetime) -> bool:
        """Whether no other order that carries it was placed later."""
        if len(self.placed) == (order_id in self.placed):
            return True
        if not self._last_two:
            self._last_two = nlargest(2, self.placed, key=self.placed.__getitem__)
        other = next(known for known in self._last_two if known != order_id)
        return placed_at >= self.placed[other]


@dataclass(slots=True, eq=False)
class LinkState:
    license: LicenseState
    from_store: bool = True
    id: int | None = None
    extended_from: date | None = None  # until when the license ran before this line extended it
    taken_back: bool = False  # that time was taken back by a refund


@dataclass(slots=True, eq=False)
class LineState:
    columns: Columns
    id: int | None = None
    changed: bool = False
    returned_by_store: int = 0  # how many of the returned units the store's refunds tell of
    held: bool = False  # somebody asked to return or to swap it
    links: dict[str, LinkState] = field(default_factory=dict)  # by serial key


@dataclass(slots=True, eq=False)
class RefundState:
    columns: Columns
    id: int | None = None
    changed: bool = False
    held: bool = False  # the portal knows of this money, too


@dataclass(slots=True, eq=False)
class SkuState:
    columns: Columns
    id: int | None = None
    changed: bool = False


@dataclass(slots=True, eq=False)
class OrderState:
    id: int
    store_id: int
    columns: Columns
    is_new: bool = False
    changed: bool = False
    sources_changed: bool = False
    lines: dict[str, LineState] = field(default_factory=dict)  # by the store's line id
    refunds: dict[str, RefundState] = field(default_factory=dict)  # by the store's refund id


@dataclass(slots=True)
class Batch:
    """What the records of one batch share."""

    orders: dict[tuple[int, str], OrderState] = field(default_factory=dict)  # by store id and number key
    licenses: dict[str, LicenseState] = field(default_factory=dict)  # by serial key
    skus: dict[tuple[int, str], SkuState] = field(default_factory=dict)  # by store id and code
    prefixes: Mapping[str, int] = field(default_factory=dict)  # product ids
    removed_lines: list[int] = field(default_factory=list)
    removed_links: list[int] = field(default_factory=list)
    removed_refunds: list[int] = field(default_factory=list)

    def product_of(self, serial_key: str) -> int | None:
        """The product whose prefix this serial number has; the longest wins."""
        for length in sorted({len(prefix) for prefix in self.prefixes}, reverse=True) if self.prefixes else ():
            if product := self.prefixes.get(serial_key[:length]):
                return product
        return None
