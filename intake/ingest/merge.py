"""The merge rules: what a record does to an order. No database here.

A record that is newer than what its feed said last is applied whole: what it says stands, what it
leaves out stays. A record that is older may still fill in what no newer one said, so that versions
of an order end in the same state in whatever order they come. For that, each feed's entry in
`Order.sources` keeps, beside `updated_at`, when each key that the newest record left `absent` was
said last ("" for never).
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from intake.ingest.state import Batch, Columns, LicenseState, LineState, LinkState, OrderState, RefundState, SkuState
from intake.records import (
    KINDS_THAT_EXTEND,
    PARTS,
    Completion,
    LicenseRecord,
    LineRecord,
    OrderRecord,
    UndatedRefund,
    number_key,
    serial_key,
    texts_of,
)
from notifications.addresses import email_key
from orders.models import Order, OrderLine
from orders.passwords import store_imported

NEVER = ""
ZERO = Decimal(0)

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

# Keys of a record and of its parts, and the columns they fill.
OWN_COLUMNS = {"email": "store_email", "language": "language", "test": "is_test", "password": "password_hash"}
PART_COLUMNS = {
    "payment": {
        "method": "payment_method",
        "brand": "card_brand",
        "last4": "card_last4",
        "wallet": "wallet",
        "device_last4": "device_last4",
    },
    "billing": {
        "name": "billing_name",
        "company": "billing_company",
        "lines": "billing_address",
        "city": "billing_city",
        "postcode": "billing_postcode",
        "country": "billing_country",
        "vat_id": "billing_vat_id",
    },
    "invoice": {"number": "invoice_number", "issued_on": "invoice_issued_on", "seller": "invoice_seller"},
    "totals": {"subtotal": "subtotal", "discount": "discount", "tax": "tax", "total": "total"},
}
ALONE = ("status", "refunds", *OWN_COLUMNS)  # optional keys of a record that have no parts
LINE_KEYS = ("sku", "kind", "extends", "quantity", "unit_price", "discount", "tax_rate", "tax", "total", "licenses")
ALL_OF_LINE = set(LINE_KEYS)
CONTENT_OF_LINE = {"name", *LINE_KEYS} - {"licenses"}
LICENSE_KEYS = ("devices", "starts_on", "expires_on", "activated_at")

NEW_ORDER: Columns = {
    "number": "",
    "number_key": "",
    "status": Status.COMPLETED.value,
    "is_test": False,
    "placed_at": None,
    "language": "",
    "store_email": "",
    "email_key": "",
    "password_hash": "",
    "currency": "",
    **dict.fromkeys(PART_COLUMNS["totals"].values(), ZERO),
    **dict.fromkeys(PART_COLUMNS["payment"].values(), ""),
    **dict.fromkeys(PART_COLUMNS["billing"].values(), ""),
    "invoice_number": "",
    "invoice_issued_on": None,
    "invoice_seller": "",
    "sources": None,
}
NEW_LINE: Columns = {
    "position": 0,
    "sku": "",
    "name": "",
    "kind": OrderLine.Kind.NEW.value,
    "extends_serial": "",
    "quantity": 1,
    "quantity_returned": 0,
    "unit_price": ZERO,
    "discount": ZERO,
    "tax_rate": None,
    "tax": ZERO,
    "total": ZERO,
    "return_until": None,
}
NEW_LICENSE: Columns = {
    "serial": "",
    "serial_key": "",
    "product_id": None,
    "devices": None,
    "starts_on": None,
    "expires_on": None,
    "activated_at": None,
}


def stamp(moment: datetime | None) -> str | None:
    """A time as `sources` keeps it: texts that sort as their times do."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


