"""FastSpring: orders and returns as JSON, from webhooks and from its API.

A webhook body, a list of events, a single event and API responses (`orders`, `returns`) are read in the same way.
Prices are in whole currency units, times in milliseconds since 1970.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.json_documents import read_documents
from intake.problems import ImportRejected, ProblemCode
from intake.records import OrderRecord, OrderUpdate, StoreRecord
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.values import THOUSANDTH
from orders.models import Order
from refunds.amounts import allocate

LISTS = ("events", "orders", "returns")  # keys that wrap the object
RENEWAL_EVENT = "subscription.charge.completed"
RETURN_EVENT = "return.created"
FAILED_EVENT = "order.failed"
MAX_ID = 64  # characters of a line's id
MAX_SERIAL = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZERO = Decimal(0)

Status = Order.Status
STATUSES = {
    "order.completed": Status.COMPLETED,
    RENEWAL_EVENT: Status.COMPLETED,
    "order.payment.pending": Status.PENDING,
    "order.approval.pending": Status.PENDING,
    "order.canceled": Status.CANCELLED,
}
WALLETS = {"applepay": "apple_pay", "googlepay": "google_pay"}

_OWN_KEY = re.compile(r'"(?:payoutCurrency|[A-Za-z]+InPayoutCurrency)"\s*:')
# The date in an order's reference: "ACME190413-7806-51197" is from 2019-04-13.
_DAY = re.compile(r"[A-Z]{2,}(\d\d)(\d\d)(\d\d)-\d{4}-\d+[A-Z]?")


def matches(head: Head) -> bool:
    text = head.text.lstrip()
    return text[:1] in ("{", "[", "#") and bool(_OWN_KEY.search(text))


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    for document in read_documents(source):
        value = document.value
        wrapped = [value[name] for name in LISTS if isinstance(value, dict) and isinstance(value.get(name), list)]
        for part in [part for parts in wrapped for part in parts]:
            yield RawItem(
                document.line, json.dumps(part, default=str, ensure_ascii=False), _key(part, context), content=part
            )
        if not wrapped:
            yield RawItem(document.line, document.text, _key(value, context), document.problem, value)


def _key(value: Any, context: FeedContext) -> tuple[str, str] | None:
    """Return the order's number, by which a repeated event is found. Returns have no number."""
    if not isinstance(value, dict):
        return None
    data = value["data"] if isinstance(value.get("data"), dict) else value
    order = data["order"] if isinstance(data.get("order"), dict) else data
    reference = order.get("reference")
    return (context.store, reference) if isinstance(reference, str) and "original" not in order else None


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This isn’t a FastSpring object."))
    kind, data = "", value
    if isinstance(value.get("type"), str) and "data" in value:
        kind, data = value["type"], value["data"]
    if not isinstance(data, dict):
        raise ImportRejected(_("This event contains only an ID. Turn on “webhook expansion” at FastSpring."))
    data = {"live": value["live"]} | data if "live" in value else data
    if kind == RETURN_EVENT or (not kind and "return" in data):
        return OrderUpdate.model_validate(_refund(data, context))
    if kind == RENEWAL_EVENT:
        order = data.get("order")
        if not isinstance(order, dict):
            raise ImportRejected(_("This event contains only an ID. Turn on “webhook expansion” at FastSpring."))
        account = order["account"] if isinstance(order.get("account"), dict) else data.get("account")
        record = _order({"live": data.get("live")} | order | {"account": account}, kind, context)
        return StoreRecord.model_validate(_as_charge(record, data, order))
    if kind == FAILED_EVENT:
        raise ImportRejected(_("This payment failed, so it doesn’t belong to an order."), ProblemCode.NOT_AN_ORDER)
    if kind and not kind.startswith("order."):
        raise ImportRejected(
            _("The FastSpring event “%(kind)s” contains no order or refund.") % {"kind": kind[:40]},
            ProblemCode.NOT_AN_ORDER,
        )
    return StoreRecord.model_validate(_order(data, kind, context))


# --- Orders --------------------------------------------------------------------------------------------


def _order(order: dict[str, Any], kind: str, context: FeedContext) -> dict[str, Any]:
    if not isinstance(order.get("reference"), str) or "items" not in order:
        raise ImportRejected(_("This isn’t an order: its reference or its items are missing."))
    record: dict[str, Any] = {
        "store": context.store,
        "number": order["reference"],
        "lines": _lines(order),
        "references": list(filter(None, [_id_of(order.get("id") or order.get("order"), "id")])),
    }
    if changed := _time(order, "changed"):
        record["updated_at"] = changed
        record["placed_at"] = _placed_at(order["reference"], changed)
    if kind:
        record["status"] = read_status(kind, STATUSES, context.status_meanings)
    elif "completed" in order:
        # Outside an event, it is unknown whether an incomplete order failed, was canceled or is pending.
        word = "completed" if order["completed"] is True else "not-completed"
        record["status"] = read_status(word, {"completed": Status.COMPLETED}, context.status_meanings)
    if isinstance(order.get("live"), bool):
        record["test"] = not order["live"]
    for name in ("currency", "language"):
        if isinstance(order.get(name), str):
            record[name] = order[name]
    totals = {name: _amount(order[name]) for name in ("total", "tax", "discount") if order.get(name) is not None}
    if totals:
        record["totals"] = totals | {"subtotal": _subtotal(record["lines"])}
    return record | _buyer(order) | _payment(order)


