"""Digital River: orders, refunds, charges, invoices and fulfillments as JSON, from its API and its events.

An order contains its charges with the refunded amounts, without ids. A separate refund has an id and its items.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.json_documents import read_documents
from intake.json_values import card_brand, currency_at, dict_at, list_at, serials_at, text_at, time_at
from intake.problems import ImportRejected, ProblemCode
from intake.records import OrderRecord, OrderUpdate, RefundRecord, StoreRecord, UndatedRefund
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.values import THOUSANDTH
from orders.models import TOTAL_REFUND_ID, Order
from refunds.amounts import allocate

Status = Order.Status
STATUSES = {
    **dict.fromkeys(("pending-payment", "in-review"), Status.PENDING),
    **dict.fromkeys(("accepted", "fulfilled", "complete"), Status.COMPLETED),
    **dict.fromkeys(("cancelled", "blocked"), Status.CANCELLED),
    "returned": Status.REFUNDED,
    # The bank has reclaimed the money, or asks for reasons. Until this is resolved, nothing may be refunded.
    "dispute": Status.CHARGED_BACK,
}
OPEN_REFUND_STATES = ("created", "pending", "pending_information", "failed")
TOTALS = {"subtotal": "subtotal", "discount": "totalDiscount", "tax": "totalTax"}
METHODS = {"creditCard": "card", "payPal": "PayPal", "applePay": "card", "googlePay": "card"}
WALLETS = {"applePay": "apple_pay", "googlePay": "google_pay"}
MERCHANT_INITIATED = "merchant_initiated"  # an automatic charge of a subscription renewal
DUTY = "duty"  # the id of the line with duties and import taxes
ZERO = Decimal(0)

_MODE = re.compile(r'"liveMode"\s*:\s*(?:true|false)')
_OWN = re.compile(
    r'"(?:digitalriverVersion|sellingEntity|availableToRefundAmount|refundedAmount|paymentSessionId)"\s*:'
)


def matches(head: Head) -> bool:
    text = head.text.lstrip()
    if text[:1] not in ("{", "[", "#") or not _MODE.search(text):
        return False
    return bool(_OWN.search(text)) or "api.digitalriver.com/" in text


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    for document in read_documents(source):
        value = document.value
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            yield RawItem(document.line, document.text, _key(value, context), document.problem, value)
            continue
        for part in value["data"]:
            text = json.dumps(part, default=str, ensure_ascii=False)
            yield RawItem(document.line, text, _key(part, context), content=part)


def _key(value: Any, context: FeedContext) -> tuple[str, str] | None:
    entity = _entity(value) if isinstance(value, dict) else {}
    return (context.store, text_at(entity, "id")) if "totalAmount" in entity and "orderId" not in entity else None


def _entity(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object of an event, or the value itself."""
    return dict_at(value, "data", "object") if isinstance(value.get("data"), dict) else dict(value)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This isn’t a Digital River object."))
    entity = _entity(value)
    if isinstance(value.get("liveMode"), bool):
        entity = {"liveMode": value["liveMode"]} | entity
    if order := dict_at(entity, "orderDetails"):
        return _order(order, context)
    if invoice := dict_at(entity, "invoice"):
        return _invoice({"liveMode": entity.get("liveMode")} | invoice, context)
    if "collectionPeriodDays" in entity:
        return _invoice(entity, context)
    if "totalAmount" in entity and "items" in entity:
        return _order(entity, context)
    if text_at(entity, "id").startswith("re_") or ("refundedAmount" in entity and "orderId" in entity):
        return _refund(entity, context)
    if "captured" in entity and "orderId" in entity:
        return _charge(entity, context)
    raise ImportRejected(
        _("“%(kind)s” contains no order data.") % {"kind": (text_at(value, "type") or "?")[:40]},
        ProblemCode.NOT_AN_ORDER,
    )


def _amount(value: Any, *keys: str) -> Decimal:
    """Return the amount at this path, in whole units of the currency. A missing amount is zero."""
    found = dict_at(value, *keys[:-1]).get(keys[-1])
    if found is None:
        return ZERO
    try:
        if isinstance(found, bool) or not isinstance(found, int | Decimal | str):
            raise InvalidOperation
        return Decimal(found)
    except InvalidOperation:
        raise ImportRejected(_("“%(text)s” isn’t an amount.") % {"text": str(found)[:40]}) from None


