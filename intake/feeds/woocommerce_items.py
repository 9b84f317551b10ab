"""The items of WooCommerce's orders in tables: in separate columns, or packed into a cell."""

import html
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feeds.woocommerce_columns import ITEM_FIELDS, SERIAL_KEY, normalize
from intake.problems import ImportRejected
from intake.quantities import read_quantity, read_serials
from intake.settlement import Part, Settled
from intake.values import THOUSANDTH, parse_amount

# Names may contain the characters that separate items and their parts.
BETWEEN_ITEMS = re.compile(r"[;\n]+(?=\s*[\w ]+:)")
_NAME_IN_CELL = re.compile(
    r"(?:(?<=^)|(?<=\|))\s*(?:name|item_name|product_name):(.*?)"
    r"(?:$|\|(?=\s*(?:product_id|id|sku|quantity|qty|price|total|subtotal|sub_total|tax|total_tax)\s*:))",
    re.DOTALL,
)
_BETWEEN_PARTS = re.compile(r"\|(?=[\w ]+:)")


class Item:
    """One item: the texts of its parts, by the names in ITEM_FIELDS."""

    def __init__(self, fields: dict[str, Any], decimal_comma: bool | None, currency: str) -> None:
        self.fields = fields
        self._decimal_comma = decimal_comma
        self._currency = currency
        self.quantity = self._quantity()

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None else str(value).strip()

    def amount(self, name: str) -> Decimal | None:
        text = self.text(name)
        return parse_amount(text, self._decimal_comma, self._currency) if text else None

    def _quantity(self) -> int | None:
        """Return the bought quantity; None if it is missing."""
        if text := self.text("quantity"):
            return read_quantity(text, self._decimal_comma)
        if text := self.text("quantity_left"):
            # Refunded units are deducted. The total of the line is that of all units.
            left = read_quantity(text, self._decimal_comma)
            price, total = self.amount("price"), self.amount("subtotal") or self.amount("total")
            if price and total and total % price == 0 and total / price >= left:
                return int(total / price)
            return left or None
        return 1

    @property
    def has_quantity(self) -> bool:
        return "quantity" in self.fields or "quantity_left" in self.fields

    @property
    def full_amount(self) -> Decimal | None:
        """Return the price of all units, before discounts; None if it is missing."""
        if (subtotal := self.amount("subtotal")) is not None:
            return subtotal
        price, total = self.amount("price"), self.amount("total")
        if total is not None:
            return total
        return None if price is None or self.quantity is None else price * self.quantity

    def part(self) -> Part | None:
        """Return the amounts of the item for the settlement."""
        amount, total = self.full_amount, self.amount("total")
        if amount is None:
            return None
        discount = amount - total if total is not None else Decimal(0)
        return Part(amount, discount, self.amount("tax"))

    def to_line(self, position: int, settled: dict[str, Decimal]) -> dict[str, Any]:
        line: dict[str, Any] = {"id": self.text("id") or str(position), "name": html.unescape(self.text("name"))}
        if "sku" in self.fields:
            line["sku"] = self.text("sku") or None
        price, amount = self.amount("price"), self.full_amount
        if self.quantity is not None and self.has_quantity:
            line["quantity"] = self.quantity
            if amount is not None and self.quantity and (price is None or {"subtotal", "total"} & self.fields.keys()):
                price = (amount / self.quantity).quantize(THOUSANDTH)
        if price is not None:
            line["unit_price"] = price
        line |= settled
        if serials := read_serials(self.fields.get("serials")):
            line["licenses"] = [{"serial": serial} for serial in serials]
        return line


def settled_amounts(settled: Settled, *, has_tax: bool = True, has_discount: bool = True) -> dict[str, Decimal]:
    """Return the amounts of a line. A missing tax or discount may still be stored."""
    amounts = {"total": settled.total.quantize(THOUSANDTH)}
    if has_tax:
        amounts["tax"] = settled.tax.quantize(THOUSANDTH)
    if has_discount:
        amounts["discount"] = settled.discount.quantize(THOUSANDTH)
    return amounts


def unpack_item(cell: str) -> dict[str, Any]:
    """Split an item in a single cell: name:Product|sku:A12|quantity:1|total:8.00|tax:1.44."""
    named = _NAME_IN_CELL.search(cell)
    others = cell[: named.start()] + cell[named.end() :] if named else cell
    fields = _named_fields(dict(part.partition(":")[::2] for part in _BETWEEN_PARTS.split(others)))
    if named:
        fields["name"] = named[1]
    if not str(fields.get("name", "")).strip():
        raise ImportRejected(_("“%(text)s” isn’t a known kind of item.") % {"text": cell[:40]})
    return fields


def items_of_json(text: str) -> list[dict[str, Any]]:
    """Return the items of a cell with JSON: a list of objects, or an object of them."""
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise ImportRejected(_("“%(text)s” isn’t a known kind of item.") % {"text": text[:40]}) from None
    if isinstance(value, dict):
        inner = list(value.values())
        value = inner if inner and all(isinstance(each, dict) for each in inner) else [value]
    fields = [_named_fields(each) for each in value if isinstance(each, dict)]
    if len(fields) < len(value) or not all(each.get("name") for each in fields):
        raise ImportRejected(_("“%(text)s” isn’t a known kind of item.") % {"text": text[:40]})
    return fields


def _named_fields(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an item by their names in ITEM_FIELDS."""
    fields: dict[str, Any] = {}
    for name, value in parts.items():
        field = ITEM_FIELDS.get(normalize(str(name)))
        if field is None and SERIAL_KEY.fullmatch(str(name).strip()):
            field = "serials"
        if field and value not in (None, ""):
            fields.setdefault(field, value)
    return fields


def refund_cells(packed: str) -> list[dict[str, Any]]:
    if packed.startswith("["):
        try:
            value = json.loads(packed, parse_float=Decimal)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            return value
    cells = [cell for cell in BETWEEN_ITEMS.split(packed) if cell.strip()]
    return [{name.strip().lower(): text for name, text in _parts(cell).items()} for cell in cells]


def _parts(cell: str) -> dict[str, str]:
    return dict(part.partition(":")[::2] for part in _BETWEEN_PARTS.split(cell))
