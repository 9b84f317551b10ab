"""Merge order lines, their licenses and SKUs."""

from datetime import datetime

from intake.ingest.columns import (
    LINE_COLUMN_FIELDS,
    NEW_LICENSE,
    NEW_LINE,
    NEW_LINK,
)
from intake.ingest.recency import Recency
from intake.ingest.state import Batch, LicenseState, LineState, LinkState, OrderState, SkuState
from intake.records import (
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
    if columns["sku"] != sku_and_kind[0]:
        _update_products(line, order, batch)
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
            _merge_license(license, line.links[key], order, recency, f"lines.{record.id}.licenses.{key}")


def _update_products(line: LineState, order: OrderState, batch: Batch) -> None:
    """Set the product of the line's licenses to that of its SKU, which changed."""
    product = _product_of_sku(line, order, batch)
    for link in line.links.values():
        if link.from_store and link.columns["product_id"] != product:
            link.columns["product_id"] = product
            link.changed = order.changed = True


def _product_of_sku(line: LineState, order: OrderState, batch: Batch) -> int | None:
    sku = batch.skus.get((order.store_id, line.columns["sku"])) if line.columns["sku"] else None
    return sku.columns["product_id"] if sku else None


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
    line.links[key] = LinkState(license, {**NEW_LINK, "product_id": _product_of_sku(line, order, batch)})
    license.add_order(order.id, order.columns["placed_at"])
    order.changed = True


def _unlink(line: LineState, key: str, order: OrderState, batch: Batch) -> None:
    link = line.links.pop(key)
    if link.id is not None:
        batch.removed_links.append(link.id)
        batch.unlinked_licenses.add(link.license.id or 0)
    link.license.remove_order(order.id)
    order.changed = True


def _is_latest(license: LicenseState, order: OrderState) -> bool:
    return license.is_latest(order.id, order.columns["placed_at"])


def _merge_license(record: LicenseRecord, link: LinkState, order: OrderState, recency: Recency, path: str) -> None:
    """Store what the line says about its license. The worth of the license is derived from all its lines afterwards."""
    for key in record.model_fields_set:
        if key == "serial" or not (recency.is_newest or recency.applies(f"{path}.{key}")):
            continue
        value = getattr(record, key)
        if key == "activated_at":
            _merge_activation(value, link.license, order)
        elif link.columns[key] != value:
            link.columns[key] = value
            link.changed = order.changed = True


def _merge_activation(value: datetime | None, license: LicenseState, order: OrderState) -> None:
    """The order placed last sets it; an earlier order only fills it in. Shared by several orders, it is not cleared."""
    known = license.columns["activated_at"]
    if value == known or (value is None and len(license.order_dates) > 1):
        return
    if known is None or _is_latest(license, order):
        license.columns["activated_at"] = value
        license.changed = order.changed = True
