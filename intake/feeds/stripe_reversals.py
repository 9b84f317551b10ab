"""Stripe's refunds and disputes.

An order is found by the ids of its payment, which were imported before with the payment or the store's export.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import FeedContext
from intake.json_values import dict_at, list_at, text_at
from intake.problems import ImportRejected, ProblemCode
from intake.records import NO_CURRENCY, OrderUpdate, RefundRecord, UndatedRefund
from orders.models import TOTAL_REFUND_ID, Order
from orders.money import decimals

# Decimals of the currencies whose smallest unit at Stripe differs from ISO 4217.
MINOR_UNITS = {"ISK": 2, "UGX": 2, "MGA": 0}
# https://docs.stripe.com/api/refunds/object. The money of a failed or canceled refund is returned to the seller.
MADE, NOT_MADE, UNDONE = ("succeeded",), ("pending", "requires_action", ""), ("failed", "canceled")
# https://docs.stripe.com/api/disputes/object. The bank takes the money when a dispute is opened. Inquiries and
# prevented disputes take none.
LOST, WON = ("needs_response", "under_review", "lost"), ("won",)
NO_DISPUTE = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")


def from_minor_units(units: Any, currency: Any) -> Decimal | None:
    """Convert an amount from the currency's smallest unit; None if it isn't an amount."""
    if not isinstance(units, int) or isinstance(units, bool):
        return None
    code = str(currency).upper()
    return Decimal(units).scaleb(-MINOR_UNITS.get(code, decimals(code)))


def read_time(seconds: Any) -> datetime | None:
    """Return a time given in seconds since 1970; None if it is missing. Raises ImportRejected if it is invalid."""
    if not isinstance(seconds, int):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ImportRejected(_("“created” isn’t a date and time.")) from None


def refund_update(refund: Mapping[str, Any], reported_at: Any, context: FeedContext) -> OrderUpdate:
    """Convert a refund that succeeded, or one that failed later, which staff see as no longer reported by Stripe."""
    status, refund_id = text_at(refund, "status"), text_at(refund, "id")
    if status in NOT_MADE:
        raise ImportRejected(_("This refund isn’t completed yet."), ProblemCode.NOT_AN_ORDER)
    if status not in MADE + UNDONE:
        raise ImportRejected(_("Unknown refund status “%(status)s”.") % {"status": status[:40]}, word=status[:40])
    amount = from_minor_units(refund.get("amount"), refund.get("currency"))
    if amount is None or not refund_id:
        raise ImportRejected(_("This refund has no amount or no id."))
    reported: RefundRecord | UndatedRefund
    if status in MADE:
        fields = {"id": refund_id, "amount": amount, "at": read_time(refund.get("created"))}
        reported = RefundRecord.model_validate(fields)
    else:
        reported = UndatedRefund.model_validate({"id": refund_id, "amount": Decimal(0)})
    record = _update(refund, reported_at, f"refund:{refund_id}", context) | {"refunds": [reported]}
    return OrderUpdate.model_validate(record)


def dispute_update(dispute: Mapping[str, Any], reported_at: Any, context: FeedContext) -> OrderUpdate:
    """Convert a dispute. It takes back the order's payment while it is open, and permanently if it is lost."""
    status = text_at(dispute, "status")
    if status in NO_DISPUTE:
        raise ImportRejected(_("This dispute is only an inquiry. Nothing was reversed."), ProblemCode.NOT_AN_ORDER)
    if status not in LOST + WON:
        raise ImportRejected(_("Unknown dispute status “%(status)s”.") % {"status": status[:40]}, word=status[:40])
    record = _update(dispute, reported_at, f"dispute:{text_at(dispute, 'id')}", context)
    record["status"] = Order.Status.COMPLETED if status in WON else Order.Status.CHARGED_BACK
    return OrderUpdate.model_validate(record)


def _update(value: Mapping[str, Any], reported_at: Any, about: str, context: FeedContext) -> dict[str, Any]:
    charge = value.get("charge")
    names = [text_at(charge, "id") if isinstance(charge, dict) else charge, value.get("payment_intent")]
    references = [name for name in names if isinstance(name, str) and name]
    if not references:
        raise ImportRejected(_("This doesn’t name its payment."))
    live = value.get("livemode")
    record: dict[str, Any] = {
        "store": context.store,
        "references": references,
        "paid_currency": str(value.get("currency") or NO_CURRENCY).upper(),
        "is_live": live if isinstance(live, bool) else None,
        "about": about[:200],
    }
    if changed_at := read_time(reported_at or value.get("created")):
        record["updated_at"] = changed_at
    return record


def refunds_of_charge(charge: Mapping[str, Any]) -> list[RefundRecord]:
    """Return the refunds of a charge: single refunds in older versions of Stripe's API, otherwise their sum."""
    total = from_minor_units(charge.get("amount_refunded"), charge.get("currency"))
    if not total:
        return []
    listed = [each for each in list_at(charge, "refunds", "data") if text_at(each, "status") in MADE]
    amounts = [from_minor_units(each.get("amount"), each.get("currency")) for each in listed]
    if listed and not dict_at(charge, "refunds").get("has_more") and sum(filter(None, amounts)) == total:
        return [
            RefundRecord.model_validate({"id": each.get("id"), "amount": amount, "at": read_time(each.get("created"))})
            for each, amount in zip(listed, amounts, strict=True)
        ]
    return [UndatedRefund.model_validate({"id": TOTAL_REFUND_ID, "amount": total, "is_total": True})]
