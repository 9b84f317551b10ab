"""WooCommerce: orders and refunds as JSON from its REST API and webhooks.

The tables of its export plugins are read by `woocommerce_csv`.
"""

import html
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.currencies import read_currency
from intake.feed import Feed, FeedContext, RawItem
from intake.feeds import woocommerce_csv
from intake.feeds.woocommerce_columns import (
    AMOUNT_COLUMNS,
    COLUMN_NAMES,
    COLUMNS,
    DATE_COLUMNS,
    SERIAL_KEY,
    is_table,
)
from intake.feeds.woocommerce_columns import COSTS as COST_NAMES
from intake.feeds.woocommerce_columns import matches as matches_table
from intake.feeds.woocommerce_csv import ORDER_REFERENCE, order_reference
from intake.feeds.woocommerce_items import settled_amounts
from intake.json_documents import read_documents
from intake.problems import ImportRejected, ProblemCode
from intake.quantities import read_quantity, read_serials
from intake.records import COSTS, OrderRecord, OrderUpdate, RefundRecord, StoreRecord, UndatedRefund
from intake.settlement import OrderAmounts, Part, settle
from intake.source_file import Head, SourceFile
from intake.values import THOUSANDTH, parse_amount, parse_time

# Keys that contain the orders of a batch, of an older API, or of a wrapped response.
WRAPPERS = ("create", "update", "orders", "order", "data", "body", "results", "response")
# Metadata keys in which payment gateways store their references.
REFERENCE_KEYS = ("_stripe_intent_id", "_stripe_charge_id", "_transaction_id", "_payment_intent_id")
MAX_WRAPPERS = 4  # levels of nesting
# An object with any of these keys is an order, not a wrapper.
ORDER_KEYS = frozenset({"order_key", "line_items", "billing", "currency", "number", "order_number", "total"})
COST_KEYS = ("shipping_lines", "fee_lines")
GIFT_CARD = COST_NAMES["gift_card"]
GIFT_CARD_KEYS = ("gift_cards", "gift_card_lines", "pw_gift_cards")
YITH_GIFT_CARDS = "_ywgc_applied_gift_cards"
REFUNDED_ITEM = "_refunded_item_id"

_ORDER = re.compile(r'"(?:order_key|line_items)"\s*:.*"billing"\s*:|"billing"\s*:.*"line_items"\s*:', re.DOTALL)
_REFUND = re.compile(r'"refunded_(?:by|payment)"\s*:')
_ORDER_IN_LINK = re.compile(r"/orders/(\d+)(?:/|$)")


def matches(head: Head) -> bool:
    if matches_table(head):
        return True
    text = head.text.lstrip()
    return text[:1] in ("{", "[", "#") and bool(_ORDER.search(text) or _REFUND.search(text))


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    if is_table(source.head):
        yield from woocommerce_csv.read_items(source, context)
        return
    for document in read_documents(source):
        parts = list(_unwrap(document.value))
        if parts == [document.value]:
            yield RawItem(document.line, document.text, _key(document.value, context), document.problem, document.value)
            continue
        for part in parts:
            yield RawItem(document.line, json_text(part), _key(part, context), content=part)


def _unwrap(value: Any, depth: int = 0) -> Iterator[Any]:
    """Return the orders and refunds in a value that may wrap them."""
    if isinstance(value, list) and depth:
        for each in value:
            yield from _unwrap(each, depth)
        return
    inner = [value[name] for name in WRAPPERS if isinstance(value.get(name), dict | list)] if _is_wrapper(value) else []
    if not inner or depth >= MAX_WRAPPERS:
        yield value
    for each in inner:
        yield from _unwrap(each, depth + 1)