def _reference(order_id: str) -> str:
    """Return the reference by which refunds find their order."""
    return f"digitalriver-order-{order_id}"


# --- Orders --------------------------------------------------------------------------------------------


def _order(order: dict[str, Any], context: FeedContext) -> StoreRecord:
    return _record(order, read_status(text_at(order, "state"), STATUSES, context.status_meanings), context)


def _invoice(invoice: dict[str, Any], context: FeedContext) -> StoreRecord:
    """Convert the invoice of a subscription. Once it is paid, it contains the complete order."""
    if text_at(invoice, "state") != "paid" or not text_at(invoice, "orderId"):
        raise ImportRejected(
            _("This subscription invoice (%(state)s) isn’t paid, so it isn’t an order yet.")
            % {"state": text_at(invoice, "state")[:40] or "?"},
            ProblemCode.NOT_AN_ORDER,
        )
    return _record(invoice | {"id": invoice["orderId"]}, Status.COMPLETED, context)


def _record(order: dict[str, Any], status: Status, context: FeedContext) -> StoreRecord:
    currency = currency_at(order, "currency")
    items = list_at(order, "items")
    if order.get("totalAmount") is None or not items or any(item.get("amount") is None for item in items):
        raise ImportRejected(_("This order lacks its total, its items or their amounts."))
    bill_to = dict_at(order, "billTo")
    lines = _lines(order, currency)
    imported = sum((line["tax"] for line in lines if line["id"] == DUTY), ZERO)
    number = text_at(order, "id")
    total, cancelled = _amount(order, "totalAmount"), _amount(order, "cancelledAmount")
    if status == Status.COMPLETED and ZERO < cancelled < total:
        lines.append(_cost("cancelled", _("Canceled items"), -cancelled, ZERO))
        total -= cancelled  # it was never charged
    record: dict[str, Any] = {
        "store": context.store,
        "number": number,
        "placed_at": time_at(order, "createdTime"),
        "currency": currency,
        "status": status,
        "lines": lines,
        "billing": _billing(bill_to, order),
        "totals": {name: _amount(order, key) for name, key in TOTALS.items() if order.get(key) is not None},
        "references": [name for name in (_reference(number), text_at(order, "upstreamId")) if name],
    }
    record["totals"]["total"] = total
    if imported:
        record["totals"]["tax"] = record["totals"].get("tax", ZERO) + imported
    optional = {
        "email": text_at(order, "email") or text_at(bill_to, "email"),
        "language": text_at(order, "locale").replace("-", "_").partition("_")[0],
        "payment": _payment(order),
        "updated_at": _changed_at(order),
    }
    record |= {key: content for key, content in optional.items() if content}
    if seller := text_at(order, "sellingEntity", "name"):
        record["invoice"] = {"seller": seller}
    if isinstance(order.get("liveMode"), bool):
        record["test"] = not order["liveMode"]
    if isinstance(order.get("payment"), dict) or isinstance(order.get("charges"), list):
        record |= _refunded(order, status, total)
    return StoreRecord.model_validate(record)


def _changed_at(order: Mapping[str, Any]) -> datetime | None:
    """Return when the order changed. `updatedTime` doesn't change with its states or refunds."""
    times = [time_at(order, "updatedTime")]
    for part in (order, *list_at(order, "items")):
        for name in ("stateTransitions", "fraudStateTransitions"):
            transitions = dict_at(part, name)
            times += [time_at(transitions, state) for state in transitions]
    times += [time_at(refund, "createdTime") for charge in _charges(order) for refund in list_at(charge, "refunds")]
    return max((each for each in times if each), default=None)


