"""Stripe's payments: the dashboard's CSV in both column sets, and events, charges and sessions as JSON.

Refunds and disputes are read by `stripe_reversals`. Payments add the card's brand and last 4 digits to a store's
orders, and for wallet payments the last 4 digits of the device account number. An order is found by the payment's id if
the store's export has it, by its number in the payment's metadata if amount and currency agree, or by payer, amount and
date.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.feeds.stripe_reversals import (
    dispute_update,
    from_minor_units,
    read_time,
    refund_update,
    refunds_of_charge,
)
from intake.json_documents import read_documents
from intake.order_rows import Header
from intake.problems import ImportRejected, ProblemCode
from intake.records import NO_CURRENCY, OrderRecord, OrderUpdate, RefundRecord
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.tables import ExactColumns, read_table
from intake.values import parse_amount, parse_time
from orders.models import Order

# Metadata keys in which shops and their plugins store the order's number.
NUMBER_KEYS = ("order_number", "order_id", "order", "order_no", "ordernumber", "orderid", "order number", "order id")
WALLETS = {"apple pay": "apple_pay", "android pay": "google_pay", "google pay": "google_pay"}
BRANDS = {"american express": "amex", "diners club": "diners", "union pay": "unionpay"}
Status = Order.Status
# Only whether it was paid matters. Refunds and disputes are separate objects.
STATUSES = {
    **dict.fromkeys(("paid", "succeeded", "complete", "no-payment-required", "requires-capture"), Status.COMPLETED),
    **dict.fromkeys(("refunded", "partially-refunded", "partial-refund"), Status.COMPLETED),
    **dict.fromkeys(("uncaptured", "disputed"), Status.COMPLETED),
    **dict.fromkeys(("pending", "processing", "incomplete", "open", "requires-payment-method"), Status.PENDING),
    **dict.fromkeys(("requires-action", "requires-confirmation", "unpaid"), Status.PENDING),
    **dict.fromkeys(("failed", "canceled", "cancelled", "blocked", "expired"), Status.CANCELLED),
}
MODES = {"live": True, "test": False}
METADATA_COLUMN = " (metadata)"
EXACT_COLUMNS = ExactColumns(frozenset(("client reference id", *(f"{key}{METADATA_COLUMN}" for key in NUMBER_KEYS))))
# Columns with a payment's fields. If several have the same name, they must agree.
COLUMNS = frozenset(
    {
        "id",
        "amount",
        "currency",
        "mode",
        "status",
        "card brand",
        "card last4",
        "card tokenization method",
        "client reference id",
        "paymentintent id",
        "checkout session id",
        "invoice id",
        "customer email",
        "created date (utc)",
        "created (utc)",
    }
)

_ID = re.compile(r'"id"\s*:\s*"(?:evt|ch|py|pi|cs|cus|in|re|pyr|dp|du|sub|seti|card|pm|src)_')
_OBJECT = re.compile(r'"object"\s*:\s*"')


def matches(head: Head) -> bool:
    if _is_table(head):
        return True
    text = head.text.lstrip()
    return text[:1] in ("{", "[", "#") and bool(_ID.search(text) and _OBJECT.search(text))


def _is_table(head: Head) -> bool:
    return {"id", "amount", "currency"} <= head.columns and bool(
        head.columns & {"card last4", "card brand", "card id", "paymentintent id", "payment source type"}
    )


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    if _is_table(source.head):
        yield from _read_table(source)
        return
    for document in read_documents(source):
        value = document.value
        if isinstance(value, dict) and value.get("object") == "list" and isinstance(value.get("data"), list):
            for part in value["data"]:
                yield RawItem(document.line, _as_text(part), content=part)
        else:
            yield RawItem(document.line, document.text, problem=document.problem, content=value)


def _read_table(source: SourceFile) -> Iterator[RawItem]:
    table = read_table(source, EXACT_COLUMNS)
    first = next(table, None)
    if first is None:
        return
    header = Header(first.cells, lambda name: name in COLUMNS or METADATA_COLUMN in name)
    for row in table:
        yield RawItem(row.line, [row.cells], problem=row.problem, content=header)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    if isinstance(item.raw, list):
        header: Header = item.content
        return _update_from_row(header.read(item.raw[0]), context)
    value = item.content
    if not isinstance(value, dict):
        raise ImportRejected(_("This isn’t a Stripe object."))
    reported_at, is_live = value.get("created"), value.get("livemode")
    if value.get("object") == "event":
        data = value.get("data")
        value = data.get("object") if isinstance(data, dict) else None
    if not isinstance(value, dict):
        raise ImportRejected(_("This event contains no object."))
    if isinstance(is_live, bool):
        value = {"livemode": is_live} | value
    kind = value.get("object")
    if kind == "checkout.session":
        return _update_from_session(value, reported_at, context)
    if kind == "payment_intent":
        return _update_from_charge(_charge_of_intent(value, context), reported_at, context)
    if kind == "charge":
        return _update_from_charge(value, reported_at, context)
    if kind == "refund":
        return refund_update(value, reported_at, context)
    if kind == "dispute":
        return dispute_update(value, reported_at, context)
    raise ImportRejected(
        _("The Stripe object “%(kind)s” contains no payment.") % {"kind": str(kind)[:40]},
        ProblemCode.NOT_AN_ORDER,
    )


def _as_text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


# --- JSON ----------------------------------------------------------------------------------------------


def _charge_of_intent(intent: Mapping[str, Any], context: FeedContext) -> dict[str, Any]:
    """Return the last charge of a payment intent, which has the card."""
    _require_paid(intent.get("status"), context)
    charges = _dict_at(intent, "charges").get("data") or [intent.get("latest_charge")]
    charge = next((each for each in reversed(charges) if isinstance(each, dict)), None)
    if charge is None:
        raise ImportRejected(_("This payment intent contains no charge, and so no card."))
    return {
        "payment_intent": intent.get("id"),
        "livemode": intent.get("livemode"),
        **charge,
        "metadata": _dict_at(intent, "metadata") | _dict_at(charge, "metadata"),
    }


def _update_from_charge(charge: Mapping[str, Any], reported_at: Any, context: FeedContext) -> OrderUpdate:
    if charge.get("paid") is False:
        raise _unpaid()
    _require_paid(charge.get("status"), context)
    source = _dict_at(charge, "source")
    card = _dict_at(_dict_at(charge, "payment_method_details"), "card") or _dict_at(source, "card") or source
    wallet = _dict_at(card, "wallet")
    created = charge.get("created")
    return _order_update(
        context,
        reported_at=read_time(reported_at or created),
        card={
            "brand": card.get("brand"),
            "last4": card.get("last4"),
            "wallet": wallet.get("type") or card.get("tokenization_method"),
            "device_last4": wallet.get("dynamic_last4") or card.get("dynamic_last4"),
        },
        numbers=_order_numbers(_dict_at(charge, "metadata")),
        references=[charge.get("id"), charge.get("payment_intent"), charge.get("invoice")],
        payer=_dict_at(charge, "billing_details").get("email") or charge.get("receipt_email"),
        paid_amount=from_minor_units(charge.get("amount"), charge.get("currency")),
        currency=charge.get("currency"),
        paid_at=read_time(created),
        is_live=charge.get("livemode"),
        refunds=refunds_of_charge(charge),
    )


def _update_from_session(session: Mapping[str, Any], reported_at: Any, context: FeedContext) -> OrderUpdate:
    """Convert a checkout session. It has no card, but identifies the order of its payment."""
    if session.get("mode") == "setup":
        raise ImportRejected(
            _("This checkout session only saved a card. It doesn’t pay for an order."), ProblemCode.NOT_AN_ORDER
        )
    _require_paid(session.get("payment_status"), context)
    created = session.get("created") or reported_at
    return _order_update(
        context,
        reported_at=read_time(reported_at or created),
        card={},
        numbers=[session.get("client_reference_id"), *_order_numbers(_dict_at(session, "metadata"))],
        references=[session.get("id"), session.get("payment_intent")],
        payer=_dict_at(session, "customer_details").get("email") or session.get("customer_email"),
        paid_amount=from_minor_units(session.get("amount_total"), session.get("currency")),
        currency=session.get("currency"),
        paid_at=read_time(created),
        is_live=session.get("livemode"),
    )


def _require_paid(status: Any, context: FeedContext) -> None:
    """Raise ImportRejected if a payment's status is unknown, or says that it wasn't paid."""
    if not isinstance(status, str) or not status.strip():
        return
    if read_status(status, STATUSES, context.status_meanings) in (Status.PENDING, Status.CANCELLED):
        raise _unpaid()


def _unpaid() -> ImportRejected:
    return ImportRejected(
        _("This payment failed, was canceled or isn’t completed. It doesn’t pay for an order."),
        ProblemCode.NOT_AN_ORDER,
    )


def _dict_at(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}


def _order_numbers(metadata: Mapping[str, Any]) -> list[Any]:
    by_name = {name.strip().lower(): value for name, value in metadata.items()}
    return [by_name[name] for name in NUMBER_KEYS if name in by_name]


# --- CSV -----------------------------------------------------------------------------------------------


def _update_from_row(row: Mapping[str, str], context: FeedContext) -> OrderUpdate:
    def cell(*names: str) -> str:
        return next((row[name].strip() for name in names if row.get(name, "").strip()), "")

    _require_paid(cell("status"), context)
    mode = cell("mode").lower()
    if mode and mode not in MODES:
        raise ImportRejected(_("“%(mode)s” isn’t a payment mode. Use Live or Test.") % {"mode": cell("mode")[:40]})
    created = cell("created date (utc)", "created (utc)")
    paid_at = parse_time(created, UTC, context.date_order) if created else None
    currency = cell("currency")
    metadata = {name.removesuffix(METADATA_COLUMN): text for name, text in row.items() if METADATA_COLUMN in name}
    return _order_update(
        context,
        reported_at=paid_at,
        card={
            "brand": cell("card brand"),
            "last4": cell("card last4"),
            "wallet": cell("card tokenization method"),
            "device_last4": None,
        },
        numbers=[cell("client reference id"), *_order_numbers(metadata)],
        references=[cell("id"), cell("paymentintent id"), cell("checkout session id"), cell("invoice id")],
        payer=cell("customer email"),
        paid_amount=parse_amount(cell("amount"), context.decimal_comma, currency.upper()) if cell("amount") else None,
        currency=currency,
        paid_at=paid_at,
        is_live=MODES.get(mode),
    )


def _order_update(
    context: FeedContext,
    *,
    reported_at: datetime | None,
    card: Mapping[str, Any],
    numbers: list[Any],
    references: list[Any],
    payer: str | None,
    paid_amount: Decimal | None,
    currency: Any,
    paid_at: datetime | None,
    is_live: Any,
    refunds: Sequence[RefundRecord] = (),
) -> OrderUpdate:
    payment = {key: value for key, value in card.items() if value}
    for key, names in (("brand", BRANDS), ("wallet", WALLETS)):
        if key in payment:
            plain = str(payment[key]).lower()
            payment[key] = names.get(plain, plain.replace(" ", "_"))
    record: dict[str, Any] = {
        "store": context.store,
        "payment": payment,
        "numbers": [str(number) for number in numbers if number],
        "references": [name for name in references if isinstance(name, str) and name],
        "payer": payer or None,
        "paid_amount": paid_amount,
        "paid_currency": str(currency or NO_CURRENCY).upper(),
        "paid_at": paid_at,
        "is_live": is_live if isinstance(is_live, bool) else None,
    }
    if reported_at is not None:
        record["updated_at"] = reported_at
    if refunds:
        record["refunds"] = list(refunds)
    return OrderUpdate.model_validate(record)


FEED = Feed(
    name="stripe",
    title="Stripe",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    owned_fields=frozenset(
        {"payment.brand", "payment.last4", "payment.wallet", "payment.device_last4", "refunds", "status"}
    ),
    order_lookups=("reference", "number", "payer"),
    date_columns=frozenset({"created date (utc)", "created (utc)"}),
    amount_columns=frozenset({"amount", "amount refunded", "fee", "converted amount"}),
    required_columns=(("id",), ("Amount",), ("Currency",)),
    column_names={
        "payment.last4": ("Card Last4",),
        "payment.brand": ("Card Brand",),
        "payment.wallet": ("Card Tokenization Method",),
        "payer": ("Customer Email",),
        "paid_amount": ("Amount",),
        "paid_currency": ("Currency",),
        "paid_at": ("Created date (UTC)", "Created (UTC)"),
        "updated_at": ("Created date (UTC)", "Created (UTC)"),
    },
    identifiers=frozenset({"id", "paymentintent id", "customer id", "card id", "card fingerprint", "created"}),
)