def _is_wrapper(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys() & ORDER_KEYS and not _is_refund(value)


def _is_refund(value: dict[str, Any]) -> bool:
    if "refunded_by" in value or "refunded_payment" in value:
        return True
    return "amount" in value and "line_items" in value and "total" not in value


def _key(value: Any, context: FeedContext) -> tuple[str, str] | None:
    number = _number(value) if isinstance(value, dict) else ""
    return (context.store, number) if number else None


def _number(value: dict[str, Any]) -> str:
    return str(value.get("number") or value.get("order_number") or "")


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    if isinstance(item.raw, list):
        return woocommerce_csv.parse_item(item, context)
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This isn’t a WooCommerce object."))
    if _is_refund(value):
        return _refund_update(value, context)
    if not value.keys() & (ORDER_KEYS - {"number", "order_number"}) and "status" not in value:
        raise ImportRejected(_("This isn’t an order: it has none of an order’s fields."), ProblemCode.NOT_AN_ORDER)
    if not _number(value):
        raise ImportRejected(
            _("This order has no number. Its ID isn’t enough, because another order may have that number.")
        )
    return StoreRecord.model_validate(_order(value, context))


def _order(value: dict[str, Any], context: FeedContext) -> dict[str, Any]:
    """Convert an order. Fields missing from a partial response keep their stored values."""
    currency = read_currency(str(value.get("currency") or ""))
    record: dict[str, Any] = {"store": context.store, "number": _number(value)}
    if_new: dict[str, Any] = {}
    if placed_at := _time(value, "date_created", context):
        record["placed_at"] = placed_at
    elif paid_at := _time(value, "date_paid", context):
        if_new["placed_at"] = paid_at
    if currency:
        record["currency"] = currency
    refunds = [each for each in map(_listed_refund, value.get("refunds") or ()) if each]
    total = _known_amount(value, "total")
    if "status" in value:
        record["status"] = order_status(value["status"] or "", refunds, total, context)
    _add_lines(record, value, total, currency or "")
    if "billing" in value:
        if not isinstance(value["billing"], dict):
            raise ImportRejected(_("This order’s billing address isn’t an object."))
        record["billing"] = woocommerce_csv.billing_record(
            {name: value["billing"][name] for name in woocommerce_csv.BILLING if name in value["billing"]}
        )
        if "email" in value["billing"]:
            record["email"] = value["billing"]["email"] or None
    if "payment_method_title" in value:
        method = (value["payment_method_title"] or value.get("payment_method") or "")[:32]
        record["payment"] = {"method": method or None}
    elif value.get("payment_method"):
        if_new["payment"] = {"method": value["payment_method"][:32]}
    names = {"discount": "discount_total", "tax": "total_tax", "total": "total"}
    totals = {name: amount for name, key in names.items() if (amount := _known_amount(value, key)) is not None}
    if {"line_items", *COST_KEYS} <= value.keys():
        totals["subtotal"] = _subtotal(value)
    if totals:
        record["totals"] = totals
    if "refunds" in value:
        record["refunds"] = refunds
    record["references"] = _references(value)
    record["if_new"] = if_new
    if changed := _time(value, "date_modified", context):
        record["updated_at"] = changed
    return record


def order_status(word: str, refunds: list[UndatedRefund], total: Decimal | None, context: FeedContext) -> str:
    return woocommerce_csv.order_status(word, sum((refund.amount for refund in refunds), Decimal(0)), total, context)


def _amount(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else parse_amount(str(value or ""))


def _known_amount(value: dict[str, Any], name: str) -> Decimal | None:
    """Return an amount; None if it is missing."""
    return None if value.get(name) in (None, "") else _amount(value[name])


def _time(value: dict[str, Any], name: str, context: FeedContext) -> datetime | None:
    if text := value.get(f"{name}_gmt"):
        return parse_time(str(text), UTC)
    return parse_time(str(value[name]), context.time_zone) if value.get(name) else None


# --- Lines ---------------------------------------------------------------------------------------------


def _add_lines(record: dict[str, Any], value: dict[str, Any], total: Decimal | None, currency: str) -> None:
    """Add items, shipping, fees and gift cards, so that they add up to the total."""
    if "line_items" not in value:
        return
    items = value["line_items"]
    costs = [item for name in COST_KEYS for item in value.get(name) or () if _has_cost(item)]
    cards = _gift_cards(value)
    lines = [
        *map(_line, items),
        *map(_cost_line, costs),
        *(_gift_card_line(card_id, amount) for card_id, amount in cards),
    ]
    if total is not None:
        amounts = OrderAmounts(total, _known_amount(value, "total_tax"), _known_amount(value, "discount_total"))
        cost_parts = [Part(_amount(item.get("total")), tax=_amount(item.get("total_tax"))) for item in costs]
        cost_parts += [Part(-amount, is_gift_card=True) for _id, amount in cards]
        if settlement := settle([_part(item) for item in items], cost_parts, amounts, currency):
            settled = [*settlement.items, *settlement.costs]
            lines = [line | settled_amounts(each) for line, each in zip(lines, settled, strict=True) if each]
    record["lines"] = lines
    if not value.keys() >= set(COST_KEYS):
        record["unknown_lines"] = {COSTS}


def _part(item: dict[str, Any]) -> Part:
    """Return what an item cost. Its total and its tax are after discounts."""
    after = _amount(item.get("total"))
    before = after if item.get("subtotal") in (None, "") else _amount(item["subtotal"])
    return Part(before, before - after, _amount(item.get("total_tax")))


def _line(item: dict[str, Any]) -> dict[str, Any]:
    quantity, part = read_quantity(item.get("quantity") or 0), _part(item)
    tax = part.tax or Decimal(0)
    line: dict[str, Any] = {
        "id": str(item["id"]),
        "name": html.unescape(item["name"]),
        "quantity": quantity,
        "unit_price": (part.amount / max(quantity, 1)).quantize(THOUSANDTH),
        "discount": part.discount.quantize(THOUSANDTH),
        "tax": tax.quantize(THOUSANDTH),
        "total": (part.amount - part.discount + tax).quantize(THOUSANDTH),
    }
    if "sku" in item:
        line["sku"] = item["sku"] or None
    if serials := _serials(item.get("meta_data") or ()):
        line["licenses"] = [{"serial": serial} for serial in serials]
    return line


def _gift_card_line(card_id: str, amount: Decimal) -> dict[str, Any]:
    line = {"id": card_id, "name": str(GIFT_CARD), "kind": "other", "quantity": 1}
    return line | {"unit_price": -amount, "total": -amount}


def _serials(meta_data: Sequence[dict[str, Any]]) -> list[str]:
    """Return serial numbers that a license plugin stored with the item."""
    values = [entry.get("value") for entry in meta_data if SERIAL_KEY.fullmatch(str(entry.get("key")))]
    return read_serials(values)


def _has_cost(item: dict[str, Any]) -> bool:
    return bool(_amount(item.get("total")) or _amount(item.get("total_tax")))


def _cost_line(item: dict[str, Any]) -> dict[str, Any]:
    """Return shipping or a fee as an order line."""
    price, tax = _amount(item.get("total")), _amount(item.get("total_tax"))
    return {
        "id": str(item["id"]),
        "name": html.unescape(item.get("method_title") or item.get("name") or _("Costs")),
        "kind": "other",
        "quantity": 1,
        "unit_price": price.quantize(THOUSANDTH),
        "tax": tax.quantize(THOUSANDTH),
        "total": (price + tax).quantize(THOUSANDTH),
    }


def _gift_cards(value: dict[str, Any]) -> list[tuple[str, Decimal]]:
    """Return the ids and amounts of gift cards used for an order, as stored by the common plugins."""
    cards = []
    for name in GIFT_CARD_KEYS:
        for position, card in enumerate(value.get(name) or (), start=1):
            if isinstance(card, dict) and (amount := abs(_amount(card.get("amount") or card.get("total")))):
                cards.append((f"gift-card-{card.get('id') or position}"[:64], amount))
    for entry in value.get("meta_data") or ():
        if entry.get("key") == YITH_GIFT_CARDS and isinstance(entry.get("value"), dict) and not cards:
            amounts = (abs(_amount(amount)) for amount in entry["value"].values())
            cards += [(f"gift-card-{position}", amount) for position, amount in enumerate(amounts, start=1) if amount]
    return cards


def _subtotal(value: dict[str, Any]) -> Decimal:
    """Return the price of items and costs before discounts."""
    items = (_amount(item.get("subtotal") or item.get("total")) for item in value["line_items"])
    costs = (_amount(item.get("total")) for name in COST_KEYS for item in value.get(name) or ())
    return (sum(items, Decimal(0)) + sum(costs, Decimal(0))).quantize(THOUSANDTH)


def _references(value: dict[str, Any]) -> list[str]:
    meta = {entry.get("key"): entry.get("value") for entry in value.get("meta_data") or ()}
    names = [
        order_reference(value.get("id")),
        value.get("transaction_id"),
        *(meta.get(key) for key in REFERENCE_KEYS),
    ]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name and len(name) <= 255))


