"""Shopify's orders and refunds as JSON, from its webhooks and its REST Admin API.

Amounts are in the store's currency, as in its export. Other objects aren't about an order.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.currencies import read_currency
from intake.feed import FeedContext, RawItem
from intake.feeds.shopify_common import COSTS, STATUSES, order_reference, status_after
from intake.json_documents import read_documents
from intake.json_values import card_brand, dict_at, list_at, text_at, time_at
from intake.problems import ImportRejected, ProblemCode
from intake.quantities import read_quantity
from intake.records import COSTS as ALL_COSTS
from intake.records import OrderRecord, OrderUpdate, RefundRecord, StoreRecord
from intake.settlement import OrderAmounts, Part, settle
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from orders.models import Order

ZERO = Decimal(0)
WRAPPERS = ("orders", "order", "refunds", "refund")  # keys of API responses

_ORDER = re.compile(r'"financial_status"\s*:')
_REFUND = re.compile(r'"refund_line_items"\s*:')
_PLAIN = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,3}0*)?", re.ASCII)
_LAST4 = re.compile(r"([0-9]{4})\s*$", re.ASCII)


def matches(head: Head) -> bool:
    text = head.text.lstrip()
    return text[:1] in ("{", "[", "#") and bool(_ORDER.search(text) or _REFUND.search(text))


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    for document in read_documents(source):
        value = document.value
        parts = _unwrap(value)
        if parts is None:
            yield RawItem(document.line, document.text, _key(value, context), document.problem, value)
            continue
        for part in parts:
            text = json.dumps(part, default=str, ensure_ascii=False)
            yield RawItem(document.line, text, _key(part, context), content=part)


def _unwrap(value: Any) -> list[Any] | None:
    """Return the orders or refunds in an API response; None if it isn't one."""
    if not isinstance(value, dict) or "id" in value:
        return None
    inner = next((value[name] for name in WRAPPERS if isinstance(value.get(name), dict | list)), None)
    return inner if isinstance(inner, list) or inner is None else [inner]


def _key(value: Any, context: FeedContext) -> tuple[str, str] | None:
    name = text_at(value, "name") if isinstance(value, dict) and "financial_status" in value else ""
    return (context.store, name) if name else None


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This isn’t a Shopify object."))
    if "refund_line_items" in value or ("order_id" in value and "transactions" in value):
        return _refund_update(value, context)
    if not value.keys() & {"financial_status", "line_items", "total_price"}:
        raise ImportRejected(_("This is neither an order nor a refund of Shopify’s."), ProblemCode.NOT_AN_ORDER)
    if not text_at(value, "name"):
        raise ImportRejected(_("This order has no name, which is its number."))
    return StoreRecord.model_validate(_order(value, context))


# --- Orders --------------------------------------------------------------------------------------------


def _order(value: dict[str, Any], context: FeedContext) -> dict[str, Any]:
    """Convert an order. A webhook can be limited to some fields; missing fields keep their stored values."""
    currency = read_currency(text_at(value, "currency")) or ""
    total = _amount(value, "total_price")
    refunds = _refunds(value, currency)
    record: dict[str, Any] = {
        "store": context.store,
        "number": text_at(value, "name"),
        "references": list(filter(None, [order_reference(value.get("id"))])),
        "matches_content": True,
    }
    optional = {
        "placed_at": time_at(value, "created_at"),
        "updated_at": time_at(value, "updated_at"),
        "known_until": time_at(value, "updated_at"),
        "currency": currency,
        "language": text_at(value, "customer_locale").partition("-")[0],
        "billing": _billing(value),
        "payment": _card(value),
        "totals": _totals(value, total),
        "status": _status(value, refunds or [], total, context),
    }
    record |= {name: content for name, content in optional.items() if content}
    if refunds is not None:
        record["refunds"] = refunds
    if "email" in value or "contact_email" in value:
        record["email"] = text_at(value, "email") or text_at(value, "contact_email") or None
    if isinstance(value.get("test"), bool):
        record["test"] = value["test"]
    if methods := _payment_methods(value):
        # The export names payment methods differently, and they should not change with each event.
        record["if_new"] = {"payment": {"method": methods}}
    _add_lines(record, value, total, currency)
    return record


