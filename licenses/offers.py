"""What an order offers to download: its page shows this, and a link is issued for this only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from licenses import entitlement
from licenses.entitlement import Bought, Entitlement
from licenses.models.downloads import DEFAULT_WINDOW_DAYS
from orders.models import Order, load_items


class OfferedRelease(NamedTuple):
    """One installer of an offer."""

    pk: int
    version: str
    platform: str
    size: int  # bytes
    sha256: str
    is_current: bool


@dataclass(frozen=True)
class Offer:
    """One product of an order, with what can be downloaded of it: newest first."""

    entitlement: Entitlement
    product: str
    slug: str
    releases: Sequence[OfferedRelease]
    has_guide: bool


class _Row(NamedTuple):
    """A product of an order, with the lines that it stands on."""

    order_id: int
    product_id: int
    product: str
    slug: str
    window_days: int | None
    lines: str  # JSON: [[line id, whether all its licences are revoked]]
    releases: str | None  # JSON
    has_guide: bool


# By hand, as in panels.py, because every order page asks it. Licences say which product a line is, and its SKU where
# they don't. What was replaced before the purchase was never this buyer's.
_PRODUCTS_OF_ORDERS = """
WITH bought AS (
    SELECT line.order_id, line.id AS line_id, coalesce(license.product_id, sku.product_id) AS product_id,
           bool_and(license.revoked_at IS NOT NULL) AS revoked
    FROM orders_orderline AS line
    JOIN orders_order AS purchase ON purchase.id = line.order_id
    LEFT JOIN licenses_sku AS sku ON sku.store_id = purchase.store_id AND sku.code = line.sku
    LEFT JOIN licenses_licensedline AS carried ON carried.line_id = line.id
    LEFT JOIN licenses_license AS license ON license.id = carried.license_id
    WHERE line.order_id = ANY(%s) AND line.kind <> 'extended_download'
    GROUP BY line.order_id, line.id, coalesce(license.product_id, sku.product_id)
), products AS (
    SELECT order_id, product_id, json_agg(json_build_array(line_id, revoked) ORDER BY line_id)::text AS lines
    FROM bought WHERE product_id IS NOT NULL GROUP BY order_id, product_id
)
SELECT products.order_id, product.id, product.name, product.slug,
       (SELECT days FROM licenses_downloadwindow WHERE store_id = purchase.store_id), products.lines,
       (SELECT json_agg(json_build_array(id, version, platform, size, sha256, replaced_at IS NULL)
                        ORDER BY released_at DESC, id DESC)::text
        FROM licenses_release WHERE product_id = product.id AND withdrawn_at IS NULL
                                AND (replaced_at IS NULL OR replaced_at >= purchase.placed_at)),
       EXISTS (SELECT FROM licenses_installguide WHERE product_id = product.id)
FROM products
JOIN orders_order AS purchase ON purchase.id = products.order_id
JOIN licenses_product AS product ON product.id = products.product_id
ORDER BY product.id
"""


def of(order: Order, now: datetime) -> list[Offer]:
    """What this order offers now, in the order of its lines; also what it offers no more, which its words tell."""
    return load([order], now)[order.pk]


def load(orders: Sequence[Order], now: datetime) -> Mapping[int, list[Offer]]:
    """The same for many orders, by their ids: one query, besides the one for their items where they are not there."""
    load_items(orders)
    rows: dict[int, dict[int, _Row]] = {order.pk: {} for order in orders}
    with connection.cursor() as cursor:
        cursor.execute(_PRODUCTS_OF_ORDERS, [list(rows)])
        for row in map(_Row._make, cursor.fetchall()):
            rows[row.order_id][row.product_id] = row
    return {order.pk: _offers(order, rows[order.pk], now) for order in orders}


def _offers(order: Order, rows: Mapping[int, _Row], now: datetime) -> list[Offer]:
    if not rows:
        return []
    days = next(iter(rows.values())).window_days
    verdicts = entitlement.of(order, _bought(order, rows), now, DEFAULT_WINDOW_DAYS if days is None else days)
    return [_offer(rows[verdict.product_id], verdict) for verdict in verdicts]


def _bought(order: Order, rows: Mapping[int, _Row]) -> list[Bought]:
    """By the places of the lines, which are the order's own."""
    found: dict[int, list[tuple[int, bool]]] = {}
    for row in rows.values():
        for line_id, revoked in json.loads(row.lines):
            found.setdefault(line_id, []).append((row.product_id, revoked))
    return [Bought(line, product_id, revoked) for line in order.items for product_id, revoked in found.get(line.pk, [])]


def _offer(row: _Row, verdict: Entitlement) -> Offer:
    releases: list[list[Any]] = json.loads(row.releases or "[]")
    return Offer(
        entitlement=verdict,
        product=row.product,
        slug=row.slug,
        releases=[OfferedRelease(*release) for release in releases],
        has_guide=row.has_guide,
    )