# --- Refunds -------------------------------------------------------------------------------------------


def _listed_refund(refund: dict[str, Any]) -> UndatedRefund | None:
    """Convert a refund listed in its order. Its date is only in its own export. A deleted refund has the id 0."""
    if not refund.get("id"):
        return None
    return UndatedRefund.model_validate({"id": str(refund["id"]), "amount": abs(_amount(refund.get("total")))})


def _refund_update(value: dict[str, Any], context: FeedContext) -> OrderUpdate:
    """Convert a refund that was exported separately: its link identifies the order."""
    links = value.get("_links", {}).get("up", []) + value.get("_links", {}).get("self", [])
    found = next(filter(None, (_ORDER_IN_LINK.search(str(link.get("href"))) for link in links)), None)
    number = str(value["parent_id"]) if value.get("parent_id") else found[1] if found else ""
    if not number:
        raise ImportRejected(_("This refund doesn’t name its order."))
    if not value.get("id"):
        raise ImportRejected(_("This refund was deleted, so it has no ID."))
    lines = [
        {"id": str(entry["value"]), "quantity": abs(read_quantity(item.get("quantity") or 0))}
        for item in value.get("line_items") or ()
        for entry in item.get("meta_data") or ()
        if entry.get("key") == REFUNDED_ITEM
    ]
    refund = RefundRecord.model_validate(
        {
            "id": str(value["id"]),
            "amount": abs(_amount(value.get("amount"))),
            "at": _time(value, "date_created", context),
            "lines": [line for line in lines if line["quantity"]],
        }
    )
    return OrderUpdate.model_validate(
        {
            "store": context.store,
            "numbers": [number],
            "references": [order_reference(number)],
            "id_prefix": ORDER_REFERENCE,
            "refunds": [refund],
        }
    )


def json_text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


FEED = Feed(
    name="woocommerce",
    title="WooCommerce",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    reads_table=is_table,
    order_lookups=("reference", "number"),
    date_columns=DATE_COLUMNS,
    amount_columns=AMOUNT_COLUMNS,
    required_columns=(COLUMNS["number"],),
    column_names=COLUMN_NAMES,
    identifiers=frozenset({"id", "number", "order_id", "order_number", "order_key", "sku", "cart_hash", "value"}),
)