def _charges(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list_at(order, "payment", "charges") or list_at(order, "charges")


def _billing(bill_to: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any]:
    if not bill_to:
        return {}
    address = dict_at(bill_to, "address")
    place = [text_at(address, "city"), text_at(address, "state")]
    billing: dict[str, Any] = {
        "name": text_at(bill_to, "name"),
        "company": text_at(bill_to, "organization"),
        "lines": [line for line in (text_at(address, "line1"), text_at(address, "line2")) if line],
        "city": ", ".join(filter(None, place)),
        "postcode": text_at(address, "postalCode"),
        "country": text_at(address, "country"),
    }
    for identifier in list_at(order, "taxIdentifiers")[:1]:
        billing["vat_id"] = text_at(identifier, "value")
    return billing


def _payment(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the order was paid: the source of its first charge that didn't fail, otherwise its only source."""
    sources = list_at(order, "payment", "sources") or list_at(order, "sources")
    used = [charge.get("sourceId") for charge in _charges(order) if charge.get("state") != "failed"]
    by_id = {source.get("id"): source for source in sources}
    source = next((by_id[each] for each in used if each in by_id), sources[0] if len(sources) == 1 else {})
    kind = text_at(source, "type")
    if not kind:
        return {}
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
    payment = {"method": METHODS.get(kind, words)}
    card = dict_at(source, "creditCard") or dict_at(source, kind)
    if text_at(card, "lastFourDigits"):
        payment |= {"brand": card_brand(text_at(card, "brand")), "last4": text_at(card, "lastFourDigits")}
    if kind in WALLETS:
        payment["wallet"] = WALLETS[kind]
    return payment


# --- Lines ---------------------------------------------------------------------------------------------


def _lines(order: Mapping[str, Any], currency: str) -> list[dict[str, Any]]:
    """Return items and costs. The total shows whether duties and import taxes were paid with the order."""
    items = list_at(order, "items")
    discounts = _discounts(items, _amount(order, "totalDiscount"), currency)
    total = _amount(order, "totalAmount")
    lines = [_line(item, discount, order) for item, discount in zip(items, discounts, strict=True)] + _costs(order)
    if sum(line["total"] for line in lines) == total:
        return lines
    duty, importer_tax = _amount(order, "totalDuty"), _amount(order, "totalImporterTax")
    if (duty or importer_tax) and sum((line["total"] for line in lines), duty + importer_tax) == total:
        lines.append(_cost(DUTY, _("Duties and import taxes"), duty, importer_tax))
    return lines


def _discounts(items: list[dict[str, Any]], total: Decimal, currency: str) -> list[Decimal]:
    """Allocate the discount to the items that have one, or else to all. Item amounts are already reduced by it."""
    discounted = [_amount(item, "amount") if dict_at(item, "discount") else ZERO for item in items]
    weights = discounted if any(discounted) else [_amount(item, "amount") for item in items]
    return allocate(total, weights, currency)


def _line(item: Mapping[str, Any], discount: Decimal, order: Mapping[str, Any]) -> dict[str, Any]:
    amount, tax = _amount(item, "amount"), _amount(item, "tax", "amount")
    quantity = item.get("quantity", 1)
    sku = text_at(item, "skuId") or text_at(item, "productDetails", "id")
    line: dict[str, Any] = {
        "id": text_at(item, "id"),
        "name": text_at(item, "productDetails", "name") or sku,
        "sku": sku or None,
        "quantity": quantity,
        "unit_price": ((amount + discount) / max(quantity if isinstance(quantity, int) else 1, 1)).quantize(THOUSANDTH),
        "discount": discount,
        "tax": tax,
        "total": amount + tax,
    }
    if dict_at(item, "tax").get("rate") is not None:
        line["tax_rate"] = (_amount(item, "tax", "rate") * 100).quantize(THOUSANDTH)
    if dict_at(item, "subscriptionInfo") and _is_renewal(order):
        line["kind"] = "renewal"
    if serials := serials_at(item, "metadata"):
        line["licenses"] = [{"serial": serial} for serial in serials]
        if line.get("kind") == "renewal" and len(serials) == 1:
            line["extends"] = serials[0]
    return line


def _is_renewal(order: Mapping[str, Any]) -> bool:
    kinds = {text_at(charge, "type") for charge in _charges(order)} | {text_at(order, "chargeType")}
    return MERCHANT_INITIATED in kinds


def _costs(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return shipping and fees as lines. They get the part of the order's tax that no item has."""
    items = list_at(order, "items")
    fees = sum((_amount(item, "fees", "amount") for item in items), ZERO) or _amount(order, "totalFees")
    fees_tax = sum((_amount(item, "fees", "taxAmount") for item in items), ZERO)
    shipping = _amount(order, "totalShipping")
    shipping_tax = _amount(order, "shippingChoice", "taxAmount")
    if shipping and not shipping_tax:
        shipping_tax = _amount(order, "totalTax") - sum((_amount(item, "tax", "amount") for item in items), fees_tax)
    costs = [("shipping", _("Shipping"), shipping, shipping_tax), ("fees", _("Fees"), fees, fees_tax)]
    return [_cost(*cost) for cost in costs if cost[2] or cost[3]]


def _cost(line_id: str, name: str, amount: Decimal, tax: Decimal) -> dict[str, Any]:
    return {
        "id": line_id,
        "name": name,
        "kind": "other",
        "quantity": 1,
        "unit_price": amount,
        "tax": tax,
        "total": amount + tax,
    }


# --- Refunds -------------------------------------------------------------------------------------------


def _refunded(order: Mapping[str, Any], status: Status, total: Decimal) -> dict[str, Any]:
    """Return the refunded sum of an order. Its parts have no ids; separate refunds identify them."""
    complete = _complete_refunds(_charges(order))
    amount = sum((_amount(each, "amount") for each in complete), ZERO)
    if _amount(order, "capturedAmount") and "availableToRefundAmount" in order:
        # A refund that failed later may still be listed as complete, but its money is available again.
        amount = min(amount, _amount(order, "capturedAmount") - _amount(order, "availableToRefundAmount"))
    if amount > ZERO and status in (Status.COMPLETED, Status.REFUNDED):
        status = Status.REFUNDED if amount >= total else Status.PARTIALLY_REFUNDED
    return {"status": status, "refunds": [_sum_of_refunds(amount, complete)] if amount > ZERO else []}


def _complete_refunds(charges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for charge in charges for each in list_at(charge, "refunds") if each.get("state") == "complete"]


def _sum_of_refunds(amount: Decimal, parts: list[dict[str, Any]]) -> UndatedRefund:
    at = time_at(parts[0], "createdTime") if len(parts) == 1 else None
    return UndatedRefund.model_validate({"id": TOTAL_REFUND_ID, "amount": amount, "at": at, "is_total": True})


def _refund(refund: dict[str, Any], context: FeedContext) -> OrderUpdate:
    state = text_at(refund, "state")
    if state in OPEN_REFUND_STATES:
        raise ImportRejected(
            _("This refund isn’t completed (%(state)s).") % {"state": state}, ProblemCode.NOT_AN_ORDER, state
        )
    if state != "succeeded":
        raise ImportRejected(_("Unknown refund state “%(state)s”.") % {"state": state[:40]}, word=state)
    complete = _complete_refunds(list_at(refund, "charges"))
    made_at = max((at for each in complete if (at := time_at(each, "createdTime"))), default=None)
    record = RefundRecord.model_validate(
        {
            "id": refund["id"],
            "amount": _amount(refund, "refundedAmount") or _amount(refund, "amount"),
            "at": made_at or time_at(refund, "createdTime"),
            "lines": [
                {"id": text_at(item, "itemId"), "quantity": item["quantity"]}
                for item in list_at(refund, "items")
                if text_at(item, "itemId") and item.get("quantity")
            ],
        }
    )
    return _update(refund, [record], record.at, context)


def _charge(charge: dict[str, Any], context: FeedContext) -> OrderUpdate:
    """Convert a separate charge. Only its refunds are used; the payment is known from its order."""
    complete = _complete_refunds([charge])
    amount = sum((_amount(each, "amount") for each in complete), ZERO)
    if amount <= ZERO:
        raise ImportRejected(_("This charge contains no completed refund."), ProblemCode.NOT_AN_ORDER)
    changed_at = max((at for each in complete if (at := time_at(each, "createdTime"))), default=None)
    return _update(charge, [_sum_of_refunds(amount, complete)], changed_at, context)


def _update(
    entity: Mapping[str, Any], refunds: list[Any], changed_at: datetime | None, context: FeedContext
) -> OrderUpdate:
    order_id = text_at(entity, "orderId")
    if not order_id:
        raise ImportRejected(_("This refund doesn’t name its order."))
    record: dict[str, Any] = {"store": context.store, "references": [_reference(order_id)], "refunds": refunds}
    if changed_at:
        record["updated_at"] = changed_at
    if isinstance(entity.get("liveMode"), bool):
        record["is_live"] = entity["liveMode"]
    return OrderUpdate.model_validate(record)


FEED = Feed(
    name="digitalriver",
    title="Digital River",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    order_lookups=("reference",),
    identifiers=frozenset(
        {
            *("id", "orderId", "customerId", "skuId", "itemId", "checkoutId", "upstreamId", "sourceId", "partNumber"),
            *("paymentSessionId", "billingAgreementId", "subscriptionId", "planId", "fulfillmentId", "fileId"),
            *("referenceId", "trackingNumber", "productId", "clientSecret"),
        }
    ),
)
