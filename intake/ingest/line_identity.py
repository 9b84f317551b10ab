"""Find the stored line of each item of a record if ids don't identify it."""

from collections import deque
from collections.abc import Callable, Hashable, Mapping

from intake.ingest.state import LineState, OrderState
from intake.records import LineRecord, OrderRecord, StoreRecord
from orders.models import OrderLine


def is_cost_line(line: LineState) -> bool:
    # The kind reported by the store: staff may have assigned an item's SKU to this kind.
    return line.columns["store_kind"] == OrderLine.Kind.OTHER


def identify_lines(record: StoreRecord, order: OrderState) -> None:
    """Replace the ids of a record's items, which are only positions, by those of the matching stored lines."""
    items = _items(record)
    ids: dict[int, str] = {}  # by the item's index
    _match_by_content(items, _stored_items(order), ids)
    taken = {line.id for line in record.lines if line.kind == OrderLine.Kind.OTHER} | order.lines.keys()
    number = 0
    for index, item in enumerate(items):
        if index not in ids:
            number += 1
            while str(number) in taken:
                number += 1
            ids[index] = str(number)
        item.id = ids[index]


def identify_known_lines(record: StoreRecord, order: OrderState, known_ids: Mapping[str, str]) -> dict[str, str]:
    """Replace the ids of a record's items by those of the stored lines, if another of the store's files added these.

    `known_ids` maps ids in earlier records like this one to stored ids. Returns it with the ids of this record. Only
    lines without such an id are compared by content.
    """
    items = _items(record)
    ids = {
        index: stored_id
        for index, item in enumerate(items)
        if (stored_id := known_ids.get(item.id, item.id)) in order.lines
    }
    with_id = {*ids.values(), *known_ids.values()}
    others = [line for line in _stored_items(order) if line.columns["store_line_id"] not in with_id]
    _match_by_content(items, others, ids)
    found = {}
    for index, item in enumerate(items):
        found[item.id] = item.id = ids.get(index, item.id)
    return {**known_ids, **found}


def use_stored_ids(record: OrderRecord, stored_ids: Mapping[str, str]) -> None:
    """Replace the store's ids of refunded lines by the stored ones."""
    for refund in record.refunds or ():
        for part in refund.lines or ():
            part.id = stored_ids.get(part.id, part.id)


def _items(record: StoreRecord) -> list[LineRecord]:
    return [line for line in record.lines if line.kind != OrderLine.Kind.OTHER]


def _stored_items(order: OrderState) -> list[LineState]:
    items = (line for line in order.lines.values() if not is_cost_line(line))
    return sorted(items, key=lambda line: line.columns["position"])


def _match_by_content(items: list[LineRecord], stored: list[LineState], ids: dict[int, str]) -> None:
    """Find the stored lines of items that have no id in `ids` yet, by SKU, name and price.

    Position is ignored, because a store may export lines in a different sequence. Fields that are missing from the file
    are not compared; without prices, the totals are compared. An item with only a different price is the same line if
    no other line has its SKU and name.
    """
    has_sku = all("sku" in item.model_fields_set for item in items)
    has_price = all(item.unit_price is not None for item in items)
    has_total = not has_price and all(item.total is not None for item in items)

    def product_of_item(item: LineRecord) -> Hashable:
        return (item.name, (item.sku or "") if has_sku else None)

    def product_of_line(line: LineState) -> Hashable:
        return (line.columns["name"], line.columns["sku"] if has_sku else None)

    def priced_item(item: LineRecord) -> Hashable:
        return (product_of_item(item), item.unit_price if has_price else item.total if has_total else None)

    def priced_line(line: LineState) -> Hashable:
        column = "unit_price" if has_price else "total" if has_total else None
        return (product_of_line(line), line.columns[column] if column else None)

    if all("quantity" in item.model_fields_set for item in items):
        _match(
            items,
            stored,
            lambda item: (priced_item(item), item.quantity),
            lambda line: (priced_line(line), line.columns["quantity"]),
            ids,
        )
        stored = [line for line in stored if line.columns["store_line_id"] not in set(ids.values())]
    _match(items, stored, priced_item, priced_line, ids)
    left = [line for line in stored if line.columns["store_line_id"] not in set(ids.values())]
    _match(items, left, product_of_item, product_of_line, ids, only_unique=True)


def _match(
    items: list[LineRecord],
    stored: list[LineState],
    key_of_item: Callable[[LineRecord], Hashable],
    key_of_line: Callable[[LineState], Hashable],
    ids: dict[int, str],
    *,
    only_unique: bool = False,
) -> None:
    """Pair items that have no id yet with stored lines of the same key, in sequence."""
    lines: dict[Hashable, deque[LineState]] = {}
    for line in stored:
        lines.setdefault(key_of_line(line), deque()).append(line)
    open_items: dict[Hashable, list[int]] = {}
    for index, item in enumerate(items):
        if index not in ids:
            open_items.setdefault(key_of_item(item), []).append(index)
    for key, indexes in open_items.items():
        matching = lines.get(key, deque())
        if only_unique and not len(indexes) == len(matching) == 1:
            continue
        for index in indexes[: len(matching)]:
            ids[index] = matching.popleft().columns["store_line_id"]
