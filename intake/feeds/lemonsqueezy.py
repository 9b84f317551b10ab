"""Lemon Squeezy: orders with their items, and license keys, as JSON from its API, its webhooks and its License API.

An order contains only its first item. The others are included if it is exported with `include=order-items`, and license
keys with `include=license-keys` or by their own webhooks.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.json_documents import read_documents
from intake.json_values import amount_in_units, currency_at, dict_at, list_at, text_at, time_at
from intake.problems import ImportRejected, ProblemCode
from intake.records import OrderRecord, OrderUpdate, StoreRecord, UndatedRefund
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.values import THOUSANDTH, parse_amount
from orders.models import TOTAL_REFUND_ID, Order
from orders.money import decimals
from refunds.amounts import allocate

Status = Order.Status
STATUSES = {
    "pending": Status.PENDING,
    "failed": Status.CANCELLED,
    "paid": Status.COMPLETED,
    "refunded": Status.REFUNDED,
    "partial-refund": Status.PARTIALLY_REFUNDED,
}
CENTS = 2
ROUNDING = Decimal("0.05")  # an item's price may differ from the subtotal by this much, because taxes are rounded
DEFAULT_VARIANT = "default"  # the name of a product's only variant

_TYPE = re.compile(r'"type"\s*:\s*"[a-z]+(?:-[a-z]+)*"')
_OWN = re.compile(r'"(?:order_number|order_item_id|first_order_item|activation_limit)"\s*:')


def matches(head: Head) -> bool:
    text = head.text.lstrip()
    if text[:1] not in ("{", "[", "#"):
        return False
    if _TYPE.search(text) and '"attributes"' in text:
        return "lemonsqueezy.com/" in text or ('"store_id"' in text and bool(_OWN.search(text)))
    return '"license_key"' in text and '"order_item_id"' in text and '"variant_id"' in text


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    for document in read_documents(source):
        value = document.value
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            yield RawItem(document.line, document.text, _key(value, context), document.problem, value)
            continue
        for entity in value["data"]:
            part: dict[str, Any] = {"data": entity}
            if included := [each for each in list_at(value, "included") if _is_of_order(each, entity)]:
                part["included"] = included
            yield RawItem(
                document.line, json.dumps(part, default=str, ensure_ascii=False), _key(part, context), content=part
            )


def _key(value: Any, context: FeedContext) -> tuple[str, str] | None:
    number = text_at(value, "data", "attributes", "order_number")
    return (context.store, number) if number else None


def _is_of_order(included: Mapping[str, Any], order: Any) -> bool:
    return bool(text_at(order, "id")) and text_at(included, "attributes", "order_id") == text_at(order, "id")


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This isn’t a Lemon Squeezy object."))
    if isinstance(value.get("license_key"), dict):
        return _license_answer(value, context)
    entity = dict_at(value, "data") or value
    kind = text_at(entity, "type")
    if kind == "orders":
        return _order(entity, value, context)
    if kind == "license-keys":
        return _license_key(entity, context)
    if kind == "order-items":
        raise ImportRejected(
            _("An order item has no tax. Export the orders with include=order-items instead."),
            ProblemCode.NOT_AN_ORDER,
        )
    raise ImportRejected(
        _("The Lemon Squeezy object “%(kind)s” contains no order data.") % {"kind": kind[:40] or "?"},
        ProblemCode.NOT_AN_ORDER,
    )


def _reference(order_id: str) -> str:
    """Return the reference by which license keys find their order. An order's number is not its id."""
    return f"lemonsqueezy-order-{order_id}"


# --- Orders --------------------------------------------------------------------------------------------


