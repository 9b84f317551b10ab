"""Load the data for a batch from the database: one query per table, for any number of records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from intake.ingest.columns import (
    LICENSE_COLUMNS,
    LINE_COLUMNS,
    LINK_COLUMNS,
    ORDER_COLUMNS,
    REFUND_COLUMNS,
    SKU_COLUMNS,
)
from intake.ingest.state import Batch, LicenseState, LineState, LinkState, OrderState, RefundState, SkuState
from intake.records import OrderRecord, serial_key
from licenses.models import LicensedLine, SerialPrefix, Sku
from orders.models import Order, OrderLine, Refund, Store
from refunds.services.imported_refunds import lines_with_requests


@dataclass(frozen=True, slots=True)
class ExistingOrder:
    """The id of an existing order, and the digest of its feed's last record."""

    id: int
    digest: str | None
    is_erased: bool = False


def existing_store_ids(slugs: Iterable[str]) -> dict[str, int]:
    """The ids of the stores that exist, by slug."""
    return dict(Store.objects.filter(slug__in=set(slugs)).values_list("slug", "id"))


def get_or_create_stores(slugs: Iterable[str], created: set[int]) -> dict[str, int]:
    """Return the ids of these stores, by slug. Unknown stores are created with defaults that staff can change.

    Adds the ids of new stores to `created`.
    """
    wanted = set(slugs)
    known = existing_store_ids(wanted)
    if missing := wanted - known.keys():
        stores = [Store(slug=slug, name=slug, is_time_zone_assumed=True) for slug in sorted(missing)]
        Store.objects.bulk_create(stores, ignore_conflicts=True)
        new = existing_store_ids(missing)
        created.update(new.values())
        known |= new
    return known


def existing_orders(keys: Iterable[tuple[int, str]], feed: str) -> dict[tuple[int, str], ExistingOrder]:
    """Return the orders that exist, by (store id, number key)."""
    wanted = set(keys)
    with connection.cursor() as cursor:
        # Raw SQL, because binding a thousand parameters takes longer than the query.
        cursor.execute(
            "SELECT id, store_id, number_key, sources -> %s ->> 'digest', erased_at IS NOT NULL FROM orders_order"
            " WHERE number_key = ANY(%s) AND store_id = ANY(%s)",
            [feed, [number for _store, number in wanted], list({store for store, _number in wanted})],
        )
        return {
            (store_id, number_key): ExistingOrder(order_id, digest, is_erased)
            for order_id, store_id, number_key, digest, is_erased in cursor.fetchall()
            if (store_id, number_key) in wanted
        }


def load_batch(
    order_ids: list[int], records: Iterable[tuple[int, OrderRecord]], batch: Batch, *, lock: bool = True
) -> None:
    """Load these orders with their lines, licenses and refunds, and the licenses and SKUs of the records.

    Orders, lines and licenses are locked until the transaction ends, in the same order as everywhere else, so that
    simultaneous returns and activations wait. A dry run doesn't lock them.
    """
    orders = _load_orders(order_ids, batch, lock) if order_ids else {}
    serial_keys: set[str] = set()
    sku_keys: set[tuple[int, str]] = set()
    for order in orders.values():
        known_skus = {known_line.columns["sku"] for known_line in order.lines.values()}
        sku_keys.update((order.store_id, sku) for sku in known_skus if sku)
    for store_id, record in records:
        for line in record.lines:
            if line.sku:
                sku_keys.add((store_id, line.sku))
            if line.extends:
                serial_keys.add(serial_key(line.extends))
            for license in line.licenses or ():
                serial_keys.add(serial_key(license.serial))
    for order in orders.values():  # a line may keep its SKU and still need its product
        sku_keys.update((order.store_id, line.columns["sku"]) for line in order.lines.values() if line.columns["sku"])
    links = _load_links(order_ids) if order_ids else []
    if not lock:  # orders that the dry run has already changed
        serial_keys.update(
            key for order in batch.orders.values() for line in order.lines.values() for key in line.links
        )
    _load_licenses(serial_keys, {link["license_id"] for link in links}, order_ids, batch, lock)
    _attach_links(links, orders, batch)
    if not lock:
        for order in batch.orders.values():
            for known_line in order.lines.values():
                for key, link in known_line.links.items():
                    link.license = batch.licenses.setdefault(key, link.license)
    _load_skus(sku_keys, batch)
    if serial_keys or links:
        batch.prefixes = dict(SerialPrefix.objects.values_list("prefix", "product_id"))


