"""Gumroad: the sales CSV, and pings as forms or JSON. Each sale of one product is an order.

All amounts are in US dollars, regardless of the currency of the product's price: with a decimal point in the CSV, in
cents in pings.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.form_documents import first_text, read_form_documents
from intake.formulas import unescape_formula
from intake.problems import ImportRejected, ProblemCode
from intake.records import OrderRecord, StoreRecord, UndatedRefund
from intake.source_file import Head, SourceFile
from intake.tables import ExactColumns, read_table
from intake.values import THOUSANDTH, parse_amount, parse_time
from orders.models import TOTAL_REFUND_ID, Order

CURRENCY = "USD"
TOTALS_ROW = "totals"  # the last row of the CSV, in the first column
OWN_COLUMNS = frozenset(
    {
        "purchase time (utc timezone)",
        "sale price ($)",
        "net total ($)",
        "do not contact?",
        "fully refunded?",
        "recurring charge?",
    }
)
EXACT_COLUMNS = ExactColumns(
    frozenset({"purchase id", "order number", "product id", "sku id", "license key", "stripe transaction id"})
)
# The names of record fields that people know.
COLUMN_NAMES = {
    "number": ("Order Number",),
    "email": ("Purchase Email",),
    "placed_at": ("Purchase Time (UTC timezone)", "Purchase Date"),
    "lines.id": ("Purchase ID",),
    "lines.name": ("Item Name",),
    "lines.sku": ("SKU ID", "Product ID"),
    "lines.quantity": ("Quantity",),
    "lines.tax": ("Taxes ($)",),
    "lines.total": ("Sale Price ($)",),
    "lines.licenses.serial": ("License Key",),
    "totals.total": ("Sale Price ($)",),
    "totals.tax": ("Taxes ($)",),
    "payment.method": ("Payment Type",),
    "billing.name": ("Buyer Name",),
    "billing.lines": ("Street Address",),
    "billing.city": ("City",),
    "billing.postcode": ("Zip Code",),
    "billing.country": ("Country",),
    "refunds.amount": ("Partial Refund ($)", "Sale Price ($)"),
}
FLAGS = {"1": True, "true": True, "0": False, "false": False}
ZERO = Decimal(0)

Status = Order.Status

_SALE = re.compile(r'["&]sale_timestamp["=]|^sale_timestamp=')
_SELLER = re.compile(r'["&](?:seller_id|short_product_id|product_permalink|gumroad_fee)["=]|^seller_id=')
_MASKED_CARD = re.compile(r"(?:[*•xX]+[ -]*)+([0-9]{4})")


def matches(head: Head) -> bool:
    if _is_table(head):
        return True
    text = first_text(head.text)
    body = text if text[:1] in ("{", "[") else text.partition("\n")[0]
    return bool(_SALE.search(body) and _SELLER.search(body))


def _is_table(head: Head) -> bool:
    return {"purchase id", "item name"} <= head.columns and len(head.columns & OWN_COLUMNS) >= 2


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    if _is_table(source.head):
        yield from _read_table(source, context)
        return
    for document in read_form_documents(source):
        value = document.value
        if isinstance(value, dict) and isinstance(value.get("purchase"), dict):
            value = value["purchase"]  # the response of a license verification
        yield RawItem(document.line, document.text, problem=document.problem, content=value)


def _read_table(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    table = read_table(source, EXACT_COLUMNS)
    header = next(table, None)
    for row in table:
        # A custom field may have the same name as another column: the first of them is Gumroad's own.
        pairs = list(zip(header.cells, row.cells, strict=False)) if header else []
        cells = {name: unescape_formula(cell).strip() for name, cell in reversed(pairs)}
        if cells.get("purchase id", "").lower() == TOTALS_ROW and not row.problem:
            continue
        number = cells.get("order number", "")
        yield RawItem(row.line, [row.cells], (context.store, number) if number else None, row.problem, cells)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    if not isinstance(item.content, dict):
        raise ImportRejected(_("This isn’t a Gumroad sale."))
    sale = _Row(item.content, context) if isinstance(item.raw, list) else _Ping(item.content, context)
    return StoreRecord.model_validate(sale.to_record())


class _Sale:
    """One sale. Subclasses define its field names and amounts."""

    names: Mapping[str, str] = {}

    def __init__(self, fields: dict[str, Any], context: FeedContext) -> None:
        self.fields = fields
        self.context = context

    def has(self, key: str) -> bool:
        return self.names.get(key) in self.fields

    def text(self, key: str) -> str:
        value = self.fields.get(self.names.get(key, ""))
        return "" if value is None else str(value).strip()

    def flag(self, key: str) -> bool | None:
        """Return a yes or no; None if it is missing."""
        text = self.text(key).lower()
        if text and text not in FLAGS:
            raise ImportRejected(
                _("“%(text)s” in “%(name)s” must be yes or no.") % {"text": text[:40], "name": self.names[key]}
            )
        return FLAGS.get(text)

    def amount(self, key: str) -> Decimal | None:
        """Return an amount in dollars; None if it is missing."""
        raise NotImplementedError

    def placed_at(self) -> datetime | None:
        raise NotImplementedError

    def details(self) -> dict[str, Any]:
        """Return the fields that differ between the two formats."""
        raise NotImplementedError

    def to_record(self) -> dict[str, Any]:
        if not self.text("number") or not self.text("id"):
            raise ImportRejected(_("This isn’t a sale: its order number or its sale ID is missing."))
        names = (self.text("id"), self.text("stripe"), self.text("paypal"))
        record: dict[str, Any] = {
            "store": self.context.store,
            "number": self.text("number"),
            "currency": CURRENCY,
            "references": list(filter(None, names)),
        }
        if placed_at := self.placed_at():
            record["placed_at"] = placed_at
        if self.has("email"):
            record["email"] = self.text("email") or None
        total = self.amount("total")
        if status := self._status():
            record["status"] = status
        if refunded := self._refunded(total):
            record["refunds"] = [UndatedRefund(id=TOTAL_REFUND_ID, amount=refunded, is_total=True)]
        if self.has("product_name"):
            record["lines"] = self._lines(total)
        if total is not None:
            record["totals"] = self._totals(total)
        return record | self.details()

    def _status(self) -> Order.Status | None:
        """Return the status. Exports contain only paid sales; a later change is known only if it is included."""
        if self.flag("is_disputed") and not self.flag("is_dispute_won"):
            return Status.CHARGED_BACK
        if self.flag("is_refunded"):
            return Status.REFUNDED
        if self._is_partly_refunded():
            return Status.PARTIALLY_REFUNDED
        if self.flag("is_authorization"):
            return Status.PENDING
        return None if self.flag("is_refunded") is None else Status.COMPLETED

    def _is_partly_refunded(self) -> bool:
        return bool(self.amount("partial_refund"))

    def _refunded(self, total: Decimal | None) -> Decimal | None:
        return total if self.flag("is_refunded") else self.amount("partial_refund")

    def _lines(self, total: Decimal | None) -> list[dict[str, Any]]:
        quantity = self._quantity()
        line: dict[str, Any] = {
            "id": self.text("id"),
            "name": ", ".join(filter(None, (self.text("product_name"), self.text("variants")))),
            "quantity": quantity,
        }
        if sku := self.text("sku") or self.text("product"):
            line["sku"] = sku
        if total is not None:
            tax, shipping = self.amount("tax"), self.amount("shipping") or ZERO
            line["total"] = total - shipping
            line["unit_price"] = ((total - shipping - (tax or ZERO)) / max(quantity, 1)).quantize(THOUSANDTH)
            if tax is not None:
                line["tax"] = tax
        if serial := self.text("license"):
            line["licenses"] = [{"serial": serial}]
        if self.flag("is_renewal"):
            line["kind"] = "renewal"
            if serial:
                line["extends"] = serial
        return [line, *self._shipping()]

    def _quantity(self) -> int:
        text = self.text("quantity")
        if not text:
            return 1
        quantity = parse_amount(text, self.context.decimal_comma)
        if quantity != int(quantity):
            raise ImportRejected(_("“%(text)s” isn’t a quantity.") % {"text": text[:40]})
        return int(quantity)

    def _shipping(self) -> list[dict[str, Any]]:
        price = self.amount("shipping")
        if not price:
            return []
        return [
            {
                "id": "shipping",
                "name": _("Shipping"),
                "kind": "other",
                "quantity": 1,
                "unit_price": price,
                "total": price,
            }
        ]

    def _totals(self, total: Decimal) -> dict[str, Decimal]:
        totals = {"total": total}
        if (tax := self.amount("tax")) is not None:
            totals |= {"tax": tax, "subtotal": total - tax}
        return totals


class _Row(_Sale):
    """A row of the sales CSV. Empty amounts are unknown."""

    names = {
        "id": "purchase id",
        "number": "order number",
        "email": "purchase email",
        "product_name": "item name",
        "product": "product id",
        "sku": "sku id",
        "variants": "variants",
        "quantity": "quantity",
        "total": "sale price ($)",
        "tax": "taxes ($)",
        "shipping": "shipping ($)",
        "license": "license key",
        "stripe": "stripe transaction id",
        "paypal": "paypal transaction id",
        "is_refunded": "fully refunded?",
        "partial_refund": "partial refund ($)",
        "is_disputed": "disputed?",
        "is_dispute_won": "dispute won?",
        "is_authorization": "pre-order authorization?",
        "is_renewal": "recurring charge?",
    }

    def amount(self, key: str) -> Decimal | None:
        text = self.text(key)
        return parse_amount(text, self.context.decimal_comma, CURRENCY) if text else None

    def placed_at(self) -> datetime | None:
        text = self.fields.get("purchase time (utc timezone)") or self.fields.get("purchase date")
        return parse_time(text, UTC, self.context.date_order) if text else None

    def details(self) -> dict[str, Any]:
        details: dict[str, Any] = {}
        billing: dict[str, Any] = {}
        if "buyer name" in self.fields:
            billing["name"] = self.fields["buyer name"]
        # Without a street, state and country are only those of the buyer's IP address.
        if street := self.fields.get("street address"):
            cell = {name: self.fields.get(name, "") for name in ("city", "state", "zip code", "country")}
            country = cell["country"]
            is_code = len(country) == 2 and country.isascii() and country.isalpha()
            billing |= {
                "lines": [line for line in (street, "" if is_code else country) if line],
                "city": ", ".join(filter(None, (cell["city"], cell["state"]))),
                "postcode": cell["zip code"],
                "country": country if is_code else None,
            }
        if billing:
            details["billing"] = billing
        if method := self.fields.get("payment type"):
            details["payment"] = {"method": method[:32]}
        return details


class _Ping(_Sale):
    """A ping, or the sale in the response of a license verification. Its price contains the seller's tax."""

    names = {
        "id": "sale_id",
        "number": "order_number",
        "email": "email",
        "product_name": "product_name",
        "product": "short_product_id",
        "sku": "sku_id",
        "quantity": "quantity",
        "total": "price",
        "shipping": "shipping_rate",
        "license": "license_key",
        "is_refunded": "refunded",
        "is_disputed": "disputed",
        "is_dispute_won": "dispute_won",
        "is_authorization": "is_preorder_authorization",
        "is_renewal": "is_recurring_charge",
    }

    def amount(self, key: str) -> Decimal | None:
        text = self.text(key)
        if not text:
            return None
        if not text.isascii() or not text.isdigit():
            raise ImportRejected(_("“%(text)s” isn’t an amount in cents.") % {"text": text[:40]})
        return Decimal(text).scaleb(-2)

    def placed_at(self) -> datetime | None:
        text = self.text_of("sale_timestamp")
        return parse_time(text, UTC) if text else None

    def text_of(self, name: str) -> str:
        value = self.fields.get(name)
        return value.strip() if isinstance(value, str) else ""

    def to_record(self) -> dict[str, Any]:
        kind = self.text_of("resource_name")
        if kind == "refund" and self.flag("is_refunded") is False:
            raise ImportRejected(_("This partial refund ping has no amount. Import the sales CSV, which contains it."))
        if "sale_timestamp" not in self.fields:
            raise ImportRejected(
                _("The Gumroad ping “%(kind)s” contains no sale.") % {"kind": kind[:40]},
                ProblemCode.NOT_AN_ORDER,
            )
        return super().to_record()

    def details(self) -> dict[str, Any]:
        details: dict[str, Any] = {}
        if "test" in self.fields:
            details["test"] = str(self.fields["test"]).lower() in ("true", "1")
        billing: dict[str, Any] = {}
        if "full_name" in self.fields:
            billing["name"] = self.text_of("full_name")
        address = self.fields.get("shipping_information")
        if isinstance(address, dict) and address.get("street_address"):
            billing |= {
                "lines": [address["street_address"]],
                "city": ", ".join(filter(None, (address.get("city"), address.get("state")))),
                "postcode": address.get("zip_code"),
            }
        if billing:
            details["billing"] = billing
        card = self.fields.get("card")
        if isinstance(card, dict) and (found := _MASKED_CARD.fullmatch(str(card.get("visual") or "").strip())):
            details["payment"] = {"last4": found[1]}
            if card.get("type"):
                details["payment"]["brand"] = str(card["type"]).lower()[:32]
        return details


FEED = Feed(
    name="gumroad",
    title="Gumroad",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    date_columns=frozenset({"purchase date", "purchase time (utc timezone)"}),
    amount_columns=frozenset(
        {
            *("subtotal ($)", "taxes ($)", "shipping ($)", "sale price ($)", "fees ($)", "net total ($)", "tip ($)"),
            *("partial refund ($)", "item price ($)", "variants price ($)"),
        }
    ),
    required_columns=(("Purchase ID",), ("Order Number",)),
    column_names=COLUMN_NAMES,
    identifiers=frozenset(
        {
            "purchase id",
            "order number",
            "product id",
            "license key",
            "paypal transaction id",
            "stripe transaction id",
            "sale_id",
            "order_number",
            "product_id",
            "short_product_id",
            "purchaser_id",
            "license_key",
        }
    ),
)
