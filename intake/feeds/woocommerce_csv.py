"""WooCommerce's orders as tables of the common export plugins.

A table has either one row per order, with its items in a single column or in numbered ones, or one row per item. The
plugins have different names for the same columns, which `woocommerce_columns` lists. If a column is missing, the stored
values are kept.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.currencies import country_code, read_currency
from intake.feed import FeedContext, RawItem
from intake.feeds.woocommerce_columns import (
    COLUMNS,
    COSTS,
    EXACT_COLUMNS,
    ORDER_FIELDS,
    PACKED_ITEM,
    first_value,
    is_used,
    normalize,
    numbered_field,
)
from intake.feeds.woocommerce_items import (
    BETWEEN_ITEMS,
    Item,
    items_of_json,
    refund_cells,
    settled_amounts,
    unpack_item,
)
from intake.order_rows import Header, OrderCollector, read_cell
from intake.problems import ImportRejected
from intake.records import ITEMS, OrderRecord, StoreRecord, UndatedRefund
from intake.settlement import OrderAmounts, Part, Settled, Settlement, settle
from intake.source_file import Row, SourceFile
from intake.statuses import read_status
from intake.tables import read_table
from intake.values import parse_amount, parse_time
from orders.models import TOTAL_REFUND_ID, Order

# The rows of an order may have other orders between them, at most this many.
MAX_OPEN_ORDERS = 500

Status = Order.Status
STATUSES = {
    "pending": Status.PENDING,
    "pending-payment": Status.PENDING,
    "on-hold": Status.PENDING,
    "processing": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
    "failed": Status.CANCELLED,
    "trash": Status.CANCELLED,
    "refunded": Status.REFUNDED,
    "partially-refunded": Status.PARTIALLY_REFUNDED,
}

BILLING = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
    "vat_id",
)


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    """Collect the rows of each order. A row without a number continues the order before it."""
    table = read_table(source, EXACT_COLUMNS)
    first = next(table, None)
    if first is None:
        return
    header = _Header([normalize(name) for name in first.cells])
    at = next(header.names.index(name) for name in COLUMNS["number"] if name in header.columns)
    collector = OrderCollector(header, context, MAX_OPEN_ORDERS)
    for row in table:
        number = read_cell(row, at, source.head.delimiter)
        if row.problem:
            yield from collector.reject(number, row, row.problem)
        else:
            yield from _collect(collector, header, number, row)
    yield from collector.finish()


def _collect(collector: OrderCollector, header: "_Header", number: str, row: Row) -> Iterator[RawItem]:
    known = collector.get(number or collector.last_number)
    if not number and (known is None or header.is_other_version(known.rows[0], row.cells)):
        yield RawItem(row.line, [row.cells], problem=_("This row has no order number."))
    elif known is None:
        yield from collector.begin(number, row)
    elif not number or known.problem or (header.are_items and not header.is_other_version(known.rows[0], row.cells)):
        collector.add(number or collector.last_number, row)
    else:
        yield from collector.begin(number, row)


class _Header(Header):
    """Finds the columns with items, and decides whether rows are items of one order or versions of it."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names, is_used)
        self._order = self.find({name for field in ORDER_FIELDS for name in COLUMNS[field]})
        self.packed = sorted((int(found[1]), name) for name in self.columns if (found := PACKED_ITEM.fullmatch(name)))
        # Number and part of an item, and its column. If a part has several columns, the first one is used.
        self.numbered = [(*field, name) for name in names if (field := numbered_field(name))]
        self.are_items = not self.packed and not self.numbered and bool(self.find(COLUMNS["item_name"]))
        self.missing_item = self._find_missing_item()

    def _find_missing_item(self) -> int:
        """Return the number of an item that is missing between others, so that the order would be incomplete; 0 if
        there is none.
        """
        named = {number for number, field, _column in self.numbered if field == "name"}
        missing = {number for number, _field, _column in self.numbered} - named
        for numbers in ({number for number, _column in self.packed}, named):
            missing |= set(range(1, max(numbers, default=0) + 1)) - numbers
        return min(missing, default=0)

    def is_other_version(self, first: list[str], cells: list[str]) -> bool:
        """Whether the order fields of two rows differ."""
        pairs = ((first[index].strip(), cells[index].strip()) for index in self._order)
        return any(one and other and one != other for one, other in pairs)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    header: _Header = item.content
    rows = [header.read(row) for row in item.raw if isinstance(row, list)]
    return StoreRecord.model_validate(_OrderRows(rows, header, context).to_record())


