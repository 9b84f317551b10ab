"""Convert the rows of one order in a mapped table to a record."""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.currencies import country_code, read_currency
from intake.feed import FeedContext
from intake.mapping.fields import FIELDS, Group
from intake.models import TableMapping
from intake.order_rows import Header
from intake.problems import ImportRejected, ProblemCode
from intake.quantities import read_quantity, read_serials
from intake.records import ITEMS, UndatedRefund
from intake.settlement import OrderAmounts, Part, Settlement, settle
from intake.statuses import read_status
from intake.values import parse_amount, parse_time
from orders.card_numbers import contains_card_number
from orders.models import TOTAL_REFUND_ID, Order

SHIPPING = "shipping"  # the id of its line
SHIPPING_TITLE = gettext_lazy("Shipping")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z]{2,4})?")
_LAST4 = re.compile(r"[^0-9]*([0-9]{4})")  # such as "VISA ****4242"
_NOTHING = re.compile(r"[0.,\s]*")  # empty, or zero

Status = Order.Status
_parse_amount = lru_cache(maxsize=5_000)(parse_amount)  # the same amounts are on many rows


class MappedHeader(Header):
    """The columns of a table, and the columns mapped to each field."""

    def __init__(self, names: list[str], mapping: TableMapping) -> None:
        super().__init__(names, mapping.columns.__contains__)
        self.columns_of: dict[str, list[str]] = {}
        for name in dict.fromkeys(names):
            if field := mapping.columns.get(name):
                self.columns_of.setdefault(field, []).append(name)
        self._item_cells = self.find(
            {column for column, field in mapping.columns.items() if FIELDS[field].group == Group.ITEM}
        )

    def has_item(self, cells: list[str]) -> bool:
        """Whether a row contains an item."""
        return any(not _NOTHING.fullmatch(cells[index]) for index in self._item_cells)


