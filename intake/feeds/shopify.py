"""Shopify's order export (CSV) and its dialects.

The export has a row for each item, with the order's number on each; only the order's first row has its
dates and totals. Flat dialects fill every column of every row. The portal reads those of the 79 columns
that it stores; a file may have fewer. Serial numbers and card digits are not part of the export.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.problems import ImportRejected
from intake.records import OrderRecord, StoreRecord, UndatedRefund
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.tables import ExactColumns, read_table
from intake.values import NO_CURRENCY, parse_amount, parse_time
from orders.models import TOTAL_REFUND_ID, Order

# The rows of an order may have other orders between them, at most this many.
MAX_OPEN_ORDERS = 500
MAX_ROWS = 5_000  # per order

# Filled only on an order's first row: a row without any of them continues an order.
ORDER_COLUMNS = ("created at", "paid at", "financial status", "currency", "total", "subtotal")
ITEM_COLUMNS = ("lineitem name", "lineitem sku", "lineitem price", "lineitem quantity", "lineitem discount")
# These change over an order's life.
STATE_COLUMNS = ("email", "financial status", "paid at", "fulfillment status", "cancelled at", "refunded amount")
RECOGNIZED_COLUMNS = {
    *ORDER_COLUMNS,
    *ITEM_COLUMNS,
    "email",
    "fulfillment status",
    "payment method",
    "refunded amount",
}
EXACT_COLUMNS = ExactColumns(
    frozenset(("name", "lineitem sku", "billing zip", "payment reference", "payment id", "payment references")),
    (("billing zip", "billing country"),),
)
# What people know the fields of a record as.
COLUMN_NAMES = {
    "number": ("Name",),
    "email": ("Email",),
    "currency": ("Currency",),
    "placed_at": ("Created at", "Paid at"),
    "lines.name": ("Lineitem name",),
    "lines.sku": ("Lineitem sku",),
    "lines.quantity": ("Lineitem quantity",),
    "lines.unit_price": ("Lineitem price",),
    "lines.discount": ("Lineitem discount",),
    "lines.total": ("Lineitem price",),
    "totals.total": ("Total",),
    "totals.tax": ("Taxes",),
    "totals.discount": ("Discount Amount",),
    "totals.subtotal": ("Subtotal",),
    "payment.method": ("Payment Method",),
    "billing.name": ("Billing Name",),
    "billing.company": ("Billing Company",),
    "billing.lines": ("Billing Address1", "Billing Street"),
    "billing.city": ("Billing City",),
    "billing.postcode": ("Billing Zip",),
    "billing.country": ("Billing Country",),
    "refunds.amount": ("Refunded Amount",),
}

Status = Order.Status
STATUSES = {
    "paid": Status.COMPLETED,
    "pending": Status.PENDING,
    "authorized": Status.PENDING,
    "partially-paid": Status.PENDING,
    "unpaid": Status.PENDING,
    "expired": Status.CANCELLED,
    "voided": Status.CANCELLED,
    "refunded": Status.REFUNDED,
    "partially-refunded": Status.PARTIALLY_REFUNDED,
}


def matches(head: Head) -> bool:
    return "name" in head.columns and len(head.columns & RECOGNIZED_COLUMNS) >= 3


@dataclass(frozen=True, slots=True)
class _Columns:
    """The positions of the columns that tell what kind of row it is."""

    order: list[int]
    item: list[int]
    state: list[int]


@dataclass(slots=True)
class _OpenOrder:
    """The rows of one order that were read so far."""

    line: int
    rows: list[list[str]]


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    """Collect the rows of each order. An order is yielded once MAX_OPEN_ORDERS others have begun after it."""
    table = read_table(source, EXACT_COLUMNS)
    header = next(table, None)
    if header is None:
        return
    name_at = header.cells.index("name")
    columns = _Columns(
        *(
            [header.cells.index(name) for name in names if name in header.cells]
            for names in (ORDER_COLUMNS, ITEM_COLUMNS, STATE_COLUMNS)
        )
    )
    open_orders: OrderedDict[str, _OpenOrder] = OrderedDict()
    for row in table:
        name = row.cells[name_at].strip() if len(row.cells) > name_at else ""
        problem = row.problem or ("" if name else _("This row has no order number in its column Name."))
        if problem:
            yield RawItem(row.line, [row.cells], problem=problem)
            continue
        begins = any(row.cells[index].strip() for index in columns.order)
        known = open_orders.get(name)
        if known is None and not begins:
            yield RawItem(row.line, [row.cells], problem=_("This order's first row is missing or too far off."))
        elif known is None:
            open_orders[name] = _OpenOrder(row.line, [row.cells])
            if len(open_orders) > MAX_OPEN_ORDERS:
                done, rows = open_orders.popitem(last=False)
                yield from _items(done, rows, header.cells, context)
        elif begins and _is_new_version(known.rows, row.cells, columns):
            yield from _items(name, known, header.cells, context)
            open_orders[name] = _OpenOrder(row.line, [row.cells])
        elif row.cells not in known.rows[-50:] or not begins:
            known.rows.append(row.cells)
    for name, rows in open_orders.items():
        yield from _items(name, rows, header.cells, context)


def _is_new_version(rows: list[list[str]], cells: list[str], columns: _Columns) -> bool:
    """Whether a row that begins an order again is a later version of it, and not another item in a flat dialect."""
    if any(not any(row[index].strip() for index in columns.order) for row in rows):
        return cells != rows[0]  # not a flat dialect: the order has continuation rows
    state = [cells[index] for index in columns.state]
    return state != [rows[-1][index] for index in columns.state] and any(
        all(row[index] == cells[index] for index in columns.item) for row in rows
    )


def _items(name: str, order: _OpenOrder, columns: list[str], context: FeedContext) -> Iterator[RawItem]:
    problem = ""
    if len(order.rows) > MAX_ROWS:
        problem = _("This order has more than %(most)d rows.") % {"most": MAX_ROWS}
    yield RawItem(order.line, order.rows, (context.store, name), problem, content=columns)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    rows = [dict(zip(item.content, row, strict=True)) for row in item.raw if isinstance(row, list)]
    return StoreRecord.model_validate(_OrderRows(rows, context).to_record())


class _OrderRows:
    """Converts the rows of one order to a record."""

    def __init__(self, rows: list[dict[str, str]], context: FeedContext) -> None:
        self.rows = rows
        self.first = rows[0]
        self.context = context
        self.currency = self._currency()
        self.first_rows = [row for row in rows if any(row.get(column, "").strip() for column in ORDER_COLUMNS)]
        self.items = [row for row in rows if row.get("lineitem name", "").strip()]
        self.has_row_totals = len(self.first_rows) > 1 and self._totals_are_per_row()

    def to_record(self) -> dict[str, Any]:
        placed_at = self._placed_at()
        email = self.first.get("email", "").strip()
        record: dict[str, Any] = {
            "store": self.context.store,
            "number": self.first["name"].strip(),
            "email": email or None,
            "placed_at": placed_at,
            "currency": self.currency,
            "status": self._status(),
            "lines": self._lines(),
            "totals": self._totals(),
        }
        if references := self._references():
            record["references"] = references
        if "billing name" in self.first:
            record["billing"] = self._billing()
        if "payment method" in self.first:
            record["payment"] = {"method": self.first["payment method"].strip()[:32] or None}
        if "refunded amount" in self.first:
            record["refunds"] = self._refunds()
        return record

    def _references(self) -> list[str]:
        cells = [self.first.get(f"payment {name}", "") for name in ("reference", "id", "references")]
        return list(dict.fromkeys(name[:255] for cell in cells for name in re.split(r"[\s,+]+", cell) if name))[:20]

    def _amount(self, row: dict[str, str], column: str) -> Decimal:
        return parse_amount(row.get(column, ""), self.context.decimal_comma, self.currency)

    def _sum(self, column: str) -> Decimal:
        """An amount of the order: from its first row or, in flat dialects with amounts per row, the sum of all rows."""
        if self.has_row_totals:
            return sum((self._amount(row, column) for row in self.first_rows), Decimal(0))
        return self._amount(self.first, column)

    def _totals_are_per_row(self) -> bool:
        """Whether each row has its own total. Other flat dialects repeat the order's total on each row."""
        totals = [self._amount(row, "total") for row in self.first_rows]
        if len(set(totals)) > 1:
            return True
        items = sum((self._price(row) for row in self.first_rows), Decimal(0))
        return abs(sum(totals) - items) < abs(totals[0] - items)

    def _price(self, row: dict[str, str]) -> Decimal:
        return self._amount(row, "lineitem price") * self._quantity(row)

    def _quantity(self, row: dict[str, str]) -> int:
        text = row.get("lineitem quantity", "").strip()
        if not text:
            return 1
        quantity = parse_amount(text, self.context.decimal_comma)
        if quantity != int(quantity):
            raise ImportRejected(_("“%(text)s” is no quantity.") % {"text": text[:40]})
        return int(quantity)

    def _currency(self) -> str:
        if "currency" not in self.first:
            return NO_CURRENCY
        return self.first["currency"].strip().upper()

    def _placed_at(self) -> datetime:
        for column in ("created at", "paid at"):
            for row in self.rows:
                if text := row.get(column, "").strip():
                    return parse_time(text, self.context.time_zone, self.context.date_order)
        raise ImportRejected(_("This order has no date: neither Created at nor Paid at is filled."))

    def _status(self) -> Order.Status:
        text = self.first.get("financial status", "").strip()
        if text:
            status = read_status(text, STATUSES, self.context.status_meanings)
        elif "financial status" in self.first and not self.first.get("paid at", "").strip():
            status = Status.PENDING
        else:
            status = Status.COMPLETED
        refunded = self._sum("refunded amount")
        if refunded > 0 and status in (Status.COMPLETED, Status.PENDING):
            status = Status.REFUNDED if refunded >= self._sum("total") else Status.PARTIALLY_REFUNDED
        if self.first.get("cancelled at", "").strip() and status in (Status.COMPLETED, Status.PENDING):
            status = Status.CANCELLED
        return status

    def _lines(self) -> list[dict[str, Any]]:
        lines = [self._line(position, row) for position, row in enumerate(self.items, start=1)]
        if len(lines) == 1 and "lineitem price" not in self.first:
            lines[0]["unit_price"] = (self._sum("total") - self._sum("shipping")) / max(lines[0]["quantity"], 1)
            lines[0]["unit_price"] = lines[0]["unit_price"].quantize(Decimal("0.001"))
            lines[0]["total"] = self._sum("total") - self._sum("shipping")
        if shipping := self._sum("shipping"):
            name = self.first.get("shipping method", "").strip()[:300] or _("Shipping")
            costs = {"unit_price": shipping, "total": shipping}
            lines.append({"id": "shipping", "name": name, "kind": "other", "quantity": 1, **costs})
        return lines

    def _line(self, position: int, row: dict[str, str]) -> dict[str, Any]:
        discount = self._amount(row, "lineitem discount")
        tax = self._amount(row, "taxes") if self.has_row_totals else Decimal(0)
        if self.has_row_totals and "lineitem discount" not in row:
            discount = self._amount(row, "discount amount")
        return {
            "id": str(position),
            "sku": row.get("lineitem sku", "").strip() or None,
            "name": row["lineitem name"].strip(),
            "quantity": self._quantity(row),
            "unit_price": self._amount(row, "lineitem price"),
            "discount": discount,
            "tax": tax,
            "total": self._price(row) - discount + tax,
        }

    def _totals(self) -> dict[str, Decimal]:
        """The subtotal is the price of items and shipping before any discount.

        It is computed, because the export's own column has a different meaning in each dialect.
        """
        totals = {"total": self._sum("total")}
        if "taxes" in self.first:
            totals["tax"] = self._sum("taxes")
        if "discount amount" in self.first:
            totals["discount"] = self._sum("discount amount")
        if "lineitem price" in self.first:
            items = sum((self._price(row) for row in self.items), Decimal(0))
            totals["subtotal"] = items + self._sum("shipping")
        elif "subtotal" in self.first:
            totals["subtotal"] = self._sum("subtotal")
        return totals

    def _billing(self) -> dict[str, Any]:
        def cell(column: str) -> str:
            return self.first.get(f"billing {column}", "").strip()

        street = [cell("address1"), cell("address2")] if "billing address1" in self.first else [cell("street")]
        country = cell("country")
        is_code = len(country) == 2 and country.isascii() and country.isalpha()
        return {
            "name": cell("name"),
            "company": cell("company"),
            "lines": [line for line in [*street, "" if is_code else country] if line],
            "city": ", ".join(filter(None, (cell("city"), cell("province")))),
            # Shopify writes an apostrophe before postcodes, so that spreadsheets keep leading zeros.
            "postcode": cell("zip").removeprefix("'"),
            "country": country if is_code else None,
        }

    def _refunds(self) -> list[UndatedRefund]:
        """One refund with the sum of all. Only a cancellation has a date in the export."""
        refunded = self._sum("refunded amount")
        if refunded <= 0:
            return []
        cancelled = self.first.get("cancelled at", "").strip()
        at = parse_time(cancelled, self.context.time_zone, self.context.date_order) if cancelled else None
        return [UndatedRefund(id=TOTAL_REFUND_ID, amount=refunded, at=at, is_total=True)]


FEED = Feed(
    name="shopify",
    title="Shopify",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    is_table=True,
    date_columns=frozenset({"created at", "paid at", "cancelled at", "fulfilled at"}),
    amount_columns=frozenset(
        {
            *("subtotal", "shipping", "taxes", "total", "discount amount", "refunded amount", "outstanding balance"),
            *("lineitem price", "lineitem compare at price", "lineitem discount"),
        }
    ),
    required_columns=(("Name",),),
    column_names=COLUMN_NAMES,
    identifiers=frozenset({"name", "id", "lineitem sku", "payment reference", "payment id", "payment references"}),
)