class Word:
    """What a record's word is worth against what its feed said before."""

    __slots__ = ("_absent", "_known_at", "at", "dated", "filled", "fresh", "may_move_back")

    def __init__(self, known: dict[str, Any] | None, at: str | None) -> None:
        known = known or {}
        self.at = at
        self._known_at: str | None = known.get("updated_at")
        self._absent: dict[str, str] = known.get("absent") or {}
        self.fresh = at is None or self._known_at is None or at >= self._known_at
        self.dated = at is not None and self._known_at is not None  # both, so that they can be compared
        self.may_move_back = self.dated and self.fresh and at != self._known_at
        self.filled: list[str] = []

    def stands(self, path: str) -> bool:
        """Whether what the record says under this path is to be applied."""
        if self.fresh:
            return True
        said_at = self._absent.get(path)
        if said_at is None:
            said_at = self._absent.get(path.partition(".")[0])
        if said_at is None or said_at > (self.at or ""):
            return False
        self.filled.append(path)
        return True

    def last_said(self, path: str) -> str:
        """When this path was last said, before this record."""
        said_at = self._absent.get(path)
        if said_at is None:
            said_at = self._absent.get(path.partition(".")[0])
        return said_at if said_at is not None else self._known_at or NEVER


def merge(record: OrderRecord, order: OrderState, batch: Batch, feed: str, digest: str) -> bool:
    """Apply a record to its order, in memory. Returns whether anything of the order is now different."""
    order.changed, changed_before = False, order.changed
    sources = order.columns["sources"] or {}
    known = sources.get(feed)
    word = Word(known, stamp(record.updated_at))
    said = record.model_fields_set
    if word.fresh:
        _merge_head(record, order, word)
    _merge_own(record, order, word, said)
    _merge_parts(record, order, word, said)
    if "lines" in said:
        _merge_lines(record, order, batch, word)
    entry: dict[str, Any] = dict(known or {})
    _merge_sums(record, order, word, entry)
    if "refunds" in said and word.stands("refunds"):
        entry["refunds"] = _merge_refunds(record, order, batch, entry.get("refunds") or [])
    _count_returned(order)
    _remember(record, word, entry, digest)
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


def _merge_head(record: OrderRecord, order: OrderState, word: Word) -> None:
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


def _merge_own(record: OrderRecord, order: OrderState, word: Word, said: set[str]) -> None:
    for key, column in OWN_COLUMNS.items():
        if key in said and word.stands(key):
            value = getattr(record, key)
            if key == "password" and value and value != order.columns[column]:
                value = store_imported(value)
            _set(order, column, value if value is not None else NEW_ORDER[column])
            if key == "email":  # where an address was corrected, write.py keeps the key of that
                _set(order, "email_key", email_key(order.columns["store_email"]))
    if "status" in said and word.stands("status"):
        is_first = order.is_new and not order.columns["sources"]
        may_move = is_first or word.may_move_back or not word.fresh
        if may_move or STATUS_RANK[record.status] >= STATUS_RANK[order.columns["status"]]:
            _set(order, "status", record.status)


def _merge_parts(record: OrderRecord, order: OrderState, word: Word, said: set[str]) -> None:
    known, fresh = order.columns, word.fresh
    for key in said & PARTS:
        columns = PART_COLUMNS[key]
        part: BaseModel | None = getattr(record, key)
        values: dict[str, Any] = {} if part is None else part.__dict__
        for name in columns if part is None else part.model_fields_set:
            if fresh or word.stands(f"{key}.{name}"):
                value = values.get(name)
                if name == "lines":
                    value = texts_of(value or ())
                column = columns[name]
                if value is None:
                    value = NEW_ORDER[column]
                if known[column] != value:
                    known[column] = value
                    order.changed = True


def _merge_sums(record: OrderRecord, order: OrderState, word: Word, entry: dict[str, Any]) -> None:
    """The totals of an order that was made without any are its lines', until it says some."""
    if "totals" in record.model_fields_set:
        entry.pop("summed", None)
        return
    is_first = order.is_new and not order.columns["sources"]
    if not (is_first or (word.fresh and entry.get("summed"))):
        return
    entry["summed"] = True
    lines = record.lines
    _set(order, "subtotal", sum(((line.unit_price or ZERO) * line.quantity for line in lines), ZERO))
    _set(order, "discount", sum((line.discount or ZERO for line in lines), ZERO))
    _set(order, "tax", sum((line.tax or ZERO for line in lines), ZERO))
    _set(order, "total", sum((line.total or ZERO for line in lines), ZERO))


# --- Lines and licences -------------------------------------------------------------------------------


