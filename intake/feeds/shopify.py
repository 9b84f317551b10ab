"""Shopify's order export (CSV) and its variants. Its JSON is read by `shopify_json`.

The export has a row for each item, with the order's number on each. Only the order's first row has its totals, and some
exports repeat its dates. Flat variants fill every column of every row. The portal reads those of the 79 columns that it
stores. If a column is missing, the stored values are kept. The export contains no serial numbers or card digits.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from intake.currencies import country_code, read_currency
from intake.feed import Feed, FeedContext, RawItem
from intake.feeds import shopify_json
from intake.feeds.shopify_common import COSTS, STATUSES, Status, order_reference, status_after
from intake.order_rows import Header, OrderCollector, read_cell
from intake.quantities import read_quantity
from intake.records import ITEMS, OrderRecord, StoreRecord, UndatedRefund
from intake.settlement import OrderAmounts, Part, Settled, Settlement, settle
from intake.source_file import Head, Row, SourceFile, is_json_text
from intake.statuses import read_status
from intake.tables import ExactColumns, read_table
from intake.values import parse_amount, parse_time
from orders.models import TOTAL_REFUND_ID, Order

# The rows of an order may have other orders between them, at most this many.
MAX_OPEN_ORDERS = 500

# Filled only on an order's first row, or on every row of a flat variant. The first group with a column in the file
# decides
# whether a row continues an order.
ORDER_COLUMN_GROUPS = (("total", "subtotal"), ("financial status", "currency"), ("created at", "paid at"))
ITEM_COLUMNS = ("lineitem name", "lineitem sku", "lineitem price", "lineitem quantity", "lineitem discount")
# These change during an order's life.
STATE_COLUMNS = ("email", "financial status", "paid at", "fulfillment status", "cancelled at", "refunded amount")
TIME_COLUMNS = ("created at", "paid at", "fulfilled at", "cancelled at")
# Columns that no other store's tables have.
DISTINCTIVE_COLUMNS = frozenset(
    {"financial status", "fulfillment status", "refunded amount", *(name for name in ITEM_COLUMNS)}
)
RECOGNIZED_COLUMNS = DISTINCTIVE_COLUMNS | {
    "created at",
    "paid at",
    "currency",
    "total",
    "subtotal",
    "email",
    "payment method",
}
# All columns that the feed reads. If several have the same name, they must not differ.
READ_COLUMNS = RECOGNIZED_COLUMNS | {
    *("name", "id"),
    *TIME_COLUMNS,
    *("shipping", "duties", "taxes", "discount amount", "shipping method", "lineitem taxable"),
    *("payment reference", "payment id", "payment references"),
    *(f"billing {part}" for part in ("name", "company", "street", "address1", "address2", "city", "zip", "province")),
    "billing country",
}

EXACT_COLUMNS = ExactColumns(
    frozenset(("name", "lineitem sku", "billing zip", "payment reference", "payment id", "payment references")),
    (("billing zip", "billing country"),),
)
# The names of record fields that people know.
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

_FIRST_NUMBER = re.compile(r"[^\r\n]*[\r\n]+\"?#")


def matches(head: Head) -> bool:
    return _is_table(head) or shopify_json.matches(head)


def _is_table(head: Head) -> bool:
    recognized = len(head.columns & RECOGNIZED_COLUMNS) if "name" in head.columns else 0
    if head.columns & DISTINCTIVE_COLUMNS:
        return recognized >= 2
    # A table of people has a name, too. Shopify's order names begin with # unless the shop changed that.
    return recognized >= 3 and "created at" in head.columns and bool(_FIRST_NUMBER.match(head.text.lstrip("\ufeff")))


# The same amounts are on many rows.
_parse_amount = lru_cache(maxsize=5_000)(parse_amount)


class _Header(Header):
    """Distinguishes rows that begin an order, continue it, or are a later version of it."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names, READ_COLUMNS.__contains__)
        groups = [self.find(columns) for columns in ORDER_COLUMN_GROUPS]
        known = [indexes for indexes in groups if indexes]
        self._marks = known[0] if known else []
        # The total may be missing on an order's first row.
        self._first_marks = groups[0] + groups[1] or groups[2]
        self._item = self.find(ITEM_COLUMNS)
        self._state = self.find(STATE_COLUMNS)

    def may_be_first(self, cells: list[str]) -> bool:
        return any(cells[index].strip() for index in self._first_marks) or not self._first_marks

    def continues(self, cells: list[str]) -> bool:
        return not any(cells[index].strip() for index in self._marks)

    def is_new_version(self, rows: list[list[str]], cells: list[str]) -> bool:
        """Whether a row that doesn't continue an order is a later version of it, and not an item in a flat variant."""
        if any(self.continues(row) for row in rows):
            return True  # not a flat variant
        state = [cells[index] for index in self._state]
        return state != [rows[-1][index] for index in self._state] and any(
            all(row[index] == cells[index] for index in self._item) for row in rows
        )


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    """Collect the rows of each order."""
    if is_json_text(source.head.text):
        yield from shopify_json.read_items(source, context)
        return
    table = read_table(source, EXACT_COLUMNS)
    first = next(table, None)
    if first is None:
        return
    header = _Header(first.cells)
    name_at = header.names.index("name")
    collector = OrderCollector(header, context, MAX_OPEN_ORDERS)
    for row in table:
        name = read_cell(row, name_at, source.head.delimiter)
        if row.problem:
            yield from collector.reject(name, row, row.problem)
        elif not name:
            problem = _("The column Name has no order number in this row.")
            if header.continues(row.cells):
                yield from collector.reject("", row, problem)
            else:
                yield RawItem(row.line, [row.cells], problem=problem)
        else:
            yield from _collect(collector, header, name, row)
    yield from collector.finish()