def _status(
    value: dict[str, Any], refunds: list[RefundRecord], total: Decimal | None, context: FeedContext
) -> Order.Status | None:
    word = text_at(value, "financial_status")
    status = read_status(word, STATUSES, context.status_meanings) if word else None
    refunded = sum((refund.amount for refund in refunds), ZERO)
    return status_after(status, refunded, total, is_cancelled=bool(text_at(value, "cancelled_at")))


def _amount(value: dict[str, Any], *path: str) -> Decimal | None:
    """Return an amount, which is a number or a text such as "19.90"; None if it is missing."""
    found = dict_at(value, *path[:-1]).get(path[-1])
    if found is None or found == "":
        return None
    if not _PLAIN.fullmatch(str(found)):
        raise ImportRejected(_("“%(text)s” isn’t an amount.") % {"text": str(found)[:40]}, word=str(found)[:40])
    return Decimal(str(found))


def _sum(parts: list[dict[str, Any]], name: str) -> Decimal:
    return sum((_amount(part, name) or ZERO for part in parts), ZERO)


def _totals(value: dict[str, Any], total: Decimal | None) -> dict[str, Decimal]:
    """Return the totals. The subtotal is the price of items and costs before any discount, as for the export."""
    amounts = {"total": total, "tax": _amount(value, "total_tax"), "discount": _amount(value, "total_discounts")}
    totals = {name: amount for name, amount in amounts.items() if amount is not None}
    if {"line_items", "shipping_lines"} <= value.keys():
        items = (_price(item) for item in list_at(value, "line_items"))
        totals["subtotal"] = sum(items, ZERO) + sum((part.amount for part in _costs(value).values()), ZERO)
    return totals


def _billing(value: dict[str, Any]) -> dict[str, Any]:
    address = dict_at(value, "billing_address")
    if not address:
        return {}
    name = text_at(address, "name") or f"{text_at(address, 'first_name')} {text_at(address, 'last_name')}".strip()
    place = [text_at(address, "city"), text_at(address, "province_code")]
    return {
        "name": name,
        "company": text_at(address, "company"),
        "lines": [line for line in (text_at(address, "address1"), text_at(address, "address2")) if line],
        "city": ", ".join(filter(None, place)),
        "postcode": text_at(address, "zip"),
        "country": text_at(address, "country_code"),
    }