def _merge_lines(record: OrderRecord, order: OrderState, batch: Batch, word: Word) -> None:
    """Lines are matched by their id. The list is the whole of them: a line that a newer list lacks goes.

    Not so a line with returned units, or such that a buyer asked for, or a licence that staff assigned: it
    stays, because it happened.
    """
    listed = set()
    for position, said_line in enumerate(record.lines, start=1):
        listed.add(said_line.id)
        line = order.lines.get(said_line.id)
        if line is None:
            if not word.fresh:
                continue
            line = order.lines[said_line.id] = LineState({"store_line_id": said_line.id, **NEW_LINE})
            order.changed = True
        _merge_line(said_line, line, order, batch, word, position)
    if word.fresh:
        for line_id in [known for known in order.lines if known not in listed]:
            line = order.lines[line_id]
            if (
                line.held
                or line.columns["quantity_returned"]
                or any(not link.from_store for link in line.links.values())
            ):
                continue
            for key in list(line.links):
                _unlink(line, key, order, batch)
            if line.id is not None:
                batch.removed_lines.append(line.id)
            del order.lines[line_id]
            order.changed = True


def _merge_line(
    record: LineRecord, line: LineState, order: OrderState, batch: Batch, word: Word, position: int
) -> None:
    columns = line.columns
    carried_before = columns["extends_serial"]
    judged_by = (columns["sku"], columns["kind"])
    values, fresh = record.__dict__, word.fresh
    if fresh and columns["position"] != position:
        columns["position"] = position
        line.changed = order.changed = True
    for key in record.model_fields_set & CONTENT_OF_LINE:
        if not (fresh or word.stands(f"lines.{record.id}.{key}")):
            continue
        value = values[key]
        column = "extends_serial" if key == "extends" else key
        if value is None:
            value = NEW_LINE[column]
        if columns[column] != value:
            columns[column] = value
            line.changed = order.changed = True
    if (columns["sku"], columns["kind"]) != judged_by:
        columns["return_until"] = None
    if columns["sku"]:
        _know_sku(record, columns["sku"], order, batch)
    if record.licenses or line.links or columns["extends_serial"]:
        _merge_links(record, line, order, batch, word, carried_before)


def _merge_links(
    record: LineRecord, line: LineState, order: OrderState, batch: Batch, word: Word, carried_before: str
) -> None:
    """Which licences stand on a line: those that its list names, and the one that it extends."""
    said = {serial_key(license.serial): license for license in record.licenses or ()}
    carries = line.columns["extends_serial"]
    wanted = {serial_key(carries)} if carries else set()
    if "licenses" in record.model_fields_set and word.stands(f"lines.{record.id}.licenses"):
        wanted |= said.keys()
    else:
        gone = serial_key(carried_before) if carried_before else ""
        wanted |= {key for key, link in line.links.items() if link.from_store and key != gone}
    for key in [key for key, link in line.links.items() if link.from_store and key not in wanted]:
        _unlink(line, key, order, batch)
    linked = wanted - line.links.keys()
    for key in linked:
        _link(line, key, said[key].serial if key in said else carries, order, batch)
    for key, license in said.items():
        if key in line.links:
            link = line.links[key]
            ran_until = link.license.columns["expires_on"]
            _merge_license(license, link, order, word, f"lines.{record.id}.licenses.{key}")
            if key in linked and line.columns["kind"] in KINDS_THAT_EXTEND:
                _remember_extension(link, ran_until)


def _remember_extension(link: LinkState, ran_until: date | None) -> None:
    """A refund takes back the time that a renewal gave, and needs to know since when."""
    runs_until = link.license.columns["expires_on"]
    if ran_until is not None and runs_until is not None and runs_until > ran_until:
        link.extended_from = ran_until


def _know_sku(record: LineRecord, code: str, order: OrderState, batch: Batch) -> None:
    """A SKU that nobody knows is made, and put under a product by its serial number. Staff's choice stands."""
    sku = batch.skus.get((order.store_id, code))
    if sku is None:
        columns = {"store_id": order.store_id, "code": code, "name": record.name, "product_id": None}
        sku = batch.skus[order.store_id, code] = SkuState(columns)
    if sku.columns["product_id"] is None and batch.prefixes:
        serials = [license.serial for license in record.licenses or ()]
        # An upgrade carries the old product's number on, so only a new licence's prefix tells.
        if record.kind != OrderLine.Kind.UPGRADE and record.extends:
            serials.append(record.extends)
        if record.kind == OrderLine.Kind.UPGRADE and record.extends:
            serials = [serial for serial in serials if serial_key(serial) != serial_key(record.extends)]
        product = next(filter(None, (batch.product_of(serial_key(serial)) for serial in serials)), None)
        if product is not None:
            sku.columns["product_id"] = product
            sku.changed = True