class _OrderRows:
    """Converts the rows of one order to a record."""

    def __init__(self, rows: list[dict[str, str]], header: _Header, context: FeedContext) -> None:
        self.rows = rows
        self.first = rows[0]
        self.header = header
        self.context = context
        self.currency = read_currency(self.text("currency")) or read_currency(context.currency)
        self.costs = [name for name in COSTS if self.amount(name)]
        self.items = self._read_items()
        self.settlement = self._settle(self.items)
        self._drop_repeated_items()

    # --- Cells -----------------------------------------------------------------------------------------

    def has(self, *names: str) -> bool:
        return any(self.header.columns.intersection(COLUMNS[name]) for name in names)

    def text(self, name: str) -> str:
        return first_value(self.first, COLUMNS[name])

    def amount(self, name: str) -> Decimal | None:
        """Return an amount of the order; None if it is missing."""
        return self._parse_amount(self.text(name))

    def _parse_amount(self, text: str) -> Decimal | None:
        return parse_amount(text, self.context.decimal_comma, self.currency or "") if text.strip() else None

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        return (
            parse_time(text, UTC if name.endswith("_gmt") else self.context.time_zone, self.context.date_order)
            if text
            else None
        )

    # --- Record ----------------------------------------------------------------------------------------

    def to_record(self) -> dict[str, Any]:
        record: dict[str, Any] = {"store": self.context.store, "number": self.text("number")}
        self._add_times(record)
        if self.has("email"):
            record["email"] = self.text("email") or None
        if self.currency:
            record["currency"] = self.currency
        refunds = self._refunds()
        if self.has("status"):
            refunded = sum((refund.amount for refund in refunds or ()), Decimal(0))
            record["status"] = order_status(self.text("status"), refunded, self.amount("total"), self.context)
        self._add_lines(record)
        if totals := self._totals():
            record["totals"] = totals
        parts = {name: self.text(name) for name in BILLING if self.has(name)}
        if self.has("full_name"):
            parts["name"] = self.text("full_name")
        if billing := billing_record(parts):
            record["billing"] = billing
        if self.has("method"):
            record["payment"] = {"method": self.text("method")[:32] or None}
        if refunds is not None:
            record["refunds"] = refunds
        if references := [name for name in (self.text("reference"), order_reference(self.text("order_id"))) if name]:
            record["references"] = [name[:255] for name in references]
        return record

    def _add_times(self, record: dict[str, Any]) -> None:
        placed_at = self.time("date_gmt") or self.time("date")
        paid_at = self.time("paid")
        if placed_at:
            record["placed_at"] = placed_at
        elif paid_at:
            record["if_new"] = {"placed_at": paid_at}
        if known := [time for time in (placed_at, paid_at, self.time("finished")) if time]:
            record["known_until"] = max(known)
        if modified_at := self.time("modified"):
            record["updated_at"] = modified_at

    def _totals(self) -> dict[str, Decimal]:
        names = ("total", "tax", "discount")
        totals = {name: amount for name in names if (amount := self.amount(name)) is not None}
        prices = [item.full_amount for item in self.items]
        if prices and None not in prices and self.has("shipping"):
            items = sum((price for price in prices if price is not None), Decimal(0))
            totals["subtotal"] = items + sum((self._cost(name) for name in self.costs), Decimal(0))
        return totals

    # --- Lines -----------------------------------------------------------------------------------------

    def _add_lines(self, record: dict[str, Any]) -> None:
        unknown = {name for name in COSTS if self.amount(name) is None}
        if not self.items or self.settlement is None:
            unknown.add(ITEMS)  # a list that doesn't add up to the total may lack items
        lines = [
            item.to_line(position, self._settled(self.settlement.items[position - 1]) if self.settlement else {})
            for position, item in enumerate(self.items, start=1)
        ]
        ids = {item.text("id") for item in self.items}
        if "" in ids or len(ids) < len(self.items):
            record["lines_by_content"] = True
            for position, line in enumerate(lines, start=1):
                line["id"] = str(position)
        for position, name in enumerate(self.costs):
            amount = self._cost(name)
            line = {"id": name, "name": str(COSTS[name]), "kind": "other", "quantity": 1, "unit_price": amount}
            tax = self.amount(f"{name}_tax") if name != "gift_card" else None
            line |= {"tax": tax or Decimal(0), "total": amount + (tax or Decimal(0))}
            if self.settlement:
                settled = self.settlement.costs[position]
                if settled is None:
                    continue
                line |= self._settled(settled)
            lines.append(line)
        if lines or not unknown:
            record["lines"] = lines
            record["unknown_lines"] = unknown

    def _settled(self, settled: Settled) -> dict[str, Decimal]:
        has_tax = self.amount("tax") is not None or any(item.amount("tax") is not None for item in self.items)
        has_discount = self.has("discount") or all("subtotal" in item.fields for item in self.items)
        return settled_amounts(settled, has_tax=has_tax, has_discount=has_discount)

    def _cost(self, name: str) -> Decimal:
        amount = self.amount(name) or Decimal(0)
        return -abs(amount) if name == "gift_card" else amount

    def _settle(self, items: "list[Item]") -> Settlement | None:
        """Return what each line cost; None if prices or the total are missing, or don't add up."""
        total = self.amount("total")
        parts = [item.part() for item in items]
        if total is None or None in parts:
            return None
        costs = [
            Part(
                self._cost(name),
                tax=self.amount(f"{name}_tax") if name != "gift_card" else None,
                is_gift_card=name == "gift_card",
            )
            for name in self.costs
        ]
        amounts = OrderAmounts(total, self.amount("tax"), self.amount("discount"))
        return settle([part for part in parts if part], costs, amounts, self.currency or "")

    def _drop_repeated_items(self) -> None:
        """Drop repeated rows if the order's total needs the item only once. Otherwise, they are separate items."""
        if self.settlement is not None:
            return
        distinct = [
            item for index, item in enumerate(self.items) if item.fields not in [i.fields for i in self.items[:index]]
        ]
        if len(distinct) < len(self.items) and (settlement := self._settle(distinct)):
            self.items, self.settlement = distinct, settlement

    def _read_items(self) -> "list[Item]":
        if self.header.missing_item:
            raise ImportRejected(
                _("The columns of item %(number)d are missing, but those of other items aren’t. Export the file again.")
                % {"number": self.header.missing_item}
            )
        for read in (self._packed_items, self._numbered_items, self._items_in_cell, self._item_rows):
            if fields := [each for row in self.rows for each in read(row)]:
                return [Item(each, self.context.decimal_comma, self.currency or "") for each in fields]
        return []

    def _packed_items(self, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        for _number, column in self.header.packed:
            if row[column].strip():
                yield unpack_item(row[column])

    def _numbered_items(self, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        items: dict[int, dict[str, Any]] = {}
        for number, field, column in self.header.numbered:
            if row[column].strip():
                items.setdefault(number, {}).setdefault(field, row[column])
        for _number, fields in sorted(items.items()):
            if fields.get("name"):
                yield fields

    def _items_in_cell(self, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        text = first_value(row, COLUMNS["items"])
        if text.startswith(("[", "{")):
            yield from items_of_json(text)
        elif ":" in text:
            yield from (unpack_item(cell) for cell in BETWEEN_ITEMS.split(text) if cell.strip())
        elif text and not text.replace(".", "").isdigit():  # otherwise it is a count
            raise ImportRejected(_("“%(text)s” isn’t a known kind of item.") % {"text": text[:40]})

    def _item_rows(self, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        fields = {
            field.removeprefix("item_"): text
            for field, names in COLUMNS.items()
            if field.startswith("item_") and (text := first_value(row, names))
        }
        # Older versions of a plugin call it just "Name", next to the number of the item.
        if "name" not in fields and "item #" in row and row.get("name", "").strip():
            fields["name"] = row["name"].strip()
        if fields.get("name"):
            yield fields

    # --- Refunds ---------------------------------------------------------------------------------------

    def _refunds(self) -> list[UndatedRefund] | None:
        """Return the refunds; None if the file doesn't have them."""
        if packed := self.text("refunds"):
            return [each for each in map(self._refund, enumerate(refund_cells(packed), start=1)) if each]
        refunded = self.amount("refunded")
        if refunded is None:
            return [] if self.has("refunds") else None
        return [UndatedRefund(id=TOTAL_REFUND_ID, amount=abs(refunded), is_total=True)] if refunded else []

    def _refund(self, numbered: tuple[int, dict[str, Any]]) -> UndatedRefund | None:
        """Convert a refund in a single cell: amount:46.00|reason:refund|date:2019-06-19 12:13:48. Some have an id."""
        position, parts = numbered
        at = (
            parse_time(str(parts["date"]), self.context.time_zone, self.context.date_order)
            if parts.get("date")
            else None
        )
        refunded = abs(self._parse_amount(str(parts.get("amount") or parts.get("total") or "")) or Decimal(0))
        refund_id = str(parts.get("id") or f"{TOTAL_REFUND_ID}-{position}").strip()
        return UndatedRefund(id=refund_id, amount=refunded, at=at) if refunded and refund_id != "0" else None


def order_reference(order_id: Any) -> str:
    """Return the reference by which refunds find their order. An order's number may differ from its id."""
    return f"{ORDER_REFERENCE}{order_id}" if order_id else ""


ORDER_REFERENCE = "woocommerce-order-"


def billing_record(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a billing record from the WooCommerce address fields that are present."""
    part = {name: str(value or "").strip() for name, value in parts.items()}.get
    billing: dict[str, Any] = {}
    if "name" in parts or {"first_name", "last_name"} <= parts.keys():
        billing["name"] = part("name", "") or f"{part('first_name', '')} {part('last_name', '')}".strip()
    billing |= {name: part(name, "") for name in ("company", "postcode", "vat_id") if name in parts}
    code = country_code(part("country", ""))
    if "country" in parts:
        billing["country"] = code
    if parts.keys() & {"address_1", "address_2"}:
        lines = (part("address_1"), part("address_2"), "" if code else part("country"))
        billing["lines"] = [line for line in lines if line]
    if "city" in parts:
        billing["city"] = ", ".join(filter(None, (part("city"), part("state"))))
    return billing


def order_status(word: str, refunded: Decimal, total: Decimal | None, context: FeedContext) -> str:
    """Map a WooCommerce status. WooCommerce stores status words with a prefix, as in `wc-completed`."""
    mapped = read_status(word.strip().removeprefix("wc-"), STATUSES, context.status_meanings)
    if mapped == Status.COMPLETED and refunded > 0:
        is_all = total is not None and refunded >= total
        mapped = Status.REFUNDED if is_all else Status.PARTIALLY_REFUNDED
    return mapped.value