def _payment_methods(value: dict[str, Any]) -> str:
    names = value.get("payment_gateway_names")
    methods = [name.replace("_", " ") for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return " + ".join(dict.fromkeys(methods))[:32]


def _card(value: dict[str, Any]) -> dict[str, str]:
    """Return the card, which only some API versions and payment providers include."""
    details = dict_at(value, "payment_details")
    found = _LAST4.search(text_at(details, "credit_card_number"))
    if not found:
        return {}
    card = {"last4": found[1]}
    if company := text_at(details, "credit_card_company"):
        card["brand"] = card_brand(company)
    return card


# --- Lines ---------------------------------------------------------------------------------------------


def _add_lines(record: dict[str, Any], value: dict[str, Any], total: Decimal | None, currency: str) -> None:
    """Add items and costs with the same ids as in the export, so that they add up to the total."""
    if "line_items" not in value:
        return
    items = list_at(value, "line_items")
    costs = _costs(value)
    lines = [_line(item) for item in items]
    names = {"shipping": next((text_at(each, "title") for each in list_at(value, "shipping_lines")), "")}
    for name, part in costs.items():
        title = names.get(name) or str(COSTS.get(name) or _("Tip"))
        lines.append({"id": name, "name": title[:300], "kind": "other", "quantity": 1, "unit_price": part.amount})
    amounts = None
    if total is not None:
        amounts = OrderAmounts(total, _amount(value, "total_tax"), _amount(value, "total_discounts"))
    settlement = settle([_part(item) for item in items], list(costs.values()), amounts, currency) if amounts else None
    if settlement:
        settled = [*settlement.items, *settlement.costs]
        lines = [
            line | {"discount": each.discount, "tax": each.tax, "total": each.total} if each else line
            for line, each in zip(lines, settled, strict=True)
        ]
    record["lines"] = lines
    if "shipping_lines" not in value:
        record["unknown_lines"] = {ALL_COSTS}


def _price(item: dict[str, Any]) -> Decimal:
    """Price times quantity, before discounts."""
    return (_amount(item, "price") or ZERO) * read_quantity(item.get("quantity") or 0)


def _part(item: dict[str, Any]) -> Part:
    is_taxable = item.get("taxable") is not False
    tax = _sum(list_at(item, "tax_lines"), "price") if "tax_lines" in item else None
    return Part(_price(item), _discount(item), tax, is_taxable)


def _discount(item: dict[str, Any]) -> Decimal:
    """Return the item's share of all discounts or, without it, the discount of the item only."""
    if "discount_allocations" in item:
        return _sum(list_at(item, "discount_allocations"), "amount")
    return _amount(item, "total_discount") or ZERO


def _line(item: dict[str, Any]) -> dict[str, Any]:
    if not text_at(item, "id"):
        raise ImportRejected(_("An item of this order has no id."))
    line: dict[str, Any] = {
        "id": text_at(item, "id"),
        "name": text_at(item, "name") or text_at(item, "title"),
        "quantity": read_quantity(item.get("quantity") or 0),
        "discount": _discount(item),
    }
    if (price := _amount(item, "price")) is not None:
        line["unit_price"] = price
    if "sku" in item:
        line["sku"] = text_at(item, "sku") or None
    return line


def _costs(value: dict[str, Any]) -> dict[str, Part]:
    """Return shipping, duties and a tip by the ids of their lines, without those that cost nothing."""
    shipping = list_at(value, "shipping_lines")
    taxes = [tax for each in shipping for tax in list_at(each, "tax_lines")]
    parts = {
        "shipping": Part(_sum(shipping, "price"), sum(map(_discount, shipping), ZERO), _sum(taxes, "price")),
        "duties": Part(_amount(value, "original_total_duties_set", "shop_money", "amount") or ZERO),
    }
    if not any(item.get("tip") for item in list_at(value, "line_items")):
        parts["tip"] = Part(_amount(value, "total_tip_received") or ZERO)
    return {name: part for name, part in parts.items() if part.amount}


# --- Refunds -------------------------------------------------------------------------------------------


def _refunds(value: dict[str, Any], currency: str) -> list[RefundRecord] | None:
    """Return the refunds of an order with a successful transaction; None if refunds aren't included."""
    listed = list_at(value, "refunds")
    if not isinstance(value.get("refunds"), list) or any("transactions" not in refund for refund in listed):
        return None
    return [refund for refund in (_refund(each, currency) for each in listed) if refund]


def _refund(value: dict[str, Any], currency: str) -> RefundRecord | None:
    """Return a refund with the amount that was refunded; None if it is zero, as when an unpaid item is removed."""
    made = [
        each
        for each in list_at(value, "transactions")
        if text_at(each, "kind") == "refund" and text_at(each, "status") == "success"
    ]
    currencies = {text_at(each, "currency") for each in made} - {""}
    if len(currencies) > 1 or (currency and not currencies <= {currency}):
        raise ImportRejected(
            _("A refund of this order is in %(other)s, and the order in %(currency)s.")
            % {"other": ", ".join(sorted(currencies))[:40], "currency": currency},
            ProblemCode.UNCLEAR_AMOUNT,
        )
    amount = _sum(made, "amount")
    if amount <= ZERO:
        return None
    units: Counter[str] = Counter()
    for line in list_at(value, "refund_line_items"):
        units[text_at(line, "line_item_id")] += read_quantity(line.get("quantity") or 0)
    return RefundRecord.model_validate(
        {
            "id": text_at(value, "id"),
            "amount": amount,
            "at": time_at(value, "processed_at") or time_at(value, "created_at"),
            "lines": [{"id": line_id, "quantity": units[line_id]} for line_id in units if line_id and units[line_id]],
        }
    )


def _refund_update(value: dict[str, Any], context: FeedContext) -> OrderUpdate:
    """Convert a refund that was sent without its order, but with its id."""
    currencies = [text_at(each, "currency") for each in list_at(value, "transactions")]
    refund = _refund(value, "")
    if refund is None:
        raise ImportRejected(_("Nothing was refunded to the buyer."), ProblemCode.NOT_AN_ORDER)
    reference = order_reference(value.get("order_id"))
    if not reference:
        raise ImportRejected(_("This refund doesn’t name its order."))
    record: dict[str, Any] = {
        "store": context.store,
        "references": [reference],
        "refunds": [refund],
        "about": "refund",
    }
    if currency := next(filter(None, currencies), ""):
        record["paid_currency"] = read_currency(currency)
    return OrderUpdate.model_validate(record)
