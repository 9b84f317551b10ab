"""Paddle Billing: transactions, adjustments and customers as JSON, from its API and its notifications.

A transaction is an order, and an approved refund adjustment is a refund. Notifications contain only the customer's id.
The email address is in the customer's own notification or export.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.json_documents import read_documents
from intake.json_values import (
    amount_in_units,
    card_brand,
    currency_at,
    dict_at,
    list_at,
    serials_at,
    text_at,
    time_at,
)
from intake.problems import ImportRejected, ProblemCode
from intake.records import OrderRecord, OrderUpdate, RefundRecord, StoreRecord
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.values import THOUSANDTH
from orders.models import Order

Status = Order.Status
STATUSES = {
    **dict.fromkeys(("billed", "past-due"), Status.PENDING),
    **dict.fromkeys(("paid", "completed"), Status.COMPLETED),
    "canceled": Status.CANCELLED,
}
CHECKOUT_STATUSES = ("draft", "ready")  # nobody has paid or owes anything yet
ADJUSTMENT_STATUSES = ("pending_approval", "approved", "rejected", "reversed")
# Adjustments that refund nothing to the buyer: credits stay with Paddle, and warnings may be dropped.
OTHER_ACTIONS = ("credit", "credit_reverse", "chargeback_warning", "chargeback_warning_reverse")
WALLETS = ("apple_pay", "google_pay")
SANDBOX = "https://sandbox-api.paddle.com/"
SIMULATED = "ntfsimevt_"  # how the ids of simulated events begin

_ENTITY = re.compile(r'"(?:id|transaction_id)"\s*:\s*"(?:txn|adj)_\w+"')
_CUSTOMER = re.compile(r'"id"\s*:\s*"ctm_\w+"')
_EVENT = re.compile(r'"event_type"\s*:\s*"[a-z_]+\.[a-z_]+"')


def matches(head: Head) -> bool:
    text = head.text.lstrip()
    if text[:1] not in ("{", "[", "#"):
        return False
    if _EVENT.search(text) and '"notification_id"' in text and '"occurred_at"' in text:
        return True
    return bool(
        (_ENTITY.search(text) and '"currency_code"' in text)
        or (_CUSTOMER.search(text) and '"marketing_consent"' in text)
    )


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    for document in read_documents(source):
        value = document.value
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            yield RawItem(document.line, document.text, _key(value, context), document.problem, value)
            continue
        for entity in value["data"]:
            # Only the page's address identifies a sandbox; its other metadata differ with each export.
            is_sandbox = text_at(value, "meta", "pagination", "next").startswith(SANDBOX)
            part = {"data": entity, "meta": {"pagination": {"next": SANDBOX}}} if is_sandbox else entity
            yield RawItem(
                document.line, json.dumps(part, default=str, ensure_ascii=False), _key(part, context), content=part
            )


def _key(value: Any, context: FeedContext) -> tuple[str, str] | None:
    number = text_at(_entity(value), "id") if isinstance(value, dict) else ""
    return (context.store, number) if number.startswith("txn_") else None


def _entity(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entity of an event or API response, or the value itself."""
    return value["data"] if isinstance(value.get("data"), dict) else dict(value)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This isn’t a Paddle object."))
    entity = _entity(value)
    entity_id = text_at(entity, "id")
    occurred_at = time_at(value, "occurred_at")
    if entity_id.startswith("txn_"):
        return _order(entity, _is_test(value), occurred_at, context)
    if entity_id.startswith("adj_"):
        return _adjustment(entity, occurred_at, context)
    if entity_id.startswith("ctm_"):
        return _customer(entity, occurred_at, context)
    raise ImportRejected(
        _("“%(kind)s” contains no order. Paddle’s orders are its transactions.")
        % {"kind": (text_at(value, "event_type") or entity_id or "?")[:40]},
        ProblemCode.NOT_AN_ORDER,
    )


