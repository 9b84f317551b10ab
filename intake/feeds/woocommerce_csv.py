"""WooCommerce's orders as tables of the common export plugins.

Either one row per order, with its items in separate columns or in a single one, or one row per item.
Each plugin has its own names for the same columns: COLUMNS lists them.
"""

import html
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import FeedContext, RawItem
from intake.problems import ImportRejected
from intake.records import OrderRecord, StoreRecord, UndatedRefund
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.tables import ExactColumns, read_table
from intake.values import NO_CURRENCY, THOUSANDTH, parse_amount, parse_time
from orders.models import TOTAL_REFUND_ID, Order

Status = Order.Status
STATUSES = {
    "pending": Status.PENDING,
    "pending-payment": Status.PENDING,
    "on-hold": Status.PENDING,
    "checkout-draft": Status.PENDING,
    "processing": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "cancelled": Status.CANCELLED,
    "failed": Status.CANCELLED,
    "trash": Status.CANCELLED,
    "refunded": Status.REFUNDED,
    "partially-refunded": Status.PARTIALLY_REFUNDED,
}

# The portal's fields and what the plugins call them; the first column that a file has is used.
COLUMNS = {
    "number": (
        "order_number_formatted",
        "order_number",
        "order number",
        "order #",
        "order_id",
        "order id",
    ),
    "date": ("order_date", "order date", "date", "date_created", "order date (gmt)", "created at", "paid_date"),
    "status": ("status", "order status", "order_status"),
    "currency": ("order_currency", "currency", "order currency"),
    "total": ("order_total", "order total amount", "order total", "total", "total_amount"),
    "tax": ("tax_total", "order_tax", "order total tax amount", "order tax", "total_tax", "tax"),
    "discount": ("discount_total", "cart_discount", "cart discount amount", "discount amount", "discount"),
    "shipping": ("shipping_total", "order_shipping", "order shipping amount", "shipping_cost", "shipping"),
    "fees": ("fee_total", "order fee amount"),
    "refunded": ("refunded_total", "order refund amount", "refunded amount", "refund_total"),
    "method": ("payment_method_title", "payment method title", "payment method", "payment_method"),
    "reference": ("transaction_id", "transaction id", "payment reference"),
    "email": ("billing_email", "email (billing)", "billing email", "billing email address", "customer_email", "email"),
    "first_name": ("billing_first_name", "first name (billing)", "billing first name"),
    "last_name": ("billing_last_name", "last name (billing)", "billing last name"),
    "full_name": ("billing_full_name", "full name (billing)", "billing name"),
    "company": ("billing_company", "company (billing)", "billing company"),
    "address_1": ("billing_address_1", "address 1 (billing)", "address 1&2 (billing)", "billing address 1"),
    "address_2": ("billing_address_2", "address 2 (billing)", "billing address 2"),
    "city": ("billing_city", "city (billing)", "billing city"),
    "state": ("billing_state", "state code (billing)", "state name (billing)", "billing state"),
    "postcode": ("billing_postcode", "postcode (billing)", "billing postcode", "billing zip"),
    "country": ("billing_country", "country code (billing)", "billing country"),
    "item_name": ("item_name", "item name", "product name", "line item name"),
    "item_sku": ("item_sku", "sku", "product sku", "line item sku"),
    "item_quantity": ("item_quantity", "quantity", "qty", "quantity (- refund)", "line item quantity"),
    "item_price": ("item_price", "item cost", "item price", "product price"),
    "item_total": ("item_total", "order line total", "item total", "line item total", "order line subtotal"),
    "item_tax": ("item_tax", "item_total_tax", "order line tax", "item tax", "line item tax"),
    "items": ("line_items", "line items", "order_items"),
}
EXACT_COLUMNS = ExactColumns(
    frozenset(column for field in ("number", "item_sku", "postcode", "reference") for column in COLUMNS[field]),
    tuple((postcode, country) for postcode in COLUMNS["postcode"] for country in COLUMNS["country"]),
)
DATE_COLUMNS = frozenset((*COLUMNS["date"], "completed_date"))
AMOUNT_COLUMNS = frozenset(
    column
    for field in ("total", "tax", "discount", "shipping", "fees", "refunded", "item_price", "item_total", "item_tax")
    for column in COLUMNS[field]
)
# What people know the fields of a record as.
COLUMN_NAMES = {
    "number": COLUMNS["number"],
    "email": COLUMNS["email"],
    "currency": COLUMNS["currency"],
    "placed_at": COLUMNS["date"],
    "lines.name": COLUMNS["item_name"],
    "lines.sku": COLUMNS["item_sku"],
    "lines.quantity": COLUMNS["item_quantity"],
    "lines.unit_price": COLUMNS["item_price"],
    "lines.tax": COLUMNS["item_tax"],
    "lines.total": COLUMNS["item_total"],
    "totals.total": COLUMNS["total"],
    "totals.tax": COLUMNS["tax"],
    "totals.discount": COLUMNS["discount"],
    "payment.method": COLUMNS["method"],
    "billing.name": (*COLUMNS["full_name"], *COLUMNS["first_name"]),
    "billing.company": COLUMNS["company"],
    "billing.lines": COLUMNS["address_1"],
    "billing.city": COLUMNS["city"],
    "billing.postcode": COLUMNS["postcode"],
    "billing.country": COLUMNS["country"],
    "refunds.amount": COLUMNS["refunded"],
}
_NUMBERED_ITEM = re.compile(r"line_item_\d+")
_RECOGNIZED_FIELDS = ("status", "date", "total", "currency", "email", "item_name", "items", "tax", "shipping", "method")
MAX_ROWS = 5_000  # per order