def _as_charge(record: dict[str, Any], charge: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
    """Convert a charge of a subscription: it has the time of the payment, and whether it is a renewal."""
    if paid_at := _time(charge, "timestamp"):
        record["placed_at"] = paid_at
    sequence = charge.get("sequence")
    if not isinstance(sequence, int) or sequence < 2:
        return record
    for line, item in zip(record["lines"], order["items"], strict=True):
        if not item.get("subscription"):
            continue
        line["kind"] = "renewal"
        if len(line.get("licenses") or ()) == 1:
            line["extends"] = line["licenses"][0]["serial"]
    return record


def _placed_at(reference: str, changed: datetime) -> datetime:
    """Return when an order was placed. Only the time of its last change, and the day in its reference, are known."""
    if not (found := _DAY.fullmatch(reference)):
        return changed
    try:
        day = datetime(2000 + int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError:
        return changed
    # The reference's day may be in another time zone.
    is_same = day - timedelta(days=1) <= changed < day + timedelta(days=2)
    return changed if is_same else day


def _lines(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items, which add up to the total. They have no tax, so the order's is allocated in proportion."""
    items = order["items"]
    amounts = [_amount(item.get("subtotal")) for item in items]  # after discounts
    taxes = _taxes(order, items, amounts)
    total = order.get("total")
    is_included = taxes is not None and total is not None and _amount(total) == sum(amounts, ZERO)
    lines = []
    for index, (line_id, item) in enumerate(zip(_line_ids(items), items, strict=True)):
        discount, tax = _amount(item.get("discount") or 0), taxes[index] if taxes is not None else None
        net = amounts[index] - (tax or ZERO if is_included else ZERO)
        line: dict[str, Any] = {
            "id": line_id,
            "name": item.get("display") or line_id,
            "sku": item.get("sku") or _product(item)[:100] or None,
            "quantity": item.get("quantity", 1),
            "unit_price": ((net + discount) / max(item.get("quantity", 1), 1)).quantize(THOUSANDTH),
            "discount": discount,
            "total": net + (tax or ZERO),
        }
        if tax is not None:
            line["tax"] = tax
        if serials := _serials(item):
            line["licenses"] = [{"serial": serial} for serial in serials]
        lines.append(line)
    return lines


def _taxes(order: dict[str, Any], items: list[dict[str, Any]], amounts: list[Decimal]) -> list[Decimal] | None:
    """Return the tax of each item; None if the order has none."""
    if order.get("tax") is None:
        return None
    tax = _amount(order["tax"])
    own = [_amount(item["tax"]) for item in items if item.get("tax") is not None]
    if len(own) == len(items) and sum(own, ZERO) == tax:
        return own
    return allocate(tax, [max(amount, ZERO) for amount in amounts], str(order.get("currency") or ""))


def _subtotal(lines: list[dict[str, Any]]) -> Decimal:
    return sum((line["total"] - line.get("tax", ZERO) + line["discount"] for line in lines), ZERO)


def _product(item: dict[str, Any]) -> str:
    return _id_of(item.get("product"), "product")


def _line_ids(items: list[dict[str, Any]]) -> list[str]:
    """Return line ids, because items have none. A product is usually on one line; a second line of it gets a number."""
    seen: Counter[str] = Counter()
    ids = []
    for item in items:
        product = _product(item) or str(item.get("display") or "")
        if not product:
            raise ImportRejected(_("An item of this order has no product."))
        seen[product] += 1
        line_id = f"{product}#{seen[product]}" if seen[product] > 1 else product
        if len(line_id) > MAX_ID:
            digest = hashlib.blake2b(line_id.encode(), digest_size=8).hexdigest()
            line_id = f"{line_id[: MAX_ID - len(digest) - 1]}-{digest}"
        ids.append(line_id)
    return ids


def _serials(item: dict[str, Any]) -> list[str]:
    """Return the delivered license keys. Keys with several lines are files rather than serial numbers."""
    fulfillments = item.get("fulfillments")
    parts = fulfillments.values() if isinstance(fulfillments, dict) else ()
    entries = [entry for part in parts if isinstance(part, list) for entry in part if isinstance(entry, dict)]
    serials = [entry["license"].strip() for entry in entries if isinstance(entry.get("license"), str)]
    return [serial for serial in dict.fromkeys(serials) if serial and len(serial) <= MAX_SERIAL and "\n" not in serial]


def _buyer(order: dict[str, Any]) -> dict[str, Any]:
    account = order.get("account")
    contact = account.get("contact") if isinstance(account, dict) else None
    customer = order.get("customer") if isinstance(order.get("customer"), dict) else contact
    buyer: dict[str, Any] = {}
    billing: dict[str, Any] = {}
    if isinstance(customer, dict):
        if "email" in customer:
            buyer["email"] = customer["email"] or None
        if "first" in customer or "last" in customer:
            billing["name"] = " ".join(filter(None, (customer.get("first"), customer.get("last"))))
        if "company" in customer:
            billing["company"] = customer["company"]
    address = order.get("address")
    if isinstance(address, dict):
        billing |= _address(address)
    return buyer | ({"billing": billing} if billing else {})


def _address(address: dict[str, Any]) -> dict[str, Any]:
    """Convert an address. There are two sets of keys."""
    known: dict[str, Any] = {}
    streets = [address.get(f"addressLine{n}") or address.get(f"address line {n}") for n in (1, 2)]
    if any(streets):
        known["lines"] = [street for street in streets if street]
    if "city" in address:
        region = address.get("region") or address.get("regionDisplay")
        known["city"] = ", ".join(filter(None, (address["city"], region)))
    for name in ("postalCode", "postal code"):
        if name in address:
            known["postcode"] = address[name]
    if "country" in address:
        known["country"] = address["country"]
    return known


def _payment(order: dict[str, Any]) -> dict[str, Any]:
    payment = order.get("payment")
    if not isinstance(payment, dict):
        return {}
    known = {}
    if kind := payment.get("type"):
        known["method"] = kind[:32]
        if kind in WALLETS:
            known["wallet"] = WALLETS[kind]
    if brand := payment.get("creditcard"):
        known["brand"] = brand
    if last4 := payment.get("cardEnding"):
        known["last4"] = last4
    return {"payment": known} if known else {}


# --- Returns -------------------------------------------------------------------------------------------


def _refund(refund: dict[str, Any], context: FeedContext) -> dict[str, Any]:
    refund_id = _id_of(refund.get("return"), "return") or _id_of(refund.get("id"), "id")
    original = refund.get("original")
    order = original if isinstance(original, dict) else {"id": original}
    order_id, reference = _id_of(order.get("id") or order.get("order"), "id"), order.get("reference")
    if not refund_id or not (order_id or reference):
        raise ImportRejected(_("This return doesn’t name its order."))
    if refund.get("completed") is not True:
        raise ImportRejected(_("This return isn’t completed, so nothing was refunded yet."), ProblemCode.NOT_AN_ORDER)
    if order.get("currency") not in (None, refund.get("currency")):
        raise ImportRejected(_("This return’s currency differs from its order’s currency."))
    amount, at = _amount(refund.get("totalReturn")), _time(refund, "changed")
    is_full = order.get("total") is not None and _amount(order["total"]) == amount
    record: dict[str, Any] = {"id": refund_id, "amount": amount, "at": at}
    if is_full and isinstance(refund.get("items"), list):
        # A part of an item's price may be refunded without returning it. Items are returned for certain only if all of
        # them are.
        ids = _line_ids(refund["items"])
        quantities = (item.get("quantity") for item in refund["items"])
        record["lines"] = [
            {"id": line_id, "quantity": quantity} for line_id, quantity in zip(ids, quantities, strict=True) if quantity
        ]
    return {
        "store": context.store,
        "numbers": [reference] if reference else [],
        "references": [order_id] if order_id else [],
        "status": Status.REFUNDED if is_full else Status.PARTIALLY_REFUNDED,
        "refunds": [record],
        "updated_at": at,
    }


# --- Values --------------------------------------------------------------------------------------------


def _id_of(value: Any, key: str) -> str:
    """Return the id of an object that is expanded, or only referenced."""
    if isinstance(value, dict):
        value = value.get(key) or value.get("id")
    return value if isinstance(value, str) else ""


def _amount(value: Any) -> Decimal:
    """Return an amount. FastSpring's calculations may leave tiny fractions."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ImportRejected(_("An amount is missing or isn’t a number."))
    try:
        return Decimal(value).quantize(THOUSANDTH)
    except InvalidOperation:
        raise ImportRejected(_("“%(text)s” isn’t an amount.") % {"text": str(value)[:40]}) from None


def _time(value: dict[str, Any], name: str) -> datetime | None:
    milliseconds = value.get(name)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        return None
    return EPOCH + timedelta(milliseconds=milliseconds)


FEED = Feed(
    name="fastspring",
    title="FastSpring",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    order_lookups=("reference", "number"),
    identifiers=frozenset(
        {"id", "order", "return", "reference", "account", "subscription", "product", "sku", "license", "changed"}
    ),
)
