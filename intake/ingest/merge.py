"""Merge a record into its order, in memory.

A record that is newer than its feed's last one is applied completely: its fields are set, and absent fields keep their
values. An older record only fills in fields that no newer record had. Versions of an order therefore end in the same
state, regardless of the sequence in which they are imported. For this, each feed's entry in `Order.sources` stores
`updated_at` and, under `absent`, when each field missing from the newest record was last given ("" for never).
"""

from typing import Any, cast

from pydantic import BaseModel

from intake.ingest.columns import (
    LICENSE_FIELDS,
    NEW_ORDER,
    OPTIONAL_LINE_FIELDS,
    PART_COLUMNS,
    SIMPLE_COLUMNS,
    SIMPLE_FIELDS,
    ZERO,
)
from intake.ingest.line_identity import identify_known_lines, use_stored_ids
from intake.ingest.merge_lines import add_licenses, complete_amounts, merge_lines
from intake.ingest.merge_refunds import count_returned, mark_missing_refunds, merge_refunds
from intake.ingest.recency import Recency, sortable_timestamp
from intake.ingest.same_refunds import family_of, identify_refunds
from intake.ingest.state import Batch, OrderState
from intake.ingest.versions import STATUS_RANK, has_fewer_refunds, is_older_version, update_versions
from intake.records import (
    KINDS_THAT_EXTEND,
    NESTED_FIELDS,
    LineRecord,
    OrderRecord,
    OrderUpdate,
    StoreRecord,
    join_address_lines,
    number_key,
    serial_key,
)
from notifications.addresses import email_key
from orders.models import Order
from orders.passwords import hash_imported_password

Status = Order.Status
_BY_REFUNDS = (Status.PARTIALLY_REFUNDED, Status.REFUNDED)


def merge_record(record: OrderRecord, order: OrderState, batch: Batch, feed: str, digest: str) -> bool:
    """Apply a record to its order, in memory. Returns whether the order changed."""
    order.changed, changed_before = False, order.changed
    sources = order.columns["sources"] or {}
    known = sources.get(feed)
    if is_older_version(record, known, digest, batch.run):
        if known and has_fewer_refunds(record, known):
            mark_missing_refunds(record, order, known.get("refunds") or [])
        changed = order.changed
        order.changed = changed or changed_before
        return changed
    is_first = order.is_new and not sources
    recency = Recency(known, sortable_timestamp(record.updated_at))
    given = record.model_fields_set
    if recency.is_newest:
        _merge_required_fields(record, order, recency)
    _merge_simple_fields(record, order, recency, given, is_disputed=_is_disputed(feed, sources))
    _merge_parts(record, order, recency, given)
    kind = type(record)  # `isinstance` is ten times slower for pydantic models
    entry: dict[str, Any] = dict(known or {})
    stored_ids = (sources.get(family_of(feed)) or {}).get("line_ids") or {}
    if kind is StoreRecord and record.__dict__["matches_content"] and "lines" in given:
        stored_ids = entry["line_ids"] = identify_known_lines(cast(StoreRecord, record), order, stored_ids)
    if stored_ids:
        use_stored_ids(record, stored_ids)
    if kind is OrderUpdate or (kind is StoreRecord and order.lines and not record.__dict__["has_all_lines"]):
        add_licenses(record, order, batch, recency)
    elif "lines" in given:
        merge_lines(record, order, batch, recency)
    if is_first and isinstance(record, StoreRecord):
        complete_amounts(record, order)
    _sum_totals_from_lines(record, order, recency, entry)
    if "refunds" in given:
        if record.refunds and sources.keys() - {feed}:
            found = identify_refunds(record, order, feed, sources)
            entry["same_refunds"] = (entry.get("same_refunds") or {}) | found
        entry["refunds"] = merge_refunds(record, order, recency, entry.get("refunds") or [])
    count_returned(order)
    _update_source_entry(record, recency, entry, digest, batch.run)
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


def _merge_required_fields(record: OrderRecord, order: OrderState, recency: Recency) -> None:
    """Merge the fields that every complete record has."""
    given = record.model_fields_set
    if "number" in given:
        _set(order, "number", record.number)
        _set(order, "number_key", number_key(record.number))
    if "placed_at" in given and order.columns["placed_at"] != record.placed_at:
        _set(order, "placed_at", record.placed_at)
        for line in order.lines.values():
            line.columns["return_until"] = None
    if "currency" in given:
        _set(order, "currency", record.currency)


def _merge_simple_fields(
    record: OrderRecord, order: OrderState, recency: Recency, given: set[str], *, is_disputed: bool
) -> None:
    for key, column in SIMPLE_COLUMNS.items():
        if key in given and recency.applies(key):
            value = getattr(record, key)
            if key == "password" and value and value != order.columns[column]:
                value = hash_imported_password(value)
            before = order.columns[column]
            _set(order, column, value if value is not None else NEW_ORDER[column])
            if key == "email":  # writing.py keeps the key of a corrected address
                order.email_changed |= order.columns[column] != before
                _set(order, "email_key", email_key(order.columns["store_email"]))
    leaves_open = _leaves_reversals_open(record, order, is_disputed=is_disputed)
    if "status" in given and not leaves_open and recency.applies("status"):
        is_first = order.is_new and not order.columns["sources"]
        may_move = is_first or recency.allows_status_rollback or not recency.is_newest
        if may_move or STATUS_RANK[record.status] >= STATUS_RANK[order.columns["status"]]:
            _set(order, "status", record.status)