def _collect(collector: OrderCollector, header: _Header, name: str, row: Row) -> Iterator[RawItem]:
    known = collector.get(name)
    if known is None and header.may_be_first(row.cells):
        yield from collector.begin(name, row)
    elif known is None:
        yield RawItem(row.line, [row.cells], problem=_("This order’s first row is missing or too far from this row."))
    elif known.problem or header.continues(row.cells) or not header.is_new_version(known.rows, row.cells):
        collector.add(name, row)
    else:
        yield from collector.begin(name, row)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    if isinstance(item.raw, str):
        return shopify_json.parse_item(item, context)
    cells = [row for row in item.raw if isinstance(row, list)]
    return StoreRecord.model_validate(_OrderRows(cells, item.content, context).to_record())


class _OrderRows:
    """Converts the rows of one order to a record."""

    def __init__(self, cells: list[list[str]], header: _Header, context: FeedContext) -> None:
        self.header = header
        self.context = context
        self._amounts: dict[str, Decimal | None] = {}  # of the first row
        self.rows = [self.header.read(row) for row in cells]
        self.first = self.rows[0]
        self.currency = read_currency(self.first.get("currency", "")) or read_currency(context.currency)
        self.order_rows = [
            row for row, own in zip(self.rows, cells, strict=True) if not header.continues(own)
        ] or self.rows[:1]
        self._drop_repeated_rows(cells)
        self.has_row_totals = len(self.order_rows) > 1 and self._totals_are_per_row()
        self.items = [row for row in self.rows if row.get("lineitem name", "").strip()]
        self.costs = [name for name in COSTS if self.sum(name)]
        self.prices = [self._price(row) for row in self.items]
        self.settlement = self._settle(self.prices)

    def _drop_repeated_rows(self, cells: list[list[str]]) -> None:
        """Drop repeated rows of a flat file, unless the order's total needs two of the item."""
        if len(self.order_rows) != len(self.rows):
            return
        distinct = list({tuple(row): self.rows[index] for index, row in reversed(list(enumerate(cells)))}.values())
        distinct.reverse()
        if len(distinct) == len(self.rows) or not self.has("lineitem name"):
            self.rows = distinct if not self.has("lineitem name") else self.rows
            self.order_rows = self.rows
            return
        self.has_row_totals = False
        self.costs = [name for name in COSTS if self.amount(self.first, name)]
        self.items = self.rows
        prices = [self._price(row) for row in self.items]
        if self.sum("total") is not None and None not in prices and self._settle(prices) is None:
            self.rows = self.order_rows = distinct

    # --- Cells -----------------------------------------------------------------------------------------

    def has(self, *columns: str) -> bool:
        return any(column in self.header.columns for column in columns)

    def cell(self, column: str) -> str:
        return self.first.get(column, "").strip()

    def amount(self, row: dict[str, str], column: str) -> Decimal | None:
        """Return an amount of a row; None if it is missing."""
        text = row.get(column, "")
        return _parse_amount(text, self.context.decimal_comma, self.currency or "") if text.strip() else None

    def sum(self, column: str) -> Decimal | None:
        """Return an amount of the order: from its first row or, in flat variants with amounts per row, the sum of all
        rows.
        """
        if not self.has_row_totals:
            if column not in self._amounts:
                self._amounts[column] = self.amount(self.first, column)
            return self._amounts[column]
        parts = [amount for row in self.order_rows if (amount := self.amount(row, column)) is not None]
        return sum(parts, Decimal(0)) if parts else None

    def _totals_are_per_row(self) -> bool:
        """Whether each row has its own total. Other flat variants repeat the order's total on each row."""
        totals = [self.amount(row, "total") or Decimal(0) for row in self.order_rows]
        if len(set(totals)) > 1:
            return True
        items = sum((self._price(row) or Decimal(0) for row in self.order_rows), Decimal(0))
        return abs(sum(totals) - items) < abs(totals[0] - items)

    def _price(self, row: dict[str, str]) -> Decimal | None:
        price = self.amount(row, "lineitem price")
        return None if price is None else price * self._quantity(row)

    def _quantity(self, row: dict[str, str]) -> int:
        text = row.get("lineitem quantity", "")
        return read_quantity(text, self.context.decimal_comma) if text.strip() else 1

    def _time(self, column: str) -> datetime | None:
        text = next((text for row in self.rows if (text := row.get(column, "").strip())), "")
        return parse_time(text, self.context.time_zone, self.context.date_order) if text else None

    # --- Record ----------------------------------------------------------------------------------------

    def to_record(self) -> dict[str, Any]:
        record: dict[str, Any] = {"store": self.context.store, "number": self.cell("name"), "lines_by_content": True}
        times = {column: time for column in TIME_COLUMNS if (time := self._time(column))}
        if times:
            record["known_until"] = max(times.values())
        if "created at" in times:
            record["placed_at"] = times["created at"]
        elif "paid at" in times:
            record["if_new"] = {"placed_at": times["paid at"]}
        if self.has("email"):
            record["email"] = self.cell("email") or None
        if self.currency:
            record["currency"] = self.currency
        if status := self._status():
            record["status"] = status
        self._add_lines(record)
        if totals := self._totals():
            record["totals"] = totals
        if references := self._references():
            record["references"] = references
        if billing := self._billing():
            record["billing"] = billing
        if self.has("payment method"):
            record["payment"] = {"method": self.cell("payment method")[:32] or None}
        refunded = self.sum("refunded amount")
        if refunded is not None:
            record["refunds"] = self._refunds(refunded, times.get("cancelled at"))
        return record

    def _references(self) -> list[str]:
        cells = [self.first.get(f"payment {name}", "") for name in ("reference", "id", "references")]
        names = [name[:255] for cell in cells for name in re.split(r"[\s,+]+", cell)]
        return list(dict.fromkeys(filter(None, (order_reference(self.cell("id")), *names))))[:20]

    def _status(self) -> Order.Status | None:
        """Return the status according to several columns; None if none of them shows it."""
        status: Order.Status | None = None
        if text := self.cell("financial status"):
            status = read_status(text, STATUSES, self.context.status_meanings)
        elif self.has("paid at"):
            status = Status.COMPLETED if self.cell("paid at") else Status.PENDING
        refunded, total = self.sum("refunded amount") or Decimal(0), self.sum("total")
        return status_after(status, refunded, total, is_cancelled=bool(self.cell("cancelled at")))

    def _settle(self, prices: list[Decimal | None]) -> Settlement | None:
        """Return what each line cost; None if prices or the total are missing, or don't add up."""
        total = self.sum("total")
        if total is None or None in prices:
            return None
        items = [
            Part(
                price or Decimal(0),
                self._own_discount(row) or Decimal(0),
                self.amount(row, "taxes") if self.has_row_totals else None,
                row.get("lineitem taxable", "").strip().lower() != "false",
            )
            for price, row in zip(prices, self.items, strict=True)
        ]
        costs = [Part(self.sum(name) or Decimal(0)) for name in self.costs]
        amounts = OrderAmounts(total, self.sum("taxes"), self.sum("discount amount"), self.sum("subtotal"))
        return settle(items, costs, amounts, self.currency or "")

    def _own_discount(self, row: dict[str, str]) -> Decimal | None:
        if self.has_row_totals and not self.has("lineitem discount"):
            return self.amount(row, "discount amount")
        return self.amount(row, "lineitem discount")

    def _add_lines(self, record: dict[str, Any]) -> None:
        unknown = {name for name in COSTS if self.sum(name) is None}
        if not self.items or self.settlement is None:
            unknown.add(ITEMS)  # a list that doesn't add up to the total may lack items
        lines = [self._line(position, row) for position, row in enumerate(self.items, start=1)]
        for position, name in enumerate(self.costs):
            title = self.cell("shipping method")[:300] if name == "shipping" else ""
            line = {"id": name, "name": title or str(COSTS[name]), "kind": "other", "quantity": 1}
            line |= {"unit_price": self.sum(name), "total": self.sum(name)}
            if self.settlement and (settled := self.settlement.costs[position]):
                line |= self._settled(settled)
            lines.append(line)
        if lines or not unknown:
            record["lines"] = lines
            record["unknown_lines"] = unknown

    def _line(self, position: int, row: dict[str, str]) -> dict[str, Any]:
        line: dict[str, Any] = {"id": str(position), "name": row["lineitem name"].strip()}
        if self.has("lineitem sku"):
            line["sku"] = row["lineitem sku"].strip() or None
        if row.get("lineitem quantity", "").strip():
            line["quantity"] = self._quantity(row)
        if (price := self.amount(row, "lineitem price")) is not None:
            line["unit_price"] = price
        if self.settlement:
            line |= self._settled(self.settlement.items[position - 1])
        elif (discount := self._own_discount(row)) is not None:
            line["discount"] = discount
        return line

    def _settled(self, settled: Settled) -> dict[str, Decimal]:
        """Return what a line cost. If a column is missing, its tax or discount is unknown, not zero."""
        amounts = {"total": settled.total}
        if self.sum("taxes") is not None:
            amounts["tax"] = settled.tax
        if self.has("lineitem discount", "discount amount"):
            amounts["discount"] = settled.discount
        return amounts

    def _totals(self) -> dict[str, Decimal]:
        """Return the totals. The subtotal is the price of items and shipping before any discount.

        It is calculated, because the export's own column has a different meaning in each variant.
        """
        columns = {"total": "total", "tax": "taxes", "discount": "discount amount"}
        totals = {name: amount for name, column in columns.items() if (amount := self.sum(column)) is not None}
        if self.prices and None not in self.prices and self.has("shipping"):
            items = sum((price for price in self.prices if price is not None), Decimal(0))
            totals["subtotal"] = items + sum((self.sum(name) or Decimal(0) for name in self.costs), Decimal(0))
        return totals

    def _billing(self) -> dict[str, Any]:
        """Return the parts of the billing address for which the file has columns."""

        def cell(column: str) -> str:
            return self.cell(f"billing {column}")

        billing: dict[str, Any] = {name: cell(name) for name in ("name", "company") if self.has(f"billing {name}")}
        code = country_code(cell("country"))
        if self.has("billing country"):
            billing["country"] = code
        if self.has("billing address1", "billing street"):
            street = [cell("address1"), cell("address2")] if self.has("billing address1") else [cell("street")]
            billing["lines"] = [line for line in [*street, "" if code else cell("country")] if line]
        if self.has("billing city"):
            billing["city"] = ", ".join(filter(None, (cell("city"), cell("province"))))
        if self.has("billing zip"):
            # Shopify prefixes postcodes with an apostrophe, so that spreadsheets keep leading zeros.
            billing["postcode"] = cell("zip").removeprefix("'")
        return billing

    def _refunds(self, refunded: Decimal, cancelled_at: datetime | None) -> list[UndatedRefund]:
        """Return one refund with the sum of all. Only a cancellation has a date in the export."""
        if refunded <= 0:
            return []
        return [UndatedRefund(id=TOTAL_REFUND_ID, amount=refunded, at=cancelled_at, is_total=True)]


FEED = Feed(
    name="shopify",
    title="Shopify",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    reads_table=_is_table,
    order_lookups=("reference", "number"),
    date_columns=frozenset(TIME_COLUMNS),
    amount_columns=frozenset(
        {
            *("subtotal", "shipping", "taxes", "total", "discount amount", "refunded amount", "outstanding balance"),
            *("duties", "lineitem price", "lineitem compare at price", "lineitem discount"),
        }
    ),
    required_columns=(("Name",),),
    column_names=COLUMN_NAMES,
    identifiers=frozenset(
        {
            *("name", "id", "lineitem sku", "payment reference", "payment id", "payment references"),
            *("sku", "order_id", "admin_graphql_api_id", "checkout_id", "checkout_token", "token", "cart_token"),
            *("variant_id", "product_id", "line_item_id", "number", "order_number", "confirmation_number"),
        }
    ),
)