def _is_test(value: Mapping[str, Any]) -> bool | None:
    """Whether this was created in the sandbox or by the simulator. An entity itself doesn't show that."""
    if text_at(value, "event_id").startswith(SIMULATED):
        return True
    page = text_at(value, "meta", "pagination", "next")
    return page.startswith(SANDBOX) if page else None


def _changed_at(entity: Mapping[str, Any], occurred_at: datetime | None) -> datetime | None:
    """Return when the entity was changed. For adjustments, this may be the year 1."""
    times = [each for each in (time_at(entity, "updated_at"), occurred_at, time_at(entity, "created_at")) if each]
    return next((each for each in times if each.year > 1), None)


# --- Transactions --------------------------------------------------------------------------------------


def _order(
    entity: dict[str, Any], is_test: bool | None, occurred_at: datetime | None, context: FeedContext
) -> StoreRecord:
    currency = currency_at(entity, "currency_code")
    status = _order_status(entity, context)
    billed_at = time_at(entity, "billed_at")
    if not text_at(entity, "details", "totals", "total") or not list_at(entity, "details", "line_items"):
        raise ImportRejected(_("This transaction lacks its line items or its total. Export it with its details."))
    lines = [_line(item, entity, currency) for item in list_at(entity, "details", "line_items")]
    record: dict[str, Any] = {
        "store": context.store,
        "number": entity["id"],
        "placed_at": billed_at or time_at(entity, "created_at"),
        "currency": currency,
        "status": status,
        "lines": lines,
        "totals": _totals(entity, lines, currency),
        "billing": _billing(entity),
        "references": [
            name for name in (entity["id"], text_at(entity, "invoice_id"), text_at(entity, "customer_id")) if name
        ],
        "customer": text_at(entity, "customer_id") or None,
    }
    optional = {
        "email": text_at(entity, "customer", "email"),
        "language": text_at(entity, "customer", "locale").partition("-")[0],
        "payment": _payment(entity),
        "updated_at": _changed_at(entity, occurred_at),
    }
    record |= {key: content for key, content in optional.items() if content}
    if is_test is not None:
        record["test"] = is_test
    if number := text_at(entity, "invoice_number"):
        record["invoice"] = {"number": number}
        if billed_at:
            record["invoice"]["issued_on"] = billed_at.astimezone(context.time_zone).date()
    if isinstance(entity.get("adjustments"), list):
        record |= _adjustments(list_at(entity, "adjustments"), lines, status, record["totals"].get("total"))
    _add_serials(entity, lines)
    return StoreRecord.model_validate(record)


def _order_status(entity: Mapping[str, Any], context: FeedContext) -> Status:
    word = text_at(entity, "status")
    if word in CHECKOUT_STATUSES and word not in context.status_meanings:
        raise ImportRejected(
            _("This transaction is an unpaid checkout (“%(status)s”), so it isn’t an order yet.") % {"status": word},
            ProblemCode.NOT_AN_ORDER,
        )
    return read_status(word, STATUSES, context.status_meanings)


def _line(item: Mapping[str, Any], entity: Mapping[str, Any], currency: str) -> dict[str, Any]:
    if not text_at(item, "id"):
        raise ImportRejected(_("A line item of this transaction has no ID, so it’s only a preview."))
    price = next((each for each in map(_price, list_at(entity, "items")) if each.get("id") == item.get("price_id")), {})
    quantity = item.get("quantity")
    totals = dict_at(item, "totals")
    amounts = {name: amount_in_units(totals[name], currency) for name in ("subtotal", "tax", "total")}
    discount = amount_in_units(totals.get("discount") or 0, currency)
    line: dict[str, Any] = {
        "id": text_at(item, "id"),
        "name": text_at(item, "product", "name") or text_at(price, "name") or text_at(price, "description"),
        "sku": text_at(item, "price_id") or text_at(price, "id") or None,
        "quantity": quantity,
        "discount": discount,
        "tax": amounts["tax"],
        "total": amounts["total"],
        "unit_price": (amounts["subtotal"] / max(quantity if isinstance(quantity, int) else 1, 1)).quantize(THOUSANDTH),
    }
    if text_at(item, "tax_rate"):
        line["tax_rate"] = (Decimal(text_at(item, "tax_rate")) * 100).quantize(THOUSANDTH)
    if entity.get("origin") == "subscription_recurring":
        line["kind"] = "renewal"
    return line


