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

from intake.feed import Feed, FeedContext, RawItem
from intake.feeds import woocommerce_csv
from intake.json_documents import read_documents
from intake.problems import ImportRejected
from intake.records import OrderRecord, OrderUpdate, RefundRecord, StoreRecord, UndatedRefund
from intake.source_file import Head, SourceFile
from intake.values import THOUSANDTH, parse_amount, parse_time

LISTS = ("create", "update", "orders")  # keys that hold the orders of a batch, or of an older API
# The metadata keys in which payment gateways store their references.
REFERENCE_KEYS = ("_stripe_intent_id", "_stripe_charge_id", "_transaction_id", "_payment_intent_id")
REFUNDED_ITEM = "_refunded_item_id"

_ORDER = re.compile(r'"(?:order_key|line_items)"\s*:.*"billing"|"billing"\s*:.*"line_items"', re.DOTALL)
_REFUND = re.compile(r'"refunded_(?:by|payment)"\s*:')
_SERIAL_KEY = re.compile(r"_?(?:licen[cs]e|serial)[ _-]?(?:key|number|code)s?", re.IGNORECASE)
_ORDER_IN_LINK = re.compile(r"/orders/(\d+)(?:/|$)")


def matches(head: Head) -> bool:
    if woocommerce_csv.matches(head):
        return True
    text = head.text.lstrip()
    return text[:1] in ("{", "[", "#") and bool(_ORDER.search(text) or _REFUND.search(text))


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    if woocommerce_csv.matches(source.head):
        yield from woocommerce_csv.read_items(source, context)
        return
    for document in read_documents(source):
        value = document.value
        wrapped = [value[name] for name in LISTS if isinstance(value, dict) and isinstance(value.get(name), list)]
        for part in [part for parts in wrapped for part in parts]:
            yield RawItem(document.line, json_text(part), _key(part, context), content=part)
        if not wrapped:
            yield RawItem(document.line, document.text, _key(value, context), document.problem, value)


def _key(value: Any, context: FeedContext) -> tuple[str, str] | None:
    return (context.store, str(value["number"])) if isinstance(value, dict) and value.get("number") else None


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    if isinstance(item.raw, list):
        return woocommerce_csv.parse_item(item, context)
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This is no object of WooCommerce's."))
    if "refunded_by" in value or "refunded_payment" in value:
        return _refund_update(value, context)
    if "line_items" not in value or "billing" not in value:
        raise ImportRejected(_("This is no order: it has no line_items or no billing."))
    return StoreRecord.model_validate(_order(value, context))


def _order(value: dict[str, Any], context: FeedContext) -> dict[str, Any]:
    costs = [*(value.get("shipping_lines") or ()), *(value.get("fee_lines") or ())]
    lines = [_line(item) for item in value["line_items"]] + [_cost_line(item) for item in costs if _has_cost(item)]
    refunds = [_listed_refund(refund) for refund in value.get("refunds") or ()]
    billing = value["billing"]
    record: dict[str, Any] = {
        "store": context.store,
        "number": str(value.get("number") or value["id"]),
        "email": billing.get("email") or None,
        "placed_at": _time(value, "date_created", context) or _time(value, "date_paid", context),
        "currency": value["currency"],
        "status": order_status(value.get("status") or "", refunds, _amount(value.get("total")), context),
        "lines": lines,
        "billing": woocommerce_csv.billing_record(billing),
        "payment": {"method": (value.get("payment_method_title") or value.get("payment_method") or "")[:32]},
        "totals": {
            "subtotal": sum((line["unit_price"] * line["quantity"] for line in lines), Decimal(0)),
            "discount": _amount(value.get("discount_total")),
            "tax": _amount(value.get("total_tax")),
            "total": _amount(value.get("total")),
        },
        "refunds": refunds,
        "references": _references(value),
    }
    if changed := _time(value, "date_modified", context):
        record["updated_at"] = changed
    return record


def order_status(word: str, refunds: list[UndatedRefund], total: Decimal, context: FeedContext) -> str:
    return woocommerce_csv.order_status(word, sum((refund.amount for refund in refunds), Decimal(0)), total, context)


