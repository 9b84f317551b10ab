"""Save a merged batch and its consequences in the same transaction."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from intake.ingest.items import MatchedRecord
from intake.ingest.license_worth import set_new_licenses, update_imported_licenses
from intake.ingest.new_serials import changed_license_ids, notify_new_serials
from intake.ingest.recording import Recorder
from intake.ingest.return_periods import set_return_until
from intake.ingest.state import Batch
from intake.ingest.writing import write_batch
from intake.records import OrderUpdate
from orders.models import PaymentReference
from orders.services.confirmations import queue_confirmations
from refunds.services.deadlines import update_withdrawal_deadlines
from refunds.services.imported_refunds import reconcile_imported_refunds, update_refunded_orders


def save_merged(
    merged: list[MatchedRecord], batch: Batch, updated_orders: set[int], recorder: Recorder | None = None
) -> None:
    """Write a batch, and run the follow-up actions."""
    set_return_until(batch)
    changed_licenses = changed_license_ids(batch)
    orders_with_licenses = set_new_licenses(batch)
    references, refunded = payment_references(merged, batch), _refunded_alone(merged, batch)
    changes = None
    if recorder:
        also_changed = {order_id for _name, order_id in references} | refunded
        changes = recorder.before_write(batch, also_changed)
    write_batch(batch, timezone.now())
    if references:
        PaymentReference.objects.bulk_create(
            [PaymentReference(reference=name, order_id=order_id) for name, order_id in sorted(references)],
            ignore_conflicts=True,
        )
    if updated_orders:
        update_withdrawal_deadlines(updated_orders)
    reconcile_imported_refunds(_new_refunds(batch))
    if refunded:
        update_refunded_orders(refunded)
    update_imported_licenses(batch, orders_with_licenses)
    notify_new_serials(batch, changed_licenses)
    if recent := _possibly_unconfirmed_orders(batch):
        queue_confirmations(recent)
    if recorder and changes:
        recorder.after_write(changes)


def payment_references(merged: list[MatchedRecord], batch: Batch) -> set[tuple[str, int]]:
    """The payment references of these records, with their orders' ids."""
    return {(name, batch.orders[each.key].id) for each in merged for name in each.record.__dict__.get("references", ())}


def _refunded_alone(merged: list[MatchedRecord], batch: Batch) -> set[int]:
    """Return the orders of refunds and disputes that were imported without their order, and may change its status."""
    updates = [each for each in merged if type(each.record) is OrderUpdate]
    return {
        batch.orders[each.key].id for each in updates if each.record.refunds or "status" in each.record.model_fields_set
    }


def _possibly_unconfirmed_orders(batch: Batch) -> list[int]:
    """Return recent orders that are new, or got an address. Most batches have none and need no query."""
    since = timezone.now() - timedelta(hours=settings.CONFIRMATION_WINDOW_HOURS + 1)
    return [
        order.id
        for order in batch.orders.values()
        if (order.is_new or order.email_changed) and order.columns["placed_at"] >= since
    ]


def _new_refunds(batch: Batch) -> dict[int, list[str]]:
    """Return the new refunds of changed orders."""
    return {
        order.id: [refund_id for refund_id, refund in order.refunds.items() if refund.id is None]
        for order in batch.orders.values()
        if order.changed and not order.is_new
    }