def _load_orders(order_ids: list[int], batch: Batch, lock: bool) -> dict[int, OrderState]:
    orders: dict[int, OrderState] = {}
    held = lines_with_requests(order_ids)
    rows = Order.objects.filter(pk__in=order_ids).order_by("pk")
    for columns in (rows.select_for_update() if lock else rows).values("id", "store_id", *ORDER_COLUMNS):
        order = OrderState(columns.pop("id"), columns.pop("store_id"), columns)
        orders[order.id] = batch.orders[order.store_id, columns["number_key"]] = order
    lines = OrderLine.objects.filter(order_id__in=order_ids).order_by("pk")
    for columns in (lines.select_for_update() if lock else lines).values("id", "order_id", *LINE_COLUMNS):
        order = orders[columns.pop("order_id")]
        order.lines[columns["store_line_id"]] = LineState(
            id=columns["id"], has_case=columns.pop("id") in held, columns=columns
        )
    for columns in Refund.objects.filter(order_id__in=order_ids).values(
        "id", "order_id", "transaction", *REFUND_COLUMNS
    ):
        order = orders[columns.pop("order_id")]
        order.refunds[columns["store_refund_id"]] = RefundState(
            id=columns.pop("id"), has_transaction=columns.pop("transaction") is not None, columns=columns
        )
        for part in columns["lines"]:
            if line := order.lines.get(part["id"]):
                line.returned_by_store += part["quantity"]
    return orders


def _load_links(order_ids: list[int]) -> list[Mapping[str, Any]]:
    return list(
        LicensedLine.objects.filter(order_id__in=order_ids).values(
            "id", "order_id", "license_id", "origin", "line__store_line_id", *LINK_COLUMNS
        )
    )


# The orders of each license: all of the batch, but only the latest of the others, which may be thousands.
_ORDERS_OF_LICENSES = """
SELECT link.license_id, link.order_id, placed_at
FROM licenses_licensedline AS link JOIN orders_order ON orders_order.id = link.order_id
WHERE link.license_id = ANY(%(licenses)s) AND link.order_id = ANY(%(orders)s::bigint[])
UNION ALL (
    SELECT DISTINCT ON (link.license_id) link.license_id, link.order_id, placed_at
    FROM licenses_licensedline AS link JOIN orders_order ON orders_order.id = link.order_id
    WHERE link.license_id = ANY(%(licenses)s) AND link.order_id <> ALL(%(orders)s::bigint[])
    ORDER BY link.license_id, placed_at DESC
)
"""


def _load_licenses(
    serial_keys: set[str], license_ids: set[int], order_ids: list[int], batch: Batch, lock: bool
) -> None:
    by_id: dict[int, LicenseState] = {}
    for license in _licenses(serial_keys, license_ids, lock):
        batch.licenses[license.columns["serial_key"]] = license
        by_id[license.id or 0] = license
    if by_id:
        with connection.cursor() as cursor:
            cursor.execute(_ORDERS_OF_LICENSES, {"licenses": list(by_id), "orders": order_ids})
            for license_id, order_id, placed_at in cursor.fetchall():
                by_id[license_id].order_dates[order_id] = placed_at


def _licenses(serial_keys: set[str], license_ids: set[int], lock: bool) -> list[LicenseState]:
    """Raw SQL for the same reason as in `existing_orders`: most of these licenses don't exist yet."""
    if not serial_keys and not license_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {', '.join(LICENSE_COLUMNS)} FROM licenses_license"  # noqa: S608 (made of constants)
            " WHERE serial_key = ANY(%s) OR id = ANY(%s::bigint[]) ORDER BY id"
            f"{' FOR NO KEY UPDATE' if lock else ''}",
            [list(serial_keys), list(license_ids)],
        )
        return [
            LicenseState(dict(zip(LICENSE_COLUMNS, row, strict=True)), license_id)
            for license_id, *row in cursor.fetchall()
        ]


def _attach_links(links: list[Mapping[str, Any]], orders: dict[int, OrderState], batch: Batch) -> None:
    by_id = {license.id: license for license in batch.licenses.values()}
    for link in links:
        license = by_id[link["license_id"]]
        line = orders[link["order_id"]].lines[link["line__store_line_id"]]
        from_store = link["origin"] == LicensedLine.Origin.STORE
        line.links[license.columns["serial_key"]] = LinkState(
            license, {name: link[name] for name in LINK_COLUMNS}, from_store, link["id"]
        )


def _load_skus(keys: set[tuple[int, str]], batch: Batch) -> None:
    if not keys:
        return
    rows = Sku.objects.filter(
        store_id__in={store_id for store_id, _code in keys}, code__in={code for _store, code in keys}
    ).values("id", *SKU_COLUMNS)
    for columns in rows:
        batch.skus[columns["store_id"], columns["code"]] = SkuState(id=columns.pop("id"), columns=columns)
