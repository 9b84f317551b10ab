"""Merge order lines, their licenses and SKUs."""

from datetime import datetime

from intake.ingest.columns import (
    LINE_COLUMN_FIELDS,
    LINE_COLUMN_NAMES,
    NEW_LICENSE,
    NEW_LINE,
    NEW_LINK,
    NEW_SKU,
    ZERO,
)
from intake.ingest.line_identity import identify_lines, is_cost_line
from intake.ingest.recency import Recency
from intake.ingest.state import Batch, Columns, LicenseState, LineState, LinkState, OrderState, SkuState
from intake.records import COSTS, ITEMS, LicenseRecord, LineRecord, OrderRecord, StoreRecord, serial_key
from intake.values import THOUSANDTH
from orders.models import OrderLine, derive_kind


def merge_lines(record: OrderRecord, order: OrderState, batch: Batch, recency: Recency) -> None:
    """Merge lines by id. The list is complete, so lines that a newer list lacks are deleted.

    Lines are kept if they have returned units, a return or swap request, or a license assigned by staff, or if the file
    says nothing about them.
    """
    unknown: frozenset[str] = frozenset()
    if isinstance(record, StoreRecord):
        unknown = record.unknown_lines
        if record.lines_by_content:
            identify_lines(record, order)
    # Without the items, the position of a cost doesn't identify it.
    has_position = ITEMS not in unknown
    first_position = 1
    if not has_position:
        first_position += max((line.columns["position"] for line in order.lines.values()), default=0)
    is_complete = recency.is_newest or recency.applies("lines")
    listed = set()
    for position, line_record in enumerate(record.lines, start=first_position):
        listed.add(line_record.id)
        line = order.lines.get(line_record.id)
        if line is None:
            if not is_complete:
                continue
            line = order.lines[line_record.id] = LineState({"store_line_id": line_record.id, **NEW_LINE})
            order.changed = True
            _merge_line(line_record, line, order, batch, recency, position)
            _complete_line(line_record, line)
            continue
        _merge_line(line_record, line, order, batch, recency, position if has_position else None)
    if is_complete:
        for line_id in [known for known in order.lines if known not in listed]:
            line = order.lines[line_id]
            if (
                line_id in unknown
                or (COSTS if is_cost_line(line) else ITEMS) in unknown
                or line.has_case
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


def _complete_line(record: LineRecord, line: LineState) -> None:
    """Calculate the total of a new line from its price, or its price from its total, if the record has only one."""
    columns = line.columns
    if record.total is None and record.unit_price is not None:
        columns["total"] = columns["unit_price"] * columns["quantity"] - columns["discount"] + columns["tax"]
    elif record.unit_price is None and record.total is not None and columns["quantity"]:
        amount = columns["total"] + columns["discount"] - columns["tax"]
        columns["unit_price"] = (amount / columns["quantity"]).quantize(THOUSANDTH)


def complete_amounts(record: StoreRecord, order: OrderState) -> None:
    """Fill in the amounts of a new order that follow from the known ones.

    If its only item has no price, it cost the total minus the other lines. The subtotal is the sum of the lines.
    """
    items = [line for line in record.lines if line.kind != OrderLine.Kind.OTHER]
    total = order.columns["total"]
    if len(items) == 1 and items[0].unit_price is None and items[0].total is None:
        item = items[0]
        costs = sum((line.columns["total"] for key, line in order.lines.items() if key != item.id), ZERO)
        columns = order.lines[item.id].columns
        columns["total"] = total - costs
        columns["unit_price"] = (columns["total"] / max(columns["quantity"], 1)).quantize(THOUSANDTH)
    if record.totals is None or record.totals.subtotal is None:
        prices = (line.columns["unit_price"] * line.columns["quantity"] for line in order.lines.values())
        order.columns["subtotal"] = sum(prices, ZERO) or total


def add_licenses(record: OrderRecord, order: OrderState, batch: Batch, recency: Recency) -> None:
    """Link licenses to lines, in addition to existing ones. An unknown line is added without a price."""
    for line_record in record.lines:
        if not line_record.licenses:
            continue
        line = order.lines.get(line_record.id)
        if line is None:
            position = 1 + max((each.columns["position"] for each in order.lines.values()), default=0)
            columns = {"store_line_id": line_record.id, **NEW_LINE, "name": line_record.name, "position": position}
            line = order.lines[line_record.id] = LineState(columns)
            order.changed = True
        for license in line_record.licenses:
            key = serial_key(license.serial)
            if key not in line.links:
                _link(line, key, license.serial, order, batch)
            _merge_license(license, line.links[key], order, recency, f"lines.{line_record.id}.licenses.{key}")


def _merge_line(
    record: LineRecord, line: LineState, order: OrderState, batch: Batch, recency: Recency, position: int | None
) -> None:
    columns = line.columns
    extended_before = columns["extends_serial"]
    sku_and_kind = (columns["sku"], columns["kind"])
    values, is_newest = record.__dict__, recency.is_newest
    if is_newest and position is not None and columns["position"] != position:
        columns["position"] = position
        line.changed = order.changed = True
    for key in record.model_fields_set & LINE_COLUMN_FIELDS:
        if not (is_newest or recency.applies(f"lines.{record.id}.{key}")):
            continue
        value = values[key]
        column = LINE_COLUMN_NAMES.get(key, key)
        if value is None:
            value = NEW_LINE[column]
        if columns[column] != value:
            columns[column] = value
            line.changed = order.changed = True
    sku = _ensure_sku(record, columns, order, batch) if columns["sku"] else None
    kind = derive_kind(columns["store_kind"], sku.columns["kind"] if sku else "")
    if columns["kind"] != kind:
        columns["kind"] = kind
        line.changed = order.changed = True
    if (columns["sku"], kind) != sku_and_kind:
        columns["return_until"] = None
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
    in_order = dict.fromkeys((*given, *wanted))  # in the record's sequence
    for key in [key for key in in_order if key in wanted and key not in line.links]:
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


def _ensure_sku(record: LineRecord, line: Columns, order: OrderState, batch: Batch) -> SkuState:
    """Return the SKU of a line. An unknown SKU is created.

    Its product is found by a serial number's prefix, unless the SKU has a product or staff removed it.
    """
    code = line["sku"]
    sku = batch.skus.get((order.store_id, code))
    if sku is None:
        columns = {**NEW_SKU, "store_id": order.store_id, "code": code, "name": record.name}
        sku = batch.skus[order.store_id, code] = SkuState(columns)
    if not line["store_kind"] and not sku.columns["has_untold_kinds"]:
        sku.columns["has_untold_kinds"] = sku.changed = True
    if sku.columns["product_id"] is None and not sku.columns["product_from_staff"] and batch.prefixes:
        serials = _serials_of_product(record, line["store_kind"], sku.columns["kind"])
        product = next(filter(None, (batch.product_by_prefix(serial_key(serial)) for serial in serials)), None)
        if product is not None:
            sku.columns["product_id"] = product
            sku.changed = True
    return sku


def _serials_of_product(record: LineRecord, store_kind: str, sku_kind: str) -> list[str]:
    """Return the serial numbers with the prefix of the line's product.

    An upgrade keeps the old product's serial number, so only the prefix of a new one is meaningful. If a store doesn't
    know that it sold an upgrade, it is unknown which number is new.
    """
    serials = [license.serial for license in record.licenses or ()]
    if derive_kind(store_kind, sku_kind) != OrderLine.Kind.UPGRADE:
        return [*serials, record.extends] if record.extends else serials
    if not store_kind:
        return []
    extended = serial_key(record.extends) if record.extends else ""
    return [serial for serial in serials if serial_key(serial) != extended]


def _link(line: LineState, key: str, serial: str, order: OrderState, batch: Batch) -> None:
    license = batch.licenses.get(key)
    if license is None:
        license = batch.licenses[key] = LicenseState({**NEW_LICENSE, "serial": serial, "serial_key": key})
    sku = batch.skus.get((order.store_id, line.columns["sku"]))
    if sku is not None:
        batch.licensed_skus.append(sku)
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
    """Store what the line says about its license. Its validity is derived from all its lines afterwards."""
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
    """The order placed last sets it; an earlier order only fills it in. If orders share it, it isn't cleared."""
    known = license.columns["activated_at"]
    if value == known or (value is None and len(license.order_dates) > 1):
        return
    if known is None or _is_latest(license, order):
        license.columns["activated_at"] = value
        license.changed = order.changed = True