def matches(head: Head) -> bool:
    known = {name for name, columns in COLUMNS.items() if head.columns.intersection(columns)}
    return "number" in known and len(known.intersection(_RECOGNIZED_FIELDS)) >= 3


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    """Collect consecutive rows with the same order number, or with none."""
    table = read_table(source, EXACT_COLUMNS)
    header = next(table, None)
    if header is None:
        return
    at = next(header.cells.index(name) for name in COLUMNS["number"] if name in header.cells)
    number, first_line, rows = "", 0, list[list[str]]()
    for row in table:
        if row.problem:
            yield RawItem(row.line, [row.cells], problem=row.problem)
            continue
        row_number = row.cells[at].strip()
        if rows and row_number in ("", number) and len(rows) < MAX_ROWS:
            rows.append(row.cells)
            continue
        if rows:
            yield _item(first_line, number, rows, header.cells, context)
        number, first_line, rows = row_number, row.line, [row.cells]
    if rows:
        yield _item(first_line, number, rows, header.cells, context)


def _item(line: int, number: str, rows: list[list[str]], columns: list[str], context: FeedContext) -> RawItem:
    problem = "" if number else _("This row has no order number.")
    return RawItem(line, rows, (context.store, number), problem, content=columns)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    rows = [dict(zip(item.content, row, strict=True)) for row in item.raw if isinstance(row, list)]
    return StoreRecord.model_validate(_OrderRows(rows, context).to_record())


