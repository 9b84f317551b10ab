"""Detect whether a record without a date is an older version of its order than the stored one.

Stores without a modification time still show something about a record's age: refunds only grow, a status only moves
forward, and times such as that of the payment stay known. In addition, `older` in each feed's entry of `Order.sources`
contains the versions that a later version in the same file replaced, so that importing the file again changes nothing.
"""

from decimal import Decimal
from typing import Any

from intake.ingest.recency import sortable_timestamp
from intake.records import OrderRecord, StoreRecord, UndatedRefund
from orders.models import Order

MAX_OLDER_VERSIONS = 5

Status = Order.Status
# If dates don't show which record is later, a status can only change to one further down this list.
STATUS_RANK = {
    str(status): rank
    for rank, status in enumerate(
        [
            Status.PENDING,
            Status.COMPLETED,
            Status.PARTIALLY_REFUNDED,
            Status.CANCELLED,
            Status.REFUNDED,
            Status.CHARGED_BACK,
        ]
    )
}
_BY_REFUNDS = (Status.PARTIALLY_REFUNDED, Status.REFUNDED)


def is_older_version(record: OrderRecord, known: dict[str, Any] | None, digest: str, run: str) -> bool:
    """Whether the feed's entry `known` shows that this record is older than the stored version."""
    if not known or record.updated_at is not None:
        return False
    if digest in known.get("older", ()) and known.get("run") != run:
        return True
    return type(record) is StoreRecord and _knows_less(record, known.get("told") or {})


def _knows_less(record: StoreRecord, facts: dict[str, Any]) -> bool:
    """Whether the record knows less than the stored version in one respect, and more in none."""
    compared = []
    given = record.model_fields_set
    if "refunds" in given and "refunded" in facts:
        compared.append((_refunded(record), Decimal(facts["refunded"])))
    # Without its refunds, a record may report an order as completed that another record reports as refunded.
    if "status" in given and "status" in facts and ("refunds" in given or facts["status"] not in _BY_REFUNDS):
        compared.append((Decimal(STATUS_RANK[record.status]), Decimal(STATUS_RANK[facts["status"]])))
    older = any(now < before for now, before in compared)
    newer = any(now > before for now, before in compared)
    until = sortable_timestamp(record.known_until)
    if until and facts.get("until"):
        older = older or until < facts["until"]
        newer = newer or until > facts["until"]
    return older and not newer


def has_fewer_refunds(record: OrderRecord, known: dict[str, Any]) -> bool:
    """Whether a record may not be an older version after all: it has fewer refunds, and no time
    shows that it is older.
    """
    facts = known.get("told") or {}
    if type(record) is not StoreRecord or "refunds" not in record.model_fields_set or "refunded" not in facts:
        return False
    until = sortable_timestamp(record.known_until)
    is_dated = bool(until and facts.get("until") and until < facts["until"])
    return _refunded(record) < Decimal(facts["refunded"]) and not is_dated


def update_versions(entry: dict[str, Any], record: OrderRecord, digest: str, run: str) -> None:
    """Store what a record shows about its age in a feed's entry. `entry` still has the digest of
    the previous version.
    """
    if record.updated_at is not None:
        if type(record) is StoreRecord and record.known_until is not None:
            entry["told"] = _facts(record)  # for files of the same store without order dates
        return
    if type(record) is StoreRecord:
        entry["told"] = (entry.get("told") or {}) | _facts(record)
    if entry.get("run") != run:
        entry.pop("older", None)
    elif entry.get("digest"):
        replaced = [each for each in [*entry.get("older", ()), entry["digest"]] if each != digest]
        entry["older"] = list(dict.fromkeys(replaced))[-MAX_OLDER_VERSIONS:]
    entry["run"] = run


def _facts(record: StoreRecord) -> dict[str, str]:
    facts = {}
    if "status" in record.model_fields_set:
        facts["status"] = str(record.status)
    if "refunds" in record.model_fields_set:
        facts["refunded"] = str(_refunded(record))
    if until := sortable_timestamp(record.known_until):
        facts["until"] = until
    return facts


def _refunded(record: OrderRecord) -> Decimal:
    refunds = record.refunds or []
    totals = [refund.amount for refund in refunds if isinstance(refund, UndatedRefund) and refund.is_total]
    return max(totals) if totals else sum((refund.amount for refund in refunds), Decimal(0))