def _order(entity: dict[str, Any], value: Mapping[str, Any], context: FeedContext) -> StoreRecord:
    attributes = entity["attributes"]
    currency = currency_at(attributes, "currency")
    places = _decimal_places(attributes, currency)

    def amount(name: str) -> Decimal:
        return amount_in_units(attributes[name], currency, places)

    total = amount("total")
    included = [each for each in list_at(value, "included") if _is_of_order(each, entity)]
    items = [
        each["attributes"] | {"id": text_at(each, "id")} for each in included if text_at(each, "type") == "order-items"
    ]
    first = dict_at(attributes, "first_order_item")
    if not items and not first:
        raise ImportRejected(_("This order has no items. Export it with include=order-items."))
    amounts = (amount("discount_total"), amount("tax"), total)
    lines, has_all_lines = _lines(items or [first], attributes, amounts, currency)
    _add_licenses(lines, [each for each in included if text_at(each, "type") == "license-keys"], context)
    record: dict[str, Any] = {
        "store": context.store,
        "number": text_at(attributes, "order_number"),
        "email": text_at(attributes, "user_email") or None,
        "placed_at": time_at(attributes, "created_at"),
        "currency": currency,
        "lines": lines,
        "has_all_lines": has_all_lines,
        "billing": {"name": text_at(attributes, "user_name")},
        "totals": {
            "subtotal": amount("subtotal"),
            "discount": amount("discount_total"),
            "tax": amount("tax"),
            "total": total,
        },
        "references": [_reference(text_at(entity, "id")), text_at(attributes, "identifier")],
    }
    record |= _status_and_refunds(attributes, total, currency, places, context)
    if changed_at := time_at(attributes, "updated_at"):
        record["updated_at"] = changed_at
    modes = [dict_at(part).get("test_mode") for part in (attributes, dict_at(value, "meta"), first)]
    if known := [mode for mode in modes if isinstance(mode, bool)]:
        record["test"] = known[0]
    return StoreRecord.model_validate(record)


def _decimal_places(attributes: Mapping[str, Any], currency: str) -> int:
    """Return the number of decimals of the amounts. They are cents, but for a currency without cents that is unclear.

    In that case, the formatted total, such as “¥1,500”, shows it.
    """
    usual = decimals(currency)
    if usual == CENTS:
        return usual
    shown = parse_amount(text_at(attributes, "total_formatted"), False, currency)
    for places in (usual, CENTS):
        if amount_in_units(attributes["total"], currency, places) == shown:
            return places
    raise ImportRejected(_("This order’s total and “total_formatted” are different amounts."))


def _lines(
    items: list[dict[str, Any]], attributes: Mapping[str, Any], amounts: tuple[Decimal, Decimal, Decimal], currency: str
) -> tuple[list[dict[str, Any]], bool]:
    """Return the lines of an order, and whether they are all items.

    Items have only a price. The discount, the tax and the total are allocated to them by price. If the price of a
    single item shows that there are others, these become one line.
    """
    lines = [_line(item) for item in items]
    prices = _prices(items, attributes)
    rest = _subtotal(attributes) - sum(prices)
    has_all = not any(prices) or rest <= _subtotal(attributes) * ROUNDING or len(items) > 1
    if not has_all:
        lines.append({"id": "rest", "name": _("Other items"), "kind": "other"})
        prices.append(rest)
    discount, tax, total = amounts
    weights = prices if any(prices) else [Decimal(1) for _line in lines]
    totals, taxes, discounts = (allocate(amount, weights, currency) for amount in (total, tax, discount))
    for line, line_total, line_tax, line_discount in zip(lines, totals, taxes, discounts, strict=True):
        price = line_total - line_tax + line_discount
        line |= {
            "total": line_total,
            "tax": line_tax,
            "discount": line_discount,
            "unit_price": (price / max(_quantity(line), 1)).quantize(THOUSANDTH),
        }
        if text_at(attributes, "tax_rate"):
            line["tax_rate"] = Decimal(text_at(attributes, "tax_rate"))
    return lines, has_all


def _subtotal(attributes: Mapping[str, Any]) -> Decimal:
    """Return the sum of the prices of all items: with tax, if prices include it."""
    if attributes.get("tax_inclusive") is True:
        return Decimal(attributes["total"] + attributes["discount_total"])
    return Decimal(attributes["subtotal"])


def _prices(items: list[dict[str, Any]], attributes: Mapping[str, Any]) -> list[Decimal]:
    """Return the price of each item for its whole quantity; zeros if one has none. It may be a unit price."""
    if not all(isinstance(item.get("price"), int) for item in items):
        return [Decimal(0) for _item in items]
    prices = [Decimal(item["price"]) for item in items]
    of_units = [price * _quantity(item) for price, item in zip(prices, items, strict=True)]
    return of_units if sum(of_units) <= _subtotal(attributes) * (1 + ROUNDING) else prices


def _quantity(item: Mapping[str, Any]) -> int:
    quantity = item.get("quantity", 1)
    return quantity if isinstance(quantity, int) else 1


def _line(item: Mapping[str, Any]) -> dict[str, Any]:
    variant = text_at(item, "variant_name")
    name = text_at(item, "product_name")
    line: dict[str, Any] = {
        "id": text_at(item, "id") or f"variant-{text_at(item, 'variant_id')}",
        "name": name if variant.lower() in ("", DEFAULT_VARIANT) else f"{name} ({variant})",
        "sku": text_at(item, "variant_id") or None,
    }
    if "quantity" in item:
        line["quantity"] = item["quantity"]
    return line


