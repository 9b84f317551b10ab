"""Update licenses that were imported before their serial number's prefix was assigned to a product.

SerialPrefix is compared with AppliedPrefix. For each difference, all licenses with the prefix get their product, and so
do their SKUs, unless staff chose the product of a SKU. The orders of these SKUs are updated afterwards, as if staff had
set the product (intake/services/sku_mappings.py): licenses of lines, return periods, downloads.

The work is done in transactions of CHUNK_SIZE licenses, under the import lock. An import that read the prefixes before
the change therefore can't write licenses after theirs were updated, and several workers take turns.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from intake.ingest.locks import lock_imports
from licenses.models import AppliedPrefix, License, LicensedLine, SerialPrefix, Sku, normalize_serial
from licenses.services.skus import request_update
from licenses.services.worth import product_by_prefix, recompute
from orders.models import Order, OrderLine, derive_kind

CHUNK_SIZE = 500  # licenses per transaction


def update_by_prefixes(until: datetime) -> None:
    """Update what differs from the prefixes, until this time. Can be called again to continue."""
    while _update_chunk() and timezone.now() < until:
        pass


@transaction.atomic
def _update_chunk() -> bool:
    """Update the next licenses. Returns whether there was a prefix to apply."""
    if _next_update() is None:
        return False  # if an import holds the lock, don't wait
    lock_imports()
    update = _next_update()
    if update is None:
        return False
    license_ids = _next_licenses(update)
    if license_ids:
        recompute(license_ids)
        _update_skus(license_ids, update)
        update.updated_to = license_ids[-1]
        update.save()
    else:
        _finish(update)
    return True


def _next_update() -> AppliedPrefix | None:
    """The next prefix whose licenses have to be updated, perhaps not saved yet; None if there is none.

    An update that was started is finished first, even if the prefix was changed in the meantime. Then it differs again.
    """
    current = dict(SerialPrefix.objects.values_list("prefix", "product_id"))
    applied = {row.prefix: row for row in AppliedPrefix.objects.order_by("prefix")}
    if started := next((row for row in applied.values() if row.updated_to), None):
        return started
    for prefix in sorted(current.keys() | applied.keys()):
        row = applied.get(prefix) or AppliedPrefix(prefix=prefix)
        if row.product_id != current.get(prefix) or prefix not in current:
            row.next_product_id = current.get(prefix)
            return row
    return None


def _finish(update: AppliedPrefix) -> None:
    """Record that the prefix was applied, or forget it if it was deleted."""
    if update.next_product_id is None:
        AppliedPrefix.objects.filter(pk=update.pk).delete()
        return
    update.product_id, update.next_product_id, update.updated_to = update.next_product_id, None, 0
    update.save()


def _next_licenses(update: AppliedPrefix) -> list[int]:
    """Return the ids of the next licenses that have the prefix and not the product yet, sorted."""
    licenses = License.objects.filter(serial_key__startswith=update.prefix, pk__gt=update.updated_to)
    if update.next_product_id is not None:
        licenses = licenses.exclude(product_id=update.next_product_id)
    return list(licenses.order_by("pk").values_list("pk", flat=True)[:CHUNK_SIZE])


class _Line(NamedTuple):
    """A license on an order line whose SKU has no product from staff."""

    serial_key: str
    origin: str
    product_id: int | None
    store_kind: str
    extends_serial: str
    sku_id: int
    sku_kind: str
    sku_product_id: int | None

    @property
    def names_product(self) -> bool:
        """Whether the prefix is that of the SKU's product; see `_serials_of_product` in intake/ingest/merge_lines.py.

        A serial number that staff assigned says nothing about the SKU.
        """
        if self.origin != LicensedLine.Origin.STORE:
            return False
        if derive_kind(self.store_kind, self.sku_kind) != OrderLine.Kind.UPGRADE:
            return True
        return bool(self.store_kind) and self.serial_key != normalize_serial(self.extends_serial)


_LINES = f"""
SELECT license.serial_key, link.origin, link.product_id, line.store_kind, line.extends_serial,
    sku.id, sku.kind, sku.product_id
FROM {LicensedLine._meta.db_table} AS link
JOIN {License._meta.db_table} AS license ON license.id = link.license_id
JOIN {OrderLine._meta.db_table} AS line ON line.id = link.line_id
JOIN {Order._meta.db_table} ON orders_order.id = link.order_id
JOIN {Sku._meta.db_table} AS sku ON sku.store_id = orders_order.store_id AND sku.code = line.sku
WHERE link.license_id = ANY(%s) AND line.sku <> '' AND NOT sku.product_from_staff
ORDER BY link.id
"""  # noqa: S608


def _update_skus(license_ids: Collection[int], update: AppliedPrefix) -> None:
    """Set the products of the SKUs of these licenses, and request an update of their orders.

    Only SKUs without a product, or with the one that had the prefix before, change.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [list(license_ids)])
        lines = [_Line._make(row) for row in cursor.fetchall()]
    prefixes = dict(SerialPrefix.objects.values_list("prefix", "product_id"))
    products = _new_products(lines, update, prefixes)
    for product_id in sorted(set(products.values())):
        sku_ids = [sku_id for sku_id, new in products.items() if new == product_id]
        Sku.objects.filter(pk__in=sku_ids, product_from_staff=False).update(product_id=product_id)
    behind = {line.sku_id for line in lines if line.product_id is None and line.sku_product_id is not None}
    request_update(products.keys() | behind)


def _new_products(lines: list[_Line], update: AppliedPrefix, prefixes: Mapping[str, int]) -> dict[int, int]:
    """Return the ids of the new products by the ids of their SKUs. The first line with a SKU decides."""
    products: dict[int, int] = {}
    for line in lines:
        if line.sku_id in products or not line.names_product:
            continue
        product_id = product_by_prefix(line.serial_key, prefixes)
        if product_id and line.sku_product_id in (None, update.product_id) and product_id != line.sku_product_id:
            products[line.sku_id] = product_id
    return products
