"""Update orders that were imported before staff assigned a SKU to a product or kind.

This derives again a line's kind, its return period, the product of its licenses, and their validity. Downloads and the
Extended Download Service don't need an update, because they are derived when a page is shown.

The work is done in transactions of CHUNK_SIZE orders, under the import lock. An import that read the SKU before the
change therefore can't write lines after their orders were updated, and several workers take turns.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from intake.ingest.locks import lock_imports
from licenses.models import LicensedLine, Sku
from orders.models import Order, OrderLine, derive_kind
from refunds.models import Swap
from refunds.policy import ReturnDeadlines
from refunds.services.license_revocation import update_licenses_of_orders

CHUNK_SIZE = 500  # orders per transaction


def update_requested(until: datetime) -> None:
    """Update the orders of SKUs with a requested update, until this time. Can be called again to continue."""
    while _update_chunk() and timezone.now() < until:
        pass


@transaction.atomic
def _update_chunk() -> bool:
    """Update the next orders of the SKU that has waited longest. Returns whether there was a SKU."""
    waiting = Sku.objects.exclude(update_requested_at=None).order_by("update_requested_at", "pk")
    if not waiting.exists():
        return False  # if an import holds the lock, don't wait
    lock_imports()
    sku = waiting.first()
    if sku is None:
        return False
    order_ids = _next_orders(sku)
    if order_ids:
        _update_orders(order_ids, [sku.pk])
        progress: dict[str, Any] = {"updated_to": order_ids[-1]}
    else:
        progress = {"update_requested_at": None, "updated_to": 0}
    # If staff changed the SKU in the meantime, all its orders are updated again.
    Sku.objects.filter(pk=sku.pk, update_requested_at=sku.update_requested_at).update(**progress)
    return True


def _next_orders(sku: Sku) -> list[int]:
    """Return the ids of the next orders with this SKU, sorted."""
    if not sku.code:
        return []
    lines = OrderLine.objects.filter(sku=sku.code, order__store_id=sku.store_id, order_id__gt=sku.updated_to)
    return list(lines.order_by("order_id").values_list("order_id", flat=True).distinct()[:CHUNK_SIZE])


def update_restored_orders(order_ids: Collection[int]) -> None:
    """Apply the settings of SKUs to orders that an undo restored: the orders may be older than the settings.

    A product derived by an import is not applied, because the same undo may remove it. The caller has locked the
    orders.
    """
    _update_orders(order_ids, None)


@dataclass(frozen=True)
class _Line:
    """A line, and the values that follow from its SKU."""

    id: int
    order_id: int
    kind: str
    return_until: datetime | None
    derived_kind: str
    derived_return_until: datetime | None
    product_id: int | None
    sets_product: bool  # whether its licenses get this product
    is_by_staff: bool  # whether staff chose this product


def _update_orders(order_ids: Collection[int], sku_ids: Collection[int] | None) -> None:
    """Update the lines of these orders with these SKUs, by default with any SKU."""
    # Orders are always locked before licenses, in this sequence.
    list(Order.objects.select_for_update(of=("self",)).filter(pk__in=order_ids).order_by("pk").values_list("pk"))
    lines = _load_lines(order_ids, sku_ids)
    changed = [
        line for line in lines if (line.kind, line.return_until) != (line.derived_kind, line.derived_return_until)
    ]
    _write_lines(changed)
    with_new_products = _write_products([line for line in lines if line.sets_product])
    orders = {line.order_id for line in changed if line.kind != line.derived_kind} | with_new_products
    update_licenses_of_orders(orders)


_LINES = f"""
SELECT line.id, line.order_id, line.kind, line.return_until, line.store_kind,
    orders_order.store_id, orders_order.placed_at, sku.kind, sku.product_id, sku.product_from_staff
FROM {OrderLine._meta.db_table} AS line
JOIN {Order._meta.db_table} ON orders_order.id = line.order_id
JOIN {Sku._meta.db_table} AS sku ON sku.store_id = orders_order.store_id AND sku.code = line.sku
WHERE line.order_id = ANY(%(orders)s::bigint[]) AND line.sku <> ''
AND (%(skus)s::bigint[] IS NULL OR sku.id = ANY(%(skus)s::bigint[]))
"""  # noqa: S608


def _load_lines(order_ids: Collection[int], sku_ids: Collection[int] | None) -> list[_Line]:
    with connection.cursor() as cursor:
        cursor.execute(_LINES, {"orders": list(order_ids), "skus": None if sku_ids is None else list(sku_ids)})
        rows = cursor.fetchall()
    deadlines = ReturnDeadlines({row[5] for row in rows}) if rows else None
    lines = []
    for line_id, order_id, kind, return_until, store_kind, store_id, placed_at, sku_kind, product_id, by_staff in rows:
        derived_kind = kind if store_kind else derive_kind("", sku_kind)
        sets_product = by_staff or sku_ids is not None
        until = return_until
        # Without a stored deadline, it is derived on demand.
        if deadlines and return_until is not None and (sets_product or kind != derived_kind):
            until = deadlines.get(store_id, placed_at, product_id, derived_kind)
        derived = (derived_kind, until, product_id, sets_product, by_staff)
        lines.append(_Line(line_id, order_id, kind, return_until, *derived))
    return lines


def _write_lines(lines: list[_Line]) -> None:
    if lines:
        columns = zip(*((line.id, line.derived_kind, line.derived_return_until) for line in lines), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {OrderLine._meta.db_table} AS line SET kind = new.kind, return_until = new.return_until"  # noqa: S608
                " FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS new (id, kind, return_until)"
                " WHERE line.id = new.id",
                [list(column) for column in columns],
            )


# Serial numbers assigned by staff are included, except those of a swap, which have a different product. A product that
# wasn't chosen by staff doesn't replace theirs.
_UPDATE_PRODUCTS = f"""
UPDATE {LicensedLine._meta.db_table} AS link SET product_id = new.product_id
FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[]) AS new (line_id, product_id, by_staff)
WHERE link.line_id = new.line_id AND link.product_id IS DISTINCT FROM new.product_id
AND (link.origin = '{LicensedLine.Origin.STORE.value}' OR (
    new.product_id IS NOT NULL AND (new.by_staff OR link.product_id IS NULL) AND NOT EXISTS (
        SELECT FROM {Swap._meta.db_table} AS swap
        WHERE swap.line_id = link.line_id AND swap.new_license_id = link.license_id
    )
))
RETURNING link.order_id
"""  # noqa: S608


def _write_products(lines: list[_Line]) -> set[int]:
    """Set the products of the licenses on these lines. Returns the ids of the changed orders."""
    if not lines:
        return set()
    with connection.cursor() as cursor:
        columns = zip(*((line.id, line.product_id, line.is_by_staff) for line in lines), strict=True)
        cursor.execute(_UPDATE_PRODUCTS, [list(column) for column in columns])
        return {order_id for (order_id,) in cursor.fetchall()}
