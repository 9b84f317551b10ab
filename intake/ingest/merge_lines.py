"""The merge rules of lines, their licenses and SKUs."""

from datetime import date

from intake.ingest.columns import (
    LINE_COLUMN_FIELDS,
    NEW_LICENSE,
    NEW_LINE,
)
from intake.ingest.recency import Recency
from intake.ingest.state import Batch, LicenseState, LineState, LinkState, OrderState, SkuState
from intake.records import (
    KINDS_THAT_EXTEND,
    LicenseRecord,
    LineRecord,
    OrderRecord,
    serial_key,
)
from orders.models import OrderLine


def merge_lines(record: OrderRecord, order: OrderState, batch: Batch, recency: Recency) -> None:
    """Lines are matched by their id. The list is the whole of them: a line that a newer list lacks goes.

    Not so a line with returned units, or such that a buyer asked for, or a license that staff assigned: it
    stays, because it happened.
    """
    listed = set()
    for position, said_line in enumerate(record.lines, start=1):
        listed.add(said_line.id)
        line = order.lines.get(said_line.id)
        if line is None:
            if not recency.is_newest:
                continue
            line = order.lines[said_line.id] = LineState({"store_line_id": said_line.id, **NEW_LINE})
            order.changed = True
        _merge_line(said_line, line, order, batch, recency, position)
    if recency.is_newest:
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
    record: LineRecord, line: LineState, order: OrderState, batch: Batch, recency: Recency, position: int
) -> None:
    columns = line.columns
    carried_before = columns["extends_serial"]
    judged_by = (columns["sku"], columns["kind"])
    values, is_newest = record.__dict__, recency.is_newest
    if is_newest and columns["position"] != position:
        columns["position"] = position
        line.changed = order.changed = True
    for key in record.model_fields_set & LINE_COLUMN_FIELDS:
        if not (is_newest or recency.applies(f"lines.{record.id}.{key}")):
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
        _ensure_sku(record, columns["sku"], order, batch)
    if record.licenses or line.links or columns["extends_serial"]:
        _merge_links(record, line, order, batch, recency, carried_before)


def _merge_links(
    record: LineRecord, line: LineState, order: OrderState, batch: Batch, recency: Recency, carried_before: str
) -> None:
    """Which licenses stand on a line: those that its list names, and the one that it extends."""
    said = {serial_key(license.serial): license for license in record.licenses or ()}
    carries = line.columns["extends_serial"]
    wanted = {serial_key(carries)} if carries else set()
    if "licenses" in record.model_fields_set and recency.applies(f"lines.{record.id}.licenses"):
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
            _merge_license(license, link, order, recency, f"lines.{record.id}.licenses.{key}")
            if key in linked and line.columns["kind"] in KINDS_THAT_EXTEND:
                _remember_extension(link, ran_until)


def _remember_extension(link: LinkState, ran_until: date | None) -> None:
    """A refund takes back the time that a renewal gave, and needs to know since when."""
    runs_until = link.license.columns["expires_on"]
    if ran_until is not None and runs_until is not None and runs_until > ran_until:
        link.extended_from = ran_until


def _ensure_sku(record: LineRecord, code: str, order: OrderState, batch: Batch) -> None:
    """A SKU that nobody knows is made, and put under a product by its serial number. Staff's choice stands."""
    sku = batch.skus.get((order.store_id, code))
    if sku is None:
        columns = {"store_id": order.store_id, "code": code, "name": record.name, "product_id": None}
        sku = batch.skus[order.store_id, code] = SkuState(columns)
    if sku.columns["product_id"] is None and batch.prefixes:
        serials = [license.serial for license in record.licenses or ()]
        # An upgrade carries the old product's number on, so only a new license's prefix tells.
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
    # The latest order that carries a license says what it is now: a serial number outlives upgrades.
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


def _merge_license(record: LicenseRecord, link: LinkState, order: OrderState, recency: Recency, path: str) -> None:
    """The recency of the order placed last stands; an earlier order fills in only what is not known.

    Nothing is cleared that another order carries too.
    """
    license = link.license
    latest = _is_latest(license, order)
    shared = len(license.placed) > 1
    for key in record.model_fields_set:
        if key == "serial" or not (recency.is_newest or recency.applies(f"{path}.{key}")):
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