def _is_disputed(feed: str, sources: dict[str, Any]) -> bool:
    """Whether another feed, such as that of the payment provider, reports that the payment was reversed."""
    family = family_of(feed)
    return any(
        entry.get("status") == Status.CHARGED_BACK for name, entry in sources.items() if family_of(name) != family
    )


def _leaves_reversals_open(record: OrderRecord, order: OrderState, *, is_disputed: bool) -> bool:
    """Whether a record's status says nothing about refunds and disputes.

    A store may report an order as completed, and its refunds separately. It doesn't know of a dispute reported by the
    payment provider, and the end of a dispute says nothing about an order that was refunded or canceled in another way.
    """
    if type(record) is OrderUpdate and record.status == Status.COMPLETED:
        return order.columns["status"] != Status.CHARGED_BACK
    if is_disputed and order.columns["status"] == Status.CHARGED_BACK:
        return True
    if type(record) is not StoreRecord or record.status != Status.COMPLETED:
        return False
    status = order.columns["status"]
    if "refunds" in record.model_fields_set:
        return status in _BY_REFUNDS and bool(order.refunds)
    return status in (*_BY_REFUNDS, Status.CHARGED_BACK)


def _merge_parts(record: OrderRecord, order: OrderState, recency: Recency, given: set[str]) -> None:
    known, is_newest = order.columns, recency.is_newest
    for key in given & NESTED_FIELDS:
        columns = PART_COLUMNS[key]
        part: BaseModel | None = getattr(record, key)
        values: dict[str, Any] = {} if part is None else part.__dict__
        for name in columns if part is None else part.model_fields_set:
            if is_newest or recency.applies(f"{key}.{name}"):
                value = values.get(name)
                if name == "lines":
                    value = join_address_lines(value or ())
                column = columns[name]
                if value is None:
                    value = NEW_ORDER[column]
                if known[column] != value:
                    known[column] = value
                    order.changed = True


def _sum_totals_from_lines(record: OrderRecord, order: OrderState, recency: Recency, entry: dict[str, Any]) -> None:
    """Calculate the totals of an order that was created without them, until a record has a total."""
    given = record.totals.model_fields_set if record.totals else set()
    is_first = order.is_new and not order.columns["sources"]
    if "total" in given or ("totals" in record.model_fields_set and not is_first):
        entry.pop("summed", None)
        return
    if not (is_first or (recency.is_newest and entry.get("summed") and "lines" in record.model_fields_set)):
        return
    entry["summed"] = True
    lines = [line.columns for line in order.lines.values()]
    sums = {
        "subtotal": sum((line["unit_price"] * line["quantity"] for line in lines), ZERO),
        "discount": sum((line["discount"] for line in lines), ZERO),
        "tax": sum((line["tax"] for line in lines), ZERO),
        "total": sum((line["total"] for line in lines), ZERO),
    }
    for name in sums.keys() - given:
        _set(order, name, sums[name])


def _update_source_entry(record: OrderRecord, recency: Recency, entry: dict[str, Any], digest: str, run: str) -> None:
    if not recency.is_newest:
        if recency.filled_paths:
            entry["absent"] = {**(entry.get("absent") or {}), **dict.fromkeys(recency.filled_paths, recency.updated_at)}
        return
    update_versions(entry, record, digest, run)
    if type(record) is OrderUpdate and "status" in record.model_fields_set:
        entry["status"] = str(record.status)
    entry["digest"] = digest
    if recency.updated_at is not None:
        entry["updated_at"] = recency.updated_at
        entry["absent"] = _absent(record, recency)
    entry.setdefault("updated_at", None)


def _absent(record: OrderRecord, recency: Recency) -> dict[str, str]:
    """Return the fields that this record lacks, and when each was last given."""
    given = record.model_fields_set
    absent = {key: recency.last_given_at(key) for key in (*SIMPLE_FIELDS, "lines") if key not in given}
    for key, columns in PART_COLUMNS.items():
        part: BaseModel | None = getattr(record, key)
        if key in given and (part is None or len(part.model_fields_set) == len(columns)):
            continue
        missing = [name for name in columns if part is None or name not in part.model_fields_set]
        times = {name: recency.last_given_at(f"{key}.{name}") for name in missing}
        if key not in given and len(set(times.values())) == 1:
            absent[key] = next(iter(times.values()))
        else:
            absent |= {f"{key}.{name}": given_at for name, given_at in times.items()}
    for line in record.lines:
        absent |= _absent_in_line(line, recency)
    return absent


def _absent_in_line(line: LineRecord, recency: Recency) -> dict[str, str]:
    missing = OPTIONAL_LINE_FIELDS - line.model_fields_set
    if line.kind not in KINDS_THAT_EXTEND:
        missing.discard("extends")
    absent = {}
    if missing:
        absent = {path: recency.last_given_at(path) for path in sorted(f"lines.{line.id}.{key}" for key in missing)}
    for license in line.licenses or ():
        if len(license.model_fields_set) <= len(LICENSE_FIELDS):
            prefix = f"lines.{line.id}.licenses.{serial_key(license.serial)}"
            absent |= {
                f"{prefix}.{key}": recency.last_given_at(f"{prefix}.{key}")
                for key in LICENSE_FIELDS
                if key not in license.model_fields_set
            }
    return absent
