"""Set the end of the return period for the lines of a batch."""

from intake.ingest.state import Batch
from refunds.policy import ReturnDeadlines


def set_return_until(batch: Batch) -> None:
    """Set `return_until` of every line that has none.

    Merging clears it only if the order's date or the line's SKU or kind changed.
    """
    lines = [
        (order, line)
        for order in batch.orders.values()
        for line in order.lines.values()
        if line.columns["return_until"] is None
    ]
    if not lines:
        return
    deadlines = ReturnDeadlines({order.store_id for order, _line in lines})
    for order, line in lines:
        columns = line.columns
        sku = batch.skus.get((order.store_id, columns["sku"]))
        product_id = sku.columns["product_id"] if sku is not None else None
        columns["return_until"] = deadlines.get(order.store_id, order.columns["placed_at"], product_id, columns["kind"])
        line.changed = True
