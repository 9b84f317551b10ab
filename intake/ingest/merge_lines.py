"""Merge order lines, their licenses and SKUs."""

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
    """Merge lines by their id. The list is complete, so a line that a newer list lacks is deleted.

    Lines with returned units, a return or swap request, or a license assigned by staff are kept.
    """
    listed = set()
    for position, line_record in enumerate(record.lines, start=1):
        listed.add(line_record.id)
        line = order.lines.get(line_record.id)
        if line is None:
            if not recency.is_newest:
                continue
            line = order.lines[line_record.id] = LineState({"store_line_id": line_record.id, **NEW_LINE})
            order.changed = True
        _merge_line(line_record, line, order, batch, recency, position)
    if recency.is_newest:
        for line_id in [known for known in order.lines if known not in listed]:
            line = order.lines[line_id]
            if (
                line.has_case
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
    extended_before = columns["extends_serial"]
    sku_and_kind = (columns["sku"], columns["kind"])
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
    if (columns["sku"], columns["kind"]) != sku_and_kind:
        columns["return_until"] = None
    if columns["sku"]:
        _ensure_sku(record, columns["sku"], order, batch)
    if record.licenses or line.links or columns["extends_serial"]:
        _merge_links(record, line, order, batch, recency, extended_before)


def _merge_links(
    record: LineRecord, line: LineState, order: OrderState, batch: Batch, recency: Recency, extended_before: str
) -> None:
    """Link a line to the licenses in its list and to the one that it extends."""
    given = {serial_key(license.serial): license for license in record.licenses or ()}
    extended = line.columns["extends_serial"]
    wanted = {serial_key(extended)} if extended else set()
    if "licenses" in record.model_fields_set and recency.applies(f"lines.{record.id}.licenses"):
        wanted |= given.keys()
    else:
        gone = serial_key(extended_before) if extended_before else ""
        wanted |= {key for key, link in line.links.items() if link.from_store and key != gone}
    for key in [key for key, link in line.links.items() if link.from_store and key not in wanted]:
        _unlink(line, key, order, batch)
    added = wanted - line.links.keys()
    for key in added:
        _link(line, key, given[key].serial if key in given else extended, order, batch)
    for key, license in given.items():
        if key in line.links:
            link = line.links[key]
            expired_on = link.license.columns["expires_on"]
            _merge_license(license, link, order, recency, f"lines.{record.id}.licenses.{key}")
            if key in added and line.columns["kind"] in KINDS_THAT_EXTEND:
                _remember_extension(link, expired_on)


def _remember_extension(link: LinkState, expired_on: date | None) -> None:
    """Store the previous expiry date, so that a refund can remove the time that a renewal added."""
    expires_on = link.license.columns["expires_on"]
    if expired_on is not None and expires_on is not None and expires_on > expired_on:
        link.extended_from = expired_on


def _ensure_sku(record: LineRecord, code: str, order: OrderState, batch: Batch) -> None:
    """Create an unknown SKU, and find its product by a serial number's prefix unless it has one already."""
    sku = batch.skus.get((order.store_id, code))
    if sku is None:
        columns = {"store_id": order.store_id, "code": code, "name": record.name, "product_id": None}
        sku = batch.skus[order.store_id, code] = SkuState(columns)
    if sku.columns["product_id"] is None and batch.prefixes:
        serials = [license.serial for license in record.licenses or ()]
        # An upgrade keeps the old product's serial number, so only a new one's prefix is meaningful.
        if record.kind != OrderLine.Kind.UPGRADE and record.extends:
            serials.append(record.extends)
        if record.kind == OrderLine.Kind.UPGRADE and record.extends:
            serials = [serial for serial in serials if serial_key(serial) != serial_key(record.extends)]
        product = next(filter(None, (batch.product_by_prefix(serial_key(serial)) for serial in serials)), None)
        if product is not None:
            sku.columns["product_id"] = product
            sku.changed = True


def _link(line: LineState, key: str, serial: str, order: OrderState, batch: Batch) -> None:
    license = batch.licenses.get(key)
    if license is None:
        license = batch.licenses[key] = LicenseState({**NEW_LICENSE, "serial": serial, "serial_key": key})
    line.links[key] = LinkState(license)
    license.add_order(order.id, order.columns["placed_at"])
    order.changed = True
    # The latest order of a license determines its product, because upgrades keep the serial number.
    product = None
    if _is_latest(license, order):
        sku = batch.skus.get((order.store_id, line.columns["sku"])) if line.columns["sku"] else None
        product = sku.columns["product_id"] if sku else None
    if product is None and license.columns["product_id"] is None:
        product = batch.product_by_prefix(key)
    if product is not None and product != license.columns["product_id"]:
        license.columns["product_id"] = product
        license.changed = True


def _unlink(line: LineState, key: str, order: OrderState, batch: Batch) -> None:
    link = line.links.pop(key)
    if link.id is not None:
        batch.removed_links.append(link.id)
    link.license.remove_order(order.id)
    order.changed = True


def _is_latest(license: LicenseState, order: OrderState) -> bool:
    return license.is_latest(order.id, order.columns["placed_at"])


def _merge_license(record: LicenseRecord, link: LinkState, order: OrderState, recency: Recency, path: str) -> None:
    """The order placed last sets the license's values; an earlier order only fills in unknown ones.

    Nothing is cleared if another order has the license, too.
    """
    license = link.license
    is_latest = _is_latest(license, order)
    is_shared = len(license.order_dates) > 1
    for key in record.model_fields_set:
        if key == "serial" or not (recency.is_newest or recency.applies(f"{path}.{key}")):
            continue
        if link.taken_back and key in ("starts_on", "expires_on"):
            continue
        value = getattr(record, key)
        known = license.columns[key]
        if value == known or (value is None and is_shared) or (known is not None and not is_latest):
            continue
        license.columns[key] = value
        license.changed = order.changed = True
