"""The downloads of an order. The order page shows them, and links are issued for these only."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from licenses import entitlement
from licenses.entitlement import Entitlement, PurchasedProduct
from licenses.models.downloads import DEFAULT_WINDOW_DAYS
from orders.models import Order, OrderLine, load_items


class OfferedRelease(NamedTuple):
    """An installer that the order offers."""

    pk: int
    version: str
    platform: str
    size: int  # bytes
    sha256: str
    is_current: bool


@dataclass(frozen=True)
class Offer:
    """A product of an order, with its installers, newest first."""

    entitlement: Entitlement
    product: str
    slug: str
    releases: Sequence[OfferedRelease]
    has_guide: bool


class _Row(NamedTuple):
    """A row of the query below. `kind` says what it describes; the comment explains the columns."""

    kind: str
    about: int
    number: int | None
    flag: bool | None
    text: str | None


# Raw SQL without joins, because every order page runs it: planning joins takes longer than the query itself.
#   license: of a line, its product, and whether it has ended           sku: of a store, its product and its code
#   window: of a store, its days         extension: of an order, the last day of its downloads
#          product: its name, short name and releases, and whether it has guides
_PRODUCT_DATA = """
WITH known AS MATERIALIZED (
    SELECT 'license' AS kind, carried.line_id AS about, license.product_id::bigint AS number,
           license.revoked_at IS NOT NULL OR carried.unit_end <> '' AS flag, NULL::text AS text
    FROM licenses_licensedline AS carried JOIN licenses_license AS license ON license.id = carried.license_id
    WHERE carried.order_id = ANY(%(orders)s)
    UNION ALL
    SELECT 'sku', store_id, product_id, NULL, code
    FROM licenses_sku WHERE store_id = ANY(%(stores)s) AND code = ANY(%(codes)s)
)
SELECT * FROM known
UNION ALL
SELECT 'window', store_id, days, NULL, NULL FROM licenses_downloadwindow WHERE store_id = ANY(%(stores)s)
UNION ALL
SELECT 'extension', order_id, NULL, NULL, last_day::text
FROM licenses_downloadextension WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT 'product', id, NULL, EXISTS (SELECT FROM licenses_installguide WHERE product_id = product.id),
       json_build_array(name, slug, (
           SELECT json_agg(json_build_array(id, version, platform, size, sha256, extract(epoch FROM replaced_at))
                           ORDER BY released_at DESC, id DESC)
           FROM licenses_release
           WHERE product_id = product.id AND released_at IS NOT NULL AND withdrawn_at IS NULL
             AND (replaced_at IS NULL OR replaced_at >= %(earliest)s)))::text
FROM licenses_product AS product
WHERE id = ANY(ARRAY(SELECT number FROM known WHERE number IS NOT NULL))
"""


def order_offers(order: Order, now: datetime) -> list[Offer]:
    """The products of an order, in the sequence of its lines, including those that can no longer be downloaded."""
    return load_offers([order], now)[order.pk]


def load_offers(orders: Sequence[Order], now: datetime) -> Mapping[int, list[Offer]]:
    """The offers of many orders, by order id: one query, and another if their items are not loaded yet."""
    load_items(orders)
    data = _ProductData(orders)
    return {order.pk: data.offers(order, now) for order in orders}


class _ProductData:
    """The products, licenses and releases of these orders. One query."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._licenses: dict[int, list[_Row]] = {}
        self._skus: dict[tuple[int, str | None], int | None] = {}
        self._days: dict[int, int | None] = {}
        self._extensions: dict[int, date] = {}
        self._products: dict[int, _Row] = {}
        if not orders:
            return
        parameters: dict[str, Any] = {
            "orders": [order.pk for order in orders],
            "stores": list({order.store_id for order in orders}),
            "codes": list({line.sku for order in orders for line in order.items}),
            "earliest": min(order.placed_at for order in orders),
        }
        with connection.cursor() as cursor:
            cursor.execute(_PRODUCT_DATA, parameters)
            for row in map(_Row._make, cursor.fetchall()):
                self._add(row)

    def _add(self, row: _Row) -> None:
        if row.kind == "license":
            self._licenses.setdefault(row.about, []).append(row)
        elif row.kind == "sku":
            self._skus[row.about, row.text] = row.number
        elif row.kind == "window":
            self._days[row.about] = row.number
        elif row.kind == "extension":
            self._extensions[row.about] = date.fromisoformat(row.text or "")
        else:
            self._products[row.about] = row

    def offers(self, order: Order, now: datetime) -> list[Offer]:
        days = self._days.get(order.store_id)
        entitlements = entitlement.product_entitlements(
            order,
            self._bought(order),
            now,
            DEFAULT_WINDOW_DAYS if days is None else days,
            self._extensions.get(order.pk),
        )
        return [self._offer(order, verdict) for verdict in entitlements]

    def _bought(self, order: Order) -> Iterator[PurchasedProduct]:
        for line in order.items:
            if line.kind == OrderLine.Kind.EXTENDED_DOWNLOAD:
                continue
            by_sku = self._skus.get((order.store_id, line.sku))
            revoked: dict[int | None, bool] = {}
            for row in self._licenses.get(line.pk, ()):
                product_id = by_sku if row.number is None else row.number
                revoked[product_id] = revoked.get(product_id, True) and bool(row.flag)
            for product_id, all_revoked in (revoked or {by_sku: False}).items():
                if product_id is not None:
                    yield PurchasedProduct(line, product_id, all_revoked)

    def _offer(self, order: Order, verdict: Entitlement) -> Offer:
        product = self._products[verdict.product_id]
        name, slug, releases = json.loads(product.text or "")
        placed_at = order.placed_at.timestamp()
        return Offer(
            entitlement=verdict,
            product=name,
            slug=slug,
            # Releases that were replaced before the purchase are not offered.
            releases=[
                OfferedRelease._make([*columns, replaced_at is None])
                for *columns, replaced_at in releases or ()
                if replaced_at is None or replaced_at >= placed_at
            ],
            has_guide=bool(product.flag),
        )
