"""Notify buyers of serial numbers that an import added to orders without any."""

from intake.ingest.state import Batch
from licenses.services.activations import keep_earliest_use
from licenses.services.serial_emails import Arrival, notify_imported_serials


def changed_license_ids(batch: Batch) -> list[int]:
    """Return the existing licenses that a batch changed. Must be called before the batch is written."""
    return [license.id for license in batch.licenses.values() if license.id is not None and license.changed]


def notify_new_serials(batch: Batch, changed_licenses: list[int]) -> None:
    """Queue the emails of a batch, after it was written and in its transaction. Most batches need no query."""
    if changed_licenses:
        keep_earliest_use(changed_licenses)
    if arrivals := _first_serials(batch):
        notify_imported_serials(arrivals)


def _first_serials(batch: Batch) -> dict[int, Arrival]:
    """Return, for each existing order, the first new license on a line that had none before."""
    arrivals: dict[int, Arrival] = {}
    for order in batch.orders.values():
        if order.is_new or not order.changed:
            continue
        for line in order.lines.values():
            if line.links and all(link.id is None for link in line.links.values()):
                arrival = min((line.id or 0, link.license.id or 0) for link in line.links.values())
                arrivals[order.id] = min(arrival, arrivals.get(order.id, arrival))
    return arrivals