class OrderRows:
    """Converts the rows of one order to a record. Raises ImportRejected."""

    def __init__(
        self, cells: list[list[str]], header: MappedHeader, mapping: TableMapping, context: FeedContext
    ) -> None:
        self.header = header
        self.constants: dict[str, str] = mapping.constants
        self.context = context
        self.rows = [header.read(row) for row in cells]
        self.order = {name: self._order_cells(name) for name in header.columns_of if _is_of_order(name)}
        self.currency = read_currency(self.cell("currency"))
        self.total = self.amount("total")
        self.items = [row for row, own in zip(self.rows, cells, strict=True) if header.has_item(own)]
        self.settlement = self._settle(self.items)
        self._drop_repeated_rows()

    def _order_cells(self, field: str) -> list[str]:
        """Return the values of an order field. They must be equal on all rows that have any."""
        texts = []
        for column in self.header.columns_of[field]:
            told = {row[column].strip() for row in self.rows} - {""}
            if len(told) > 1:
                raise ImportRejected(
                    _("The rows of this order differ in the column “%(column)s”.") % {"column": column[:40]},
                    ProblemCode.COLUMN_CONFLICT,
                    column[:64],
                )
            texts.append(told.pop() if told else "")
        return texts

    def _drop_repeated_rows(self) -> None:
        """Drop repeated rows if the order's total needs the item only once. Otherwise, they are separate items."""
        distinct = list({tuple(row.items()): row for row in self.items}.values())
        if len(distinct) == len(self.items) or self.settlement is not None or self.total is None:
            return
        if settlement := self._settle(distinct):
            self.items, self.settlement = distinct, settlement

    # --- Cells -----------------------------------------------------------------------------------------

    def has(self, field: str) -> bool:
        """Whether the file or the mapping has a field."""
        return field in self.header.columns_of or field in self.constants

    def cells(self, field: str) -> list[str]:
        """Return the values of an order field, one for each of its columns."""
        told = [text for text in self.order.get(field, ()) if text]
        return told or [text for text in [self.constants.get(field, "")] if text]

    def cell(self, field: str) -> str:
        return " ".join(self.cells(field))

    def item_cell(self, row: dict[str, str], field: str) -> str:
        return next((row[column].strip() for column in self.header.columns_of.get(field, ())), "")

    def amount(self, field: str) -> Decimal | None:
        """Return an amount of the order; None if it is missing."""
        return self._read_amount(self.cell(field))

    def item_amount(self, row: dict[str, str], field: str) -> Decimal | None:
        return self._read_amount(self.item_cell(row, field))

    def _read_amount(self, text: str) -> Decimal | None:
        return _parse_amount(text, self.context.decimal_comma, self.currency or "") if text else None

    def _read_time(self, text: str) -> datetime | None:
        return parse_time(text, self.context.time_zone, self.context.date_order) if text else None

    def _read_day(self, text: str) -> date | None:
        time = self._read_time(text)
        return time.date() if time else None

    def _quantity(self, row: dict[str, str]) -> int:
        text = self.item_cell(row, "quantity")
        return read_quantity(text, self.context.decimal_comma) if text else 1

    # --- Amounts ---------------------------------------------------------------------------------------

    def _settle(self, items: list[dict[str, str]]) -> Settlement | None:
        """Return what each line cost; None if amounts are missing, or don't add up to the total."""
        if self.total is None or not items:
            return None
        costs = [Part(amount)] if (amount := self.amount("shipping")) else []
        amounts = OrderAmounts(self.total, self.amount("tax"), self.amount("discount"))
        for prices in (self._line_totals(items), self._prices(items)):
            if prices is None:
                continue
            parts = [
                Part(price, tax=self.item_amount(row, "line_tax")) for price, row in zip(prices, items, strict=True)
            ]
            if settlement := settle(parts, costs, amounts, self.currency or ""):
                return settlement
        return None

    def _line_totals(self, items: list[dict[str, str]]) -> list[Decimal] | None:
        totals = [self.item_amount(row, "line_total") for row in items]
        known = [total for total in totals if total is not None]
        return known if len(known) == len(items) else None

    def _prices(self, items: list[dict[str, str]]) -> list[Decimal] | None:
        prices = [self.item_amount(row, "unit_price") for row in items]
        known = [price * self._quantity(row) for price, row in zip(prices, items, strict=True) if price is not None]
        return known if len(known) == len(items) else None

    def _totals(self) -> dict[str, Decimal]:
        names = ("total", "tax", "discount")
        totals = {name: amount for name in names if (amount := self.amount(name)) is not None}
        if "total" not in self.header.columns_of and (lines := self._line_totals(self.items)):
            # The mapping says that these are the amounts that were paid.
            totals["total"] = sum(lines, self.amount("shipping") or Decimal(0))
        if "tax" not in totals and "line_tax" in self.header.columns_of:
            taxes = [self.item_amount(row, "line_tax") for row in self.items]
            if taxes and None not in taxes:
                totals["tax"] = sum((tax for tax in taxes if tax is not None), Decimal(0))
        return totals

    # --- Record ----------------------------------------------------------------------------------------

    def to_record(self) -> dict[str, Any]:
        record: dict[str, Any] = {"store": self.context.store, "number": self.cell("number"), "lines_by_content": True}
        times = {name: time for name in ("placed_at", "updated_at") if (time := self._read_time(self.cell(name)))}
        record |= times
        if times:
            record["known_until"] = max(times.values())
        if email := self.cell("email"):
            record["email"] = email
        if self.currency:
            record["currency"] = self.currency
        totals = self._totals()
        if totals:
            record["totals"] = totals
        if status := self._status(totals.get("total")):
            record["status"] = status
        self._add_lines(record)
        if refunds := self._refunds():
            record["refunds"] = refunds
        if references := self._references():
            record["references"] = references
        if password := self.cell("password"):
            record["password"] = password
        if language := self.cell("language"):
            record["language"] = _read_language(language)
        parts = {"payment": self._payment(), "billing": self._billing(), "invoice": self._invoice()}
        return record | {name: part for name, part in parts.items() if part}

    def _status(self, total: Decimal | None) -> Order.Status | None:
        status: Order.Status | None = None
        if text := " ".join(self.order.get("status", ())).strip():
            status = read_status(text, {}, self.context.status_meanings)
        elif word := self.constants.get("status"):
            status = Status(word)
        refunded = self.amount("refunded") or Decimal(0)
        if refunded > 0 and status in (Status.COMPLETED, Status.PENDING, None):
            is_all = total is not None and refunded >= total
            status = Status.REFUNDED if is_all else Status.PARTIALLY_REFUNDED
        return status

    def _add_lines(self, record: dict[str, Any]) -> None:
        unknown = set()
        shipping = self.amount("shipping")
        if shipping is None:
            unknown.add(SHIPPING)
        is_settled = self.settlement is not None or "total" not in self.header.columns_of
        if not self.items or not is_settled:
            unknown.add(ITEMS)  # a list that doesn't add up to the total may lack items
        lines = [self._line(position, row) for position, row in enumerate(self.items, start=1)]
        if shipping:
            line = {"id": SHIPPING, "name": str(SHIPPING_TITLE), "kind": "other", "quantity": 1}
            line |= {"unit_price": shipping, "total": shipping}
            if self.settlement and (settled := self.settlement.costs[0]):
                line["total"] = settled.total
                if self.has("tax"):
                    line["tax"] = settled.tax
            lines.append(line)
        if lines or not unknown:
            record["lines"] = lines
            record["unknown_lines"] = unknown
            # Without names, SKUs would replace known names. Amounts that don't add up may be net, or only a part of the
            # items.
            record["has_all_lines"] = not self.items or (is_settled and "item_name" in self.header.columns_of)

    def _line(self, position: int, row: dict[str, str]) -> dict[str, Any]:
        name, sku = self.item_cell(row, "item_name"), self.item_cell(row, "sku")
        if not name and not sku:
            raise ImportRejected(_("An item of this order has neither a name nor an SKU."))
        line: dict[str, Any] = {"id": str(position), "name": name or sku}
        if sku:
            line["sku"] = sku
        if self.item_cell(row, "quantity"):
            line["quantity"] = self._quantity(row)
        if (price := self.item_amount(row, "unit_price")) is not None:
            line["unit_price"] = price
        if self.settlement:
            settled = self.settlement.items[position - 1]
            line["total"] = settled.total
            if self.amount("tax") is not None or self.item_amount(row, "line_tax") is not None:
                line["tax"] = settled.tax
            if self.amount("discount") is not None:
                line["discount"] = settled.discount
        else:
            told = {"total": self.item_amount(row, "line_total"), "tax": self.item_amount(row, "line_tax")}
            line |= {name: amount for name, amount in told.items() if amount is not None}
        if licenses := self._licenses(row):
            line["licenses"] = licenses
        return line

    def _licenses(self, row: dict[str, str]) -> list[dict[str, Any]]:
        facts: dict[str, Any] = {}
        if text := self.item_cell(row, "devices"):
            facts["devices"] = read_quantity(text, self.context.decimal_comma)
        for field in ("starts_on", "expires_on"):
            if day := self._read_day(self.item_cell(row, field)):
                facts[field] = day
        columns = self.header.columns_of.get("serials", ())
        return [{"serial": serial} | facts for serial in read_serials([row[column] for column in columns])]

    def _payment(self) -> dict[str, Any]:
        payment: dict[str, Any] = {}
        if method := self.cell("payment_method"):
            payment["method"] = method[:32]
        if brand := self.cell("card_brand"):
            payment["brand"] = brand.lower()
        if last4 := self.cell("last4"):
            payment["last4"] = _read_last4(last4)
        return payment

    def _billing(self) -> dict[str, Any]:
        """Return the known parts of the billing address. A country that isn't recognized becomes its last line."""
        names = {"billing_name": "name", "company": "company", "postcode": "postcode", "city": "city"}
        names["vat_id"] = "vat_id"
        billing: dict[str, Any] = {key: text for field, key in names.items() if (text := self.cell(field))}
        lines = [line for text in self.cells("street") for line in text.splitlines() if line.strip()]
        if text := self.cell("country"):
            code = country_code(text)
            billing |= {"country": code} if code else {}
            lines += [] if code else [text]
        return billing | ({"lines": lines} if lines else {})

    def _invoice(self) -> dict[str, Any]:
        invoice: dict[str, Any] = {"number": self.cell("invoice_number"), "seller": self.cell("seller")}
        invoice["issued_on"] = self._read_day(self.cell("invoice_date"))
        return {name: value for name, value in invoice.items() if value}

    def _references(self) -> list[str]:
        parts = [part for text in self.cells("reference") for part in re.split(r"[\s,;+]+", text)]
        return list(dict.fromkeys(part[:255] for part in parts if part))[:20]

    def _refunds(self) -> list[UndatedRefund]:
        """Return one refund with the sum of all."""
        refunded = self.amount("refunded") or Decimal(0)
        if refunded <= 0:
            return []
        return [UndatedRefund(id=TOTAL_REFUND_ID, amount=refunded, is_total=True)]


def _is_of_order(field: str) -> bool:
    return FIELDS[field].group != Group.ITEM


def _read_last4(text: str) -> str:
    """Return the last digits of a card, including one written as ****4242."""
    if contains_card_number(text):
        raise ImportRejected(
            _("This order contains a full card number, which we don’t store. Remove it and import the row again."),
            ProblemCode.CARD_NUMBER,
        )
    found = _LAST4.fullmatch(text)
    return found[1] if found else text


def _read_language(text: str) -> str:
    found = _LANGUAGE.fullmatch(text)
    if not found:
        raise ImportRejected(_("“%(text)s” isn’t a language. Enter its code, for example de.") % {"text": text[:40]})
    return found[1].lower()