def _amount(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else parse_amount(str(value or ""))


def _time(value: dict[str, Any], name: str, context: FeedContext) -> datetime | None:
    if text := value.get(f"{name}_gmt"):
        return parse_time(str(text), UTC)
    return parse_time(str(value[name]), context.time_zone) if value.get(name) else None


def _line(item: dict[str, Any]) -> dict[str, Any]:
    quantity = int(_amount(item.get("quantity")))
    before, after = _amount(item.get("subtotal") or item.get("total")), _amount(item.get("total"))
    tax = _amount(item.get("total_tax"))
    line: dict[str, Any] = {
        "id": str(item["id"]),
        "name": html.unescape(item["name"]),
        "sku": item.get("sku") or None,
        "quantity": quantity,
        "unit_price": (before / max(quantity, 1)).quantize(THOUSANDTH),
        "discount": (before - after).quantize(THOUSANDTH),
        "tax": tax.quantize(THOUSANDTH),
        "total": (after + tax).quantize(THOUSANDTH),
    }
    if serials := _serials(item.get("meta_data") or ()):
        line["licenses"] = [{"serial": serial} for serial in serials]
    return line


def _serials(meta_data: Sequence[dict[str, Any]]) -> list[str]:
    """Serial numbers that a license plugin stored with the item."""
    found = [entry.get("value") for entry in meta_data if _SERIAL_KEY.fullmatch(str(entry.get("key")))]
    return list(dict.fromkeys(value.strip() for value in found if isinstance(value, str) and value.strip()))


def _has_cost(item: dict[str, Any]) -> bool:
    return bool(_amount(item.get("total")) or _amount(item.get("total_tax")))


def _cost_line(item: dict[str, Any]) -> dict[str, Any]:
    """Shipping or a fee as an order line, so that the lines add up to the total."""
    price, tax = _amount(item.get("total")), _amount(item.get("total_tax"))
    return {
        "id": str(item["id"]),
        "name": html.unescape(item.get("method_title") or item.get("name") or _("Costs")),
        "kind": "other",
        "quantity": 1,
        "unit_price": price,
        "tax": tax,
        "total": price + tax,
    }


def _woocommerce_reference(order_id: Any) -> str:
    """The reference by which refunds find their order. An order's number may differ from its id."""
    return f"woocommerce-order-{order_id}"


def _references(value: dict[str, Any]) -> list[str]:
    meta = {entry.get("key"): entry.get("value") for entry in value.get("meta_data") or ()}
    names = [
        _woocommerce_reference(value["id"]),
        value.get("transaction_id"),
        *(meta.get(key) for key in REFERENCE_KEYS),
    ]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name and len(name) <= 255))


# --- Refunds -------------------------------------------------------------------------------------------


def _listed_refund(refund: dict[str, Any]) -> UndatedRefund:
    """A refund as listed in its order, where it has no date. The refund's own export tells it."""
    return UndatedRefund.model_validate({"id": str(refund["id"]), "amount": abs(_amount(refund.get("total")))})


def _refund_update(value: dict[str, Any], context: FeedContext) -> OrderUpdate:
    """A refund that was exported on its own: its link names the order."""
    links = value.get("_links", {}).get("up", []) + value.get("_links", {}).get("self", [])
    found = next(filter(None, (_ORDER_IN_LINK.search(str(link.get("href"))) for link in links)), None)
    number = str(value["parent_id"]) if value.get("parent_id") else found[1] if found else ""
    if not number:
        raise ImportRejected(_("This refund does not say which order it belongs to."))
    lines = [
        {"id": str(entry["value"]), "quantity": abs(int(_amount(item.get("quantity"))))}
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
            "references": [_woocommerce_reference(number)],
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
    order_lookups=("reference", "number"),
    date_columns=woocommerce_csv.DATE_COLUMNS,
    amount_columns=woocommerce_csv.AMOUNT_COLUMNS,
    required_columns=(woocommerce_csv.COLUMNS["number"],),
    column_names=woocommerce_csv.COLUMN_NAMES,
    identifiers=frozenset({"id", "number", "order_id", "order_number", "order_key", "sku", "cart_hash", "value"}),
)