def _status_and_refunds(
    attributes: Mapping[str, Any], total: Decimal, currency: str, places: int, context: FeedContext
) -> dict[str, Any]:
    """Return the status, and the sum of all refunds, for which Lemon Squeezy has no ids."""
    status = read_status(text_at(attributes, "status"), STATUSES, context.status_meanings)
    refunded: Decimal | None = None
    if attributes.get("refunded_amount") is not None:
        refunded = amount_in_units(attributes["refunded_amount"], currency, places)
    elif status == Status.REFUNDED or attributes.get("refunded") is True:
        refunded = total
    elif "refunded" in attributes and status != Status.PARTIALLY_REFUNDED:
        refunded = Decimal(0)
    if refunded and status in (Status.COMPLETED, Status.PARTIALLY_REFUNDED):
        status = Status.REFUNDED if refunded >= total else Status.PARTIALLY_REFUNDED
    if refunded is None:
        return {"status": status}
    refund = UndatedRefund.model_validate(
        {"id": TOTAL_REFUND_ID, "amount": refunded, "at": time_at(attributes, "refunded_at"), "is_total": True}
    )
    return {"status": status, "refunds": [refund] if refunded else []}


# --- License keys --------------------------------------------------------------------------------------


def _add_licenses(lines: list[dict[str, Any]], license_keys: list[dict[str, Any]], context: FeedContext) -> None:
    """Add license keys to their lines. A key without an item gets a line without a price."""
    by_id = {line["id"]: line for line in lines}
    for each in license_keys:
        line_id = text_at(each, "attributes", "order_item_id")
        if line_id not in by_id:
            by_id[line_id] = {"id": line_id, "name": _("License"), "total": Decimal(0)}
            lines.append(by_id[line_id])
        by_id[line_id].setdefault("licenses", []).append(_license(each["attributes"], context))


def _license(attributes: Mapping[str, Any], context: FeedContext) -> dict[str, Any]:
    license: dict[str, Any] = {"serial": attributes["key"]}
    if "activation_limit" in attributes:  # null: unlimited
        license["devices"] = attributes["activation_limit"]
    if "expires_at" in attributes:
        expires_at = time_at(attributes, "expires_at")
        license["expires_on"] = expires_at.astimezone(context.time_zone).date() if expires_at else None
    return license


def _license_key(entity: dict[str, Any], context: FeedContext) -> OrderUpdate:
    attributes = entity["attributes"]
    return _license_update(
        _license(attributes, context),
        order_id=text_at(attributes, "order_id"),
        line={"id": text_at(attributes, "order_item_id"), "name": _("License")},
        about=f"license-{text_at(entity, 'id')}",
        changed={"updated_at": changed_at} if (changed_at := time_at(attributes, "updated_at")) else {},
        context=context,
    )


def _license_answer(value: dict[str, Any], context: FeedContext) -> OrderUpdate:
    """Convert the response of the License API to an application that activates or validates a key."""
    license_key, meta = dict_at(value, "license_key"), dict_at(value, "meta")
    if not text_at(meta, "order_id"):
        raise ImportRejected(_("This license key doesn’t name its order."))
    license = _license(license_key, context)
    if activated_at := time_at(value, "instance", "created_at"):
        license["activated_at"] = activated_at
    return _license_update(
        license,
        order_id=text_at(meta, "order_id"),
        line={"id": text_at(meta, "order_item_id"), "name": text_at(meta, "product_name") or _("License")},
        about=f"license-{text_at(license_key, 'id')}",
        changed={},
        context=context,
    )


def _license_update(
    license: dict[str, Any],
    *,
    order_id: str,
    line: dict[str, Any],
    about: str,
    changed: dict[str, Any],
    context: FeedContext,
) -> OrderUpdate:
    return OrderUpdate.model_validate(
        {
            "store": context.store,
            "references": [_reference(order_id)],
            "lines": [line | {"licenses": [license]}],
            "about": about,
            **changed,
        }
    )


FEED = Feed(
    name="lemonsqueezy",
    title="Lemon Squeezy",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    order_lookups=("reference",),
    identifiers=frozenset(
        {
            *("id", "identifier", "order_id", "order_number", "order_item_id", "store_id", "customer_id", "key"),
            *("product_id", "variant_id", "price_id", "key_short", "webhook_id", "receipt", "self", "related"),
        }
    ),
)