def _link(line: LineState, key: str, serial: str, order: OrderState, batch: Batch) -> None:
    license = batch.licenses.get(key)
    if license is None:
        license = batch.licenses[key] = LicenseState({**NEW_LICENSE, "serial": serial, "serial_key": key})
    line.links[key] = LinkState(license)
    license.carry(order.id, order.columns["placed_at"])
    order.changed = True
    # The latest order that carries a licence says what it is now: a serial number outlives upgrades.
    product = None
    if _is_latest(license, order):
        sku = batch.skus.get((order.store_id, line.columns["sku"])) if line.columns["sku"] else None
        product = sku.columns["product_id"] if sku else None
    if product is None and license.columns["product_id"] is None:
        product = batch.product_of(key)
    if product is not None and product != license.columns["product_id"]:
        license.columns["product_id"] = product
        license.changed = True


def _unlink(line: LineState, key: str, order: OrderState, batch: Batch) -> None:
    link = line.links.pop(key)
    if link.id is not None:
        batch.removed_links.append(link.id)
    link.license.drop(order.id)
    order.changed = True


def _is_latest(license: LicenseState, order: OrderState) -> bool:
    return license.is_latest(order.id, order.columns["placed_at"])


def _merge_license(record: LicenseRecord, link: LinkState, order: OrderState, word: Word, path: str) -> None:
    """The word of the order placed last stands; an earlier order fills in only what is not known.

    Nothing is cleared that another order carries too.
    """
    license = link.license
    latest = _is_latest(license, order)
    shared = len(license.placed) > 1
    for key in record.model_fields_set:
        if key == "serial" or not (word.fresh or word.stands(f"{path}.{key}")):
            continue
        if link.taken_back and key in ("starts_on", "expires_on"):
            continue
        value = getattr(record, key)
        known = license.columns[key]
        if value == known or (value is None and shared) or (known is not None and not latest):
            continue
        license.columns[key] = value
        license.changed = order.changed = True


# --- Refunds -------------------------------------------------------------------------------------------


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


def _remember(record: OrderRecord, word: Word, entry: dict[str, Any], digest: str) -> None:
    if not word.fresh:
        if word.filled:
            entry["absent"] = {**(entry.get("absent") or {}), **dict.fromkeys(word.filled, word.at)}
        return
    entry["digest"] = digest
    if word.at is not None:
        entry["updated_at"] = word.at
        entry["absent"] = _absent(record, word)
    entry.setdefault("updated_at", None)


def _absent(record: OrderRecord, word: Word) -> dict[str, str]:
    """What this record leaves out, and when that was last said."""
    said = record.model_fields_set
    absent = {key: word.last_said(key) for key in ALONE if key not in said}
    for key, columns in PART_COLUMNS.items():
        part: BaseModel | None = getattr(record, key)
        if key in said and (part is None or len(part.model_fields_set) == len(columns)):
            continue
        missing = [name for name in columns if part is None or name not in part.model_fields_set]
        times = {name: word.last_said(f"{key}.{name}") for name in missing}
        if key not in said and len(set(times.values())) == 1:
            absent[key] = next(iter(times.values()))
        else:
            absent |= {f"{key}.{name}": said_at for name, said_at in times.items()}
    for line in record.lines:
        absent |= _absent_of_line(line, word)
    return absent


def _absent_of_line(line: LineRecord, word: Word) -> dict[str, str]:
    missing = ALL_OF_LINE - line.model_fields_set
    if line.kind not in KINDS_THAT_EXTEND:
        missing.discard("extends")
    absent = {}
    if missing:
        absent = {path: word.last_said(path) for path in sorted(f"lines.{line.id}.{key}" for key in missing)}
    for license in line.licenses or ():
        if len(license.model_fields_set) <= len(LICENSE_KEYS):
            prefix = f"lines.{line.id}.licenses.{serial_key(license.serial)}"
            absent |= {
                f"{prefix}.{key}": word.last_said(f"{prefix}.{key}")
                for key in LICENSE_KEYS
                if key not in license.model_fields_set
            }
    return absent
