"""Update licenses when an import changes their order lines."""

from collections import Counter

from intake.ingest.state import Batch, LineState, LinkState, OrderState
from licenses.models.licenses import CLOSED_STATUSES
from licenses.services.worth import recompute
from refunds.services.license_revocation import update_licenses_of_orders


def set_new_licenses(batch: Batch) -> set[int]:
    """Complete new licenses that are on one line only, and return the ids of the orders with other licenses.

    Must be called before the batch is written. Most imported licenses are new and on one line. They need no query,
    because there is nothing to derive.
    """
    lines = [(order, line) for order in batch.orders.values() for line in order.lines.values() if line.links]
    uses = Counter(key for _order, line in lines for key in line.links)
    to_derive = set()
    for order, line in lines:
        for key, link in line.links.items():
            if uses[key] == 1 and _is_plain(order, line, link):
                link.license.columns |= link.columns
                link.license.columns["product_id"] = link.columns["product_id"] or batch.product_by_prefix(key)
            elif order.is_new or order.changed:
                to_derive.add(order.id)
    return to_derive


def _is_plain(order: OrderState, line: LineState, link: LinkState) -> bool:
    """Whether the license is new and nothing of its line was returned."""
    return (
        link.license.id is None
        and not line.columns["quantity_returned"]
        and order.columns["status"] not in CLOSED_STATUSES
    )


def update_imported_licenses(batch: Batch, order_ids: set[int]) -> None:
    """Derive the licenses of these orders and those removed from lines, after the batch was written."""
    if order_ids:
        update_licenses_of_orders(order_ids)
    if batch.unlinked_licenses:
        recompute(batch.unlinked_licenses)
