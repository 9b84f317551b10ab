"""The merge rules: what a record does to an order. No database here.

A record that is newer than what its feed said last is applied whole: what it says stands, what it
leaves out stays. A record that is older may still fill in what no newer one said, so that versions
of an order end in the same state in whatever order they come. For that, each feed's entry in
`Order.sources` keeps, beside `updated_at`, when each key that the newest record left `absent` was
said last ("" for never).
"""

from typing import Any

from pydantic import BaseModel

from intake.ingest.columns import (
    ALL_OF_LINE,
    ALONE,
    LICENSE_KEYS,
    NEW_ORDER,
    OWN_COLUMNS,
    PART_COLUMNS,
    ZERO,
)
from intake.ingest.merge_lines import merge_lines
from intake.ingest.recency import Recency, stamp
from intake.ingest.state import Batch, OrderState, RefundState
from intake.records import (
    KINDS_THAT_EXTEND,
    PARTS,
    Completion,
    LineRecord,
    OrderRecord,
    UndatedRefund,
    number_key,
    serial_key,
    texts_of,
)
from notifications.addresses import email_key
from orders.models import Order
from orders.passwords import hash_imported_password

Status = Order.Status
# Without a date that says otherwise, a status moves down this list only.
STATUS_RANK = {
    str(status): rank
    for rank, status in enumerate(
        [
            Status.PENDING,
            Status.COMPLETED,
            Status.CANCELLED,
            Status.PARTIALLY_REFUNDED,
            Status.REFUNDED,
            Status.CHARGED_BACK,
        ]
    )
}


def merge(record: OrderRecord, order: OrderState, batch: Batch, feed: str, digest: str) -> bool:
    """Apply a record to its order, in memory. Returns whether anything of the order is now different."""
    order.changed, changed_before = False, order.changed
    sources = order.columns["sources"] or {}
    known = sources.get(feed)
    recency = Recency(known, stamp(record.updated_at))
    said = record.model_fields_set
    if recency.fresh:
        _merge_head(record, order, recency)
    _merge_own(record, order, recency, said)
    _merge_parts(record, order, recency, said)
    if "lines" in said:
        merge_lines(record, order, batch, recency)
    entry: dict[str, Any] = dict(known or {})
    _merge_sums(record, order, recency, entry)
    if "refunds" in said and recency.stands("refunds"):
        entry["refunds"] = _merge_refunds(record, order, batch, entry.get("refunds") or [])
    _count_returned(order)
    _remember(record, recency, entry, digest)
    entry = {key: value for key, value in entry.items() if value or key == "updated_at"}
    if entry != known:
        order.columns["sources"] = {**sources, feed: entry}
        order.sources_changed = True
    changed = order.changed
    order.changed = changed or changed_before
    return changed


def _set(order: OrderState, column: str, value: Any) -> None:
    if order.columns[column] != value:
        order.columns[column] = value
        order.changed = True


def _merge_head(record: OrderRecord, order: OrderState, recency: Recency) -> None:
    """What every full record says."""
    said = record.model_fields_set
    if "number" in said:
        _set(order, "number", record.number)
        _set(order, "number_key", number_key(record.number))
    if "placed_at" in said and order.columns["placed_at"] != record.placed_at:
        _set(order, "placed_at", record.placed_at)
        for line in order.lines.values():
            line.columns["return_until"] = None
    if "currency" in said:
        _set(order, "currency", record.currency)


def _merge_own(record: OrderRecord, order: OrderState, recency: Recency, said: set[str]) -> None:
    for key, column in OWN_COLUMNS.items():
        if key in said and recency.stands(key):
            value = getattr(record, key)
            if key == "password" and value and value != order.columns[column]:
                value = hash_imported_password(value)
            _set(order, column, value if value is not None else NEW_ORDER[column])
            if key == "email":  # where an address was corrected, write.py keeps the key of that
                _set(order, "email_key", email_key(order.columns["store_email"]))
    if "status" in said and recency.stands("status"):
        is_first = order.is_new and not order.columns["sources"]
        may_move = is_first or recency.may_move_back or not recency.fresh
        if may_move or STATUS_RANK[record.status] >= STATUS_RANK[order.columns["status"]]:
            _set(order, "status", record.status)


def _merge_parts(record: OrderRecord, order: OrderState, recency: Recency, said: set[str]) -> None:
    known, fresh = order.columns, recency.fresh
    for key in said & PARTS:
        columns = PART_COLUMNS[key]
        part: BaseModel | None = getattr(record, key)
        values: dict[str, Any] = {} if part is None else part.__dict__
        for name in columns if part is None else part.model_fields_set:
            if fresh or recency.stands(f"{key}.{name}"):
                value = values.get(name)
                if name == "lines":
                    value = texts_of(value or ())
                column = columns[name]
                if value is None:
                    value = NEW_ORDER[column]
                if known[column] != value:
                    known[column] = value
                    order.changed = True


