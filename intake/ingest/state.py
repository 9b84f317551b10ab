"""The rows of a batch in memory, as they will be written to the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest
from typing import Any

Columns = dict[str, Any]  # values by column name


@dataclass(slots=True, eq=False)
class LicenseState:
    columns: Columns
    id: int | None = None
    changed: bool = False
    # When the license's orders were placed, by order id, because the latest order's values apply.
    # Contains all orders of the batch, but only the latest of the others.
    order_dates: dict[int, datetime] = field(default_factory=dict)
    _latest_two: list[int] = field(default_factory=list)  # the ids of the two latest orders; empty if unknown

    def add_order(self, order_id: int, placed_at: datetime) -> None:
        """Add an order to the license."""
        known = self.order_dates.get(order_id)
        self.order_dates[order_id] = placed_at
        if known is not None and placed_at < known:
            self._latest_two = []  # another order may be later now
        elif self._latest_two:
            # A license may have thousands of orders, so the new one is only compared with the two latest.
            self._latest_two = nlargest(2, {*self._latest_two, order_id}, key=self.order_dates.__getitem__)

    def remove_order(self, order_id: int) -> None:
        """Remove an order from the license."""
        self.order_dates.pop(order_id, None)
        self._latest_two = []

    def is_latest(self, order_id: int, placed_at: datetime) -> bool:
        """Whether no other order of the license was placed later."""
        if len(self.order_dates) == (order_id in self.order_dates):
            return True
        if not self._latest_two:
            self._latest_two = nlargest(2, self.order_dates, key=self.order_dates.__getitem__)
        other = next(known for known in self._latest_two if known != order_id)
        return placed_at >= self.order_dates[other]


@dataclass(slots=True, eq=False)
class LinkState:
    license: LicenseState
    columns: Columns  # what the line says about the license
    from_store: bool = True
    id: int | None = None
    changed: bool = False


@dataclass(slots=True, eq=False)
class LineState:
    columns: Columns
    id: int | None = None
    changed: bool = False
    returned_by_store: int = 0  # units returned according to the store's refunds
    has_case: bool = False  # a return or swap was requested for it
    links: dict[str, LinkState] = field(default_factory=dict)  # by serial key


@dataclass(slots=True, eq=False)
class RefundState:
    columns: Columns
    id: int | None = None
    changed: bool = False
    has_transaction: bool = False  # also recorded as a refund made by the portal


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
    email_changed: bool = False  # the address in the store's data
    sources_changed: bool = False
    lines: dict[str, LineState] = field(default_factory=dict)  # by the store's line id
    refunds: dict[str, RefundState] = field(default_factory=dict)  # by the store's refund id


@dataclass(slots=True)
class Batch:
    """The rows shared by the records of one batch. `run` identifies the import, to recognize
    versions in the same file.
    """

    run: str = ""
    orders: dict[tuple[int, str], OrderState] = field(default_factory=dict)  # by store id and number key
    licenses: dict[str, LicenseState] = field(default_factory=dict)  # by serial key
    skus: dict[tuple[int, str], SkuState] = field(default_factory=dict)  # by store id and code
    licensed_skus: list[SkuState] = field(default_factory=list)  # with a known serial number
    prefixes: Mapping[str, int] = field(default_factory=dict)  # product ids
    removed_lines: list[int] = field(default_factory=list)
    removed_links: list[int] = field(default_factory=list)
    unlinked_licenses: set[int] = field(default_factory=set)  # the licenses of removed links

    def product_by_prefix(self, serial_key: str) -> int | None:
        """Return the id of the product with the longest prefix of this serial number."""
        for length in sorted({len(prefix) for prefix in self.prefixes}, reverse=True) if self.prefixes else ():
            if product := self.prefixes.get(serial_key[:length]):
                return product
        return None