class _OrderRows:
    """Converts the rows of one order to a record."""

    def __init__(self, rows: list[dict[str, str]], context: FeedContext) -> None:
        self.rows = rows
        self.context = context
        self.first = rows[0]
        self.currency = self.text("currency").upper() if self.has("currency") else NO_CURRENCY

    def has(self, name: str) -> bool:
        return any(column in self.first for column in COLUMNS[name])

    def text(self, name: str, row: Mapping[str, str] | None = None) -> str:
        row = self.first if row is None else row
        return next((row[column].strip() for column in COLUMNS[name] if row.get(column, "").strip()), "")

    def amount(self, name: str, row: Mapping[str, str] | None = None) -> Decimal:
        return parse_amount(self.text(name, row), self.context.decimal_comma, self.currency)

    def to_record(self) -> dict[str, Any]:
        if not self.text("date"):
            raise ImportRejected(_("This order has no date."))
        placed_at = parse_time(self.text("date"), self.context.time_zone, self.context.date_order)
        lines = self.lines()
        refunds = self.refunds()
        total = self.amount("total")
        record: dict[str, Any] = {
            "store": self.context.store,
            "number": self.text("number"),
            "email": self.text("email") or None,
            "placed_at": placed_at,
            "currency": self.currency,
            "status": order_status(
                self.text("status"), sum((refund.amount for refund in refunds), Decimal(0)), total, self.context
            ),
            "lines": lines,
            "totals": {
                "subtotal": sum((line["unit_price"] * line["quantity"] for line in lines), Decimal(0)),
                "discount": self.amount("discount"),
                "tax": self.amount("tax"),
                "total": total,
            },
            "billing": billing_record({name: self.text(name) for name in BILLING} | {"name": self.text("full_name")}),
        }
        if self.has("method"):
            record["payment"] = {"method": self.text("method")[:32]}
        if self.has("refunded") or "refund_items" in self.first:
            record["refunds"] = refunds
        if reference := self.text("reference"):
            record["references"] = [reference[:255]]
        return record

    def lines(self) -> list[dict[str, Any]]:
        if any(_NUMBERED_ITEM.fullmatch(column) for column in self.first):
            cells = [cell for name, cell in self.first.items() if _NUMBERED_ITEM.fullmatch(name) and cell.strip()]
            lines = [self.parse_packed_item(position, cell) for position, cell in enumerate(cells, start=1)]
        elif self.has("items"):
            cells = [cell for cell in re.split(r"[;\n]+", self.text("items")) if cell.strip()]
            lines = [self.parse_packed_item(position, cell) for position, cell in enumerate(cells, start=1)]
        else:
            items = [row for row in self.rows if self.text("item_name", row)]
            lines = [self.line(position, row) for position, row in enumerate(items, start=1)]
        for name, title in (("shipping", _("Shipping")), ("fees", _("Fees"))):
            if cost := self.amount(name):
                costs = {"unit_price": cost, "total": cost}
                lines.append({"id": name, "name": title, "kind": "other", "quantity": 1, **costs})
        return lines

    def parse_packed_item(self, position: int, cell: str) -> dict[str, Any]:
        """Parse an item in a single cell: name:Product|sku:A12|quantity:1|total:8.00|tax:1.44."""
        parts = dict(part.partition(":")[::2] for part in cell.split("|"))
        parts = {name.strip().lower(): text.strip() for name, text in parts.items()}
        if not parts.get("name"):
            raise ImportRejected(_("“%(text)s” is no item that is known here.") % {"text": cell[:40]})
        fields = {"name": "name", "sku": "sku", "quantity": "quantity", "total": "total", "tax": "tax"}
        row = {COLUMNS[f"item_{field}"][0]: parts.get(name, "") for name, field in fields.items()}
        if "tax" not in parts:
            row[COLUMNS["item_tax"][0]] = parts.get("total_tax", "")
        return self.line(position, row)

    def line(self, position: int, row: Mapping[str, str]) -> dict[str, Any]:
        quantity = int(self.amount("item_quantity", row)) if self.text("item_quantity", row) else 1
        tax = self.amount("item_tax", row)
        if self.text("item_total", row):
            total = self.amount("item_total", row)
        else:
            total = self.amount("item_price", row) * quantity
        return {
            "id": str(position),
            "sku": self.text("item_sku", row) or None,
            "name": html.unescape(self.text("item_name", row)),
            "quantity": quantity,
            "unit_price": (total / max(quantity, 1)).quantize(THOUSANDTH),
            "tax": tax,
            "total": total + tax,
        }

    def refunds(self) -> list[UndatedRefund]:
        if packed := self.first.get("refund_items", "").strip():
            return [
                self.parse_packed_refund(position, cell) for position, cell in enumerate(packed.split(";"), start=1)
            ]
        refunded = abs(self.amount("refunded"))
        return [UndatedRefund(id=TOTAL_REFUND_ID, amount=refunded, is_total=True)] if refunded else []

    def parse_packed_refund(self, position: int, cell: str) -> UndatedRefund:
        """Parse a refund in a single cell: amount:46.00|reason:refund|date:2019-06-19 12:13:48."""
        parts = dict(part.partition(":")[::2] for part in cell.split("|"))
        at = parse_time(parts["date"], self.context.time_zone, self.context.date_order) if parts.get("date") else None
        refunded = abs(parse_amount(parts.get("amount", ""), self.context.decimal_comma, self.currency))
        return UndatedRefund(id=f"{TOTAL_REFUND_ID}-{position}", amount=refunded, at=at)


BILLING = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")


def billing_record(parts: Mapping[str, Any]) -> dict[str, Any]:
    """A billing record from WooCommerce's address fields."""
    part = {name: str(value or "").strip() for name, value in parts.items()}.get
    country = part("country", "")
    is_code = len(country) == 2 and country.isascii() and country.isalpha()
    return {
        "name": part("name", "") or f"{part('first_name', '')} {part('last_name', '')}".strip(),
        "company": part("company", ""),
        "lines": [line for line in (part("address_1"), part("address_2"), "" if is_code else country) if line],
        "city": ", ".join(filter(None, (part("city"), part("state")))),
        "postcode": part("postcode", ""),
        "country": country if is_code else None,
    }


def order_status(word: str, refunded: Decimal, total: Decimal, context: FeedContext) -> str:
    """Map a WooCommerce status. WooCommerce stores its words with a prefix, as in `wc-completed`."""
    mapped = read_status(word.strip().removeprefix("wc-"), STATUSES, context.status_meanings)
    if mapped == Status.COMPLETED and refunded > 0:
        mapped = Status.REFUNDED if refunded >= total else Status.PARTIALLY_REFUNDED
    return mapped.value