def _price(item: Mapping[str, Any]) -> dict[str, Any]:
    return dict_at(item, "price")


def _totals(entity: Mapping[str, Any], lines: list[dict[str, Any]], currency: str) -> dict[str, Decimal]:
    """Return the totals of the order. Credit that the customer used is a line with a negative amount."""
    known = {
        name: amount_in_units(content, currency)
        for name, content in dict_at(entity, "details", "totals").items()
        if name in ("subtotal", "discount", "tax", "total", "grand_total", "credit", "credit_to_balance")
        and content is not None
    }
    totals: dict[str, Decimal] = {
        name: known[name] for name in ("subtotal", "discount", "tax", "total") if name in known
    }
    credit = known.get("credit_to_balance", Decimal(0)) - known.get("credit", Decimal(0))
    if credit and known.get("grand_total") == known["total"] + credit:
        totals["total"] = known["grand_total"]
        lines.append(
            {
                "id": "credit",
                "name": _("Credit"),
                "kind": "other",
                "quantity": 1,
                "unit_price": credit,
                "total": credit,
            }
        )
    return totals


def _billing(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the included parts of the buyer's address. Notifications include none."""
    billing: dict[str, Any] = {}
    if name := text_at(entity, "customer", "name"):
        billing["name"] = name
    if business := dict_at(entity, "business"):
        billing |= {"company": text_at(business, "name"), "vat_id": text_at(business, "tax_identifier")}
    if address := dict_at(entity, "address"):
        place = [text_at(address, "city"), text_at(address, "region")]
        billing |= {
            "lines": [line for line in (text_at(address, "first_line"), text_at(address, "second_line")) if line],
            "city": ", ".join(filter(None, place)),
            "postcode": text_at(address, "postal_code"),
            "country": text_at(address, "country_code"),
        }
    return billing


def _payment(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the order was paid: the last captured payment. Failed attempts are ignored."""
    captured = [each for each in list_at(entity, "payments") if each.get("status") == "captured"]
    if not captured:
        return {}
    last = max(captured, key=lambda each: text_at(each, "captured_at"))
    details = dict_at(last, "method_details")
    method = text_at(details, "type")
    payment = {"method": "card" if method in WALLETS else method.replace("_", " ")}
    if card := dict_at(details, "card") or dict_at(details, "underlying_details", "card"):
        payment |= {"brand": card_brand(text_at(card, "type")), "last4": text_at(card, "last4")}
    if method in WALLETS:
        payment["wallet"] = method
    return payment


def _add_serials(entity: Mapping[str, Any], lines: list[dict[str, Any]]) -> None:
    """Add serial numbers stored by the vendor in the transaction, if it has only one item that they can belong to."""
    items = [line for line in lines if line["id"] != "credit"]
    serials = serials_at(entity, "custom_data")
    if not serials or len(items) != 1:
        return
    items[0]["licenses"] = [{"serial": serial} for serial in serials]
    if items[0].get("kind") == "renewal" and len(serials) == 1:
        items[0]["extends"] = serials[0]


# --- Adjustments ---------------------------------------------------------------------------------------


def _adjustment(entity: dict[str, Any], occurred_at: datetime | None, context: FeedContext) -> OrderUpdate:
    action, status = text_at(entity, "action"), text_at(entity, "status")
    record: dict[str, Any] = {
        "store": context.store,
        "references": [text_at(entity, "transaction_id")],
        "about": "adjustment",
    }
    if changed_at := _changed_at(entity, occurred_at):
        record["updated_at"] = changed_at
    _check_words(action, status)
    if action == "refund" and status == "approved":
        record["refunds"] = [_refund(entity, changed_at)]
    elif action == "chargeback" and status == "approved":
        record["status"] = Status.CHARGED_BACK
    elif (action, status) in (("chargeback", "reversed"), ("chargeback_reverse", "approved")):
        record["status"] = Status.COMPLETED
    else:
        raise ImportRejected(
            _("This adjustment (%(action)s, %(status)s) didn’t refund anything.")
            % {"action": action, "status": status},
            ProblemCode.NOT_AN_ORDER,
        )
    return OrderUpdate.model_validate(record)


def _check_words(action: str, status: str) -> None:
    if action not in ("refund", "chargeback", "chargeback_reverse", *OTHER_ACTIONS):
        raise ImportRejected(_("Unknown adjustment “%(action)s”.") % {"action": action[:40]}, word=action[:40])
    if status not in ADJUSTMENT_STATUSES:
        raise ImportRejected(_("Unknown adjustment status “%(status)s”.") % {"status": status[:40]}, word=status[:40])


def _refund(entity: Mapping[str, Any], approved_at: datetime | None) -> RefundRecord:
    amount = amount_in_units(dict_at(entity, "totals").get("total"), currency_at(entity, "currency_code"))
    return RefundRecord.model_validate({"id": entity["id"], "amount": amount, "at": approved_at})


def _adjustments(
    adjustments: list[dict[str, Any]], lines: list[dict[str, Any]], status: Status, total: Decimal | None
) -> dict[str, Any]:
    """Return the refunds of an order that was exported with its adjustments, and the resulting status."""
    refunds: list[RefundRecord] = []
    left = {line["id"]: line["quantity"] for line in lines}
    disputed = 0
    for each in adjustments:
        action, adjustment_status = text_at(each, "action"), text_at(each, "status")
        _check_words(action, adjustment_status)
        if adjustment_status != "approved":
            continue
        disputed += {"chargeback": 1, "chargeback_reverse": -1}.get(action, 0)
        if action != "refund":
            continue
        refund = _refund(each, _changed_at(each, None))
        # A partially refunded item is not returned.
        whole = [text_at(item, "item_id") for item in list_at(each, "items") if item.get("type") == "full"]
        returned = [{"id": line_id, "quantity": left.pop(line_id)} for line_id in whole if line_id in left]
        refunds.append(RefundRecord.model_validate(refund.model_dump() | {"lines": returned}))
    refunded = sum((refund.amount for refund in refunds), Decimal(0))
    if status == Status.COMPLETED and disputed > 0:
        status = Status.CHARGED_BACK
    elif status == Status.COMPLETED and refunded > 0:
        status = Status.REFUNDED if total is not None and refunded >= total else Status.PARTIALLY_REFUNDED
    return {"refunds": refunds, "status": status}


# --- Customers -----------------------------------------------------------------------------------------


def _customer(entity: dict[str, Any], occurred_at: datetime | None, context: FeedContext) -> OrderUpdate:
    record: dict[str, Any] = {"store": context.store, "customer": entity["id"], "about": "customer"}
    optional = {
        "email": text_at(entity, "email"),
        "language": text_at(entity, "locale").partition("-")[0],
        "updated_at": _changed_at(entity, occurred_at),
    }
    record |= {key: content for key, content in optional.items() if content}
    if name := text_at(entity, "name"):
        record["billing"] = {"name": name}
    return OrderUpdate.model_validate(record)


FEED = Feed(
    name="paddle",
    title="Paddle",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    order_lookups=("reference",),
    identifiers=frozenset(
        {
            *("id", "transaction_id", "customer_id", "address_id", "business_id", "subscription_id", "invoice_id"),
            *("event_id", "notification_id", "price_id", "product_id", "item_id", "discount_id", "amount", "total"),
            *("payment_attempt_id", "payment_method_id", "stored_payment_method_id", "invoice_number"),
        }
    ),
)