def _merge_sums(record: OrderRecord, order: OrderState, recency: Recency, entry: dict[str, Any]) -> None:
    """The totals of an order that was made without any are its lines', until it says some."""
    if "totals" in record.model_fields_set:
        entry.pop("summed", None)
        return
    is_first = order.is_new and not order.columns["sources"]
    if not (is_first or (recency.fresh and entry.get("summed"))):
        return
    entry["summed"] = True
    lines = record.lines
    _set(order, "subtotal", sum(((line.unit_price or ZERO) * line.quantity for line in lines), ZERO))
    _set(order, "discount", sum((line.discount or ZERO for line in lines), ZERO))
    _set(order, "tax", sum((line.tax or ZERO for line in lines), ZERO))
    _set(order, "total", sum((line.total or ZERO for line in lines), ZERO))


# --- Lines and licenses -------------------------------------------------------------------------------


def _merge_refunds(record: OrderRecord, order: OrderState, batch: Batch, brought: list[str]) -> list[str]:
    """Refunds are matched by their id. Of those that this feed `brought`, the ones not listed any more go.

    A completion tells of single refunds, and so removes none.
    """
    listed = record.refunds or []
    for said in listed:
        columns = {
            "store_refund_id": said.id,
            "amount": said.amount,
            "refunded_at": said.at,
            "lines": [{"id": line.id, "quantity": line.quantity} for line in said.lines or ()],
        }
        known = order.refunds.get(said.id)
        if known is not None and isinstance(said, UndatedRefund):
            columns |= {"refunded_at": known.columns["refunded_at"], "lines": known.columns["lines"]}
        if known is None:
            order.refunds[said.id] = RefundState(columns)
            order.changed = True
        elif known.columns != columns:
            known.columns = columns
            known.changed = order.changed = True
    ids = [refund.id for refund in listed]
    if isinstance(record, Completion):
        return list(dict.fromkeys([*brought, *ids]))
    for refund_id in brought:
        if refund_id not in ids and refund_id in order.refunds and not order.refunds[refund_id].held:
            gone = order.refunds.pop(refund_id)
            if gone.id is not None:
                batch.removed_refunds.append(gone.id)
            order.changed = True
    return ids


def _count_returned(order: OrderState) -> None:
    """Units that went back, by the store's refunds; units that the portal itself took back are never forgotten."""
    returned: dict[str, int] = {}
    if not order.refunds and not any(line.returned_by_store for line in order.lines.values()):
        return
    for refund in order.refunds.values():
        for part in refund.columns["lines"]:
            returned[part["id"]] = returned.get(part["id"], 0) + part["quantity"]
    for line_id, line in order.lines.items():
        counted = line.columns["quantity_returned"]
        told = returned.get(line_id, 0)
        now = told if counted == line.returned_by_store else max(counted, told)
        line.returned_by_store = told
        if now != counted:
            line.columns["quantity_returned"] = now
            line.changed = order.changed = True


# --- Remembering -----------------------------------------------------------------------------------------


def _remember(record: OrderRecord, recency: Recency, entry: dict[str, Any], digest: str) -> None:
    if not recency.fresh:
        if recency.filled:
            entry["absent"] = {**(entry.get("absent") or {}), **dict.fromkeys(recency.filled, recency.at)}
        return
    entry["digest"] = digest
    if recency.at is not None:
        entry["updated_at"] = recency.at
        entry["absent"] = _absent(record, recency)
    entry.setdefault("updated_at", None)


def _absent(record: OrderRecord, recency: Recency) -> dict[str, str]:
    """What this record leaves out, and when that was last said."""
    said = record.model_fields_set
    absent = {key: recency.last_said(key) for key in ALONE if key not in said}
    for key, columns in PART_COLUMNS.items():
        part: BaseModel | None = getattr(record, key)
        if key in said and (part is None or len(part.model_fields_set) == len(columns)):
            continue
        missing = [name for name in columns if part is None or name not in part.model_fields_set]
        times = {name: recency.last_said(f"{key}.{name}") for name in missing}
        if key not in said and len(set(times.values())) == 1:
            absent[key] = next(iter(times.values()))
        else:
            absent |= {f"{key}.{name}": said_at for name, said_at in times.items()}
    for line in record.lines:
        absent |= _absent_of_line(line, recency)
    return absent


def _absent_of_line(line: LineRecord, recency: Recency) -> dict[str, str]:
    missing = ALL_OF_LINE - line.model_fields_set
    if line.kind not in KINDS_THAT_EXTEND:
        missing.discard("extends")
    absent = {}
    if missing:
        absent = {path: recency.last_said(path) for path in sorted(f"lines.{line.id}.{key}" for key in missing)}
    for license in line.licenses or ():
        if len(license.model_fields_set) <= len(LICENSE_KEYS):
            prefix = f"lines.{line.id}.licenses.{serial_key(license.serial)}"
            absent |= {
                f"{prefix}.{key}": recency.last_said(f"{prefix}.{key}")
                for key in LICENSE_KEYS
                if key not in license.model_fields_set
            }
    return absent
