"""What an order offers to download: its page shows this, and a link is issued for this only."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from licenses import entitlement
from licenses.entitlement import Bought, Entitlement
from licenses.models.downloads import DEFAULT_WINDOW_DAYS
from orders.models import Order, OrderLine, load_items


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
    """One thing that is known: which, `kind` says, and what the columns mean stands beside the statement."""

    kind: str
    about: int
    number: int | None
    flag: bool | None
    text: str | None


# By hand and of small parts, because every order page asks it: PostgreSQL takes longer to plan joins than to answer.
#   license: of a line, its product, and whether it is revoked          sku: of a store, its product and its code
#   window: of a store, its days         product: its name, short name and releases, and whether it has guides
_KNOWN = """
WITH known AS MATERIALIZED (
    SELECT 'license' AS kind, carried.line_id AS about, license.product_id::bigint AS number,
           license.revoked_at IS NOT NULL AS flag, NULL::text AS text
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
SELECT 'product', id, NULL, EXISTS (SELECT FROM licenses_installguide WHERE product_id = product.id),
       json_build_array(name, slug, (
           SELECT json_agg(json_build_array(id, version, platform, size, sha256, extract(epoch FROM replaced_at))
                           ORDER BY released_at DESC, id DESC)
           FROM licenses_release
           WHERE product_id = product.id AND withdrawn_at IS NULL
             AND (replaced_at IS NULL OR replaced_at >= %(earliest)s)))::text
FROM licenses_product AS product
WHERE id = ANY(ARRAY(SELECT number FROM known WHERE number IS NOT NULL))
"""


def of(order: Order, now: datetime) -> list[Offer]:
    """What this order offers now, in the order of its lines; also what it offers no more, which its words tell."""
    return load([order], now)[order.pk]


def load(orders: Sequence[Order], now: datetime) -> Mapping[int, list[Offer]]:
    """The same for many orders, by their ids: one query, besides the one for their items where they are not there."""
    load_items(orders)
    known = _Known(orders)
    return {order.pk: known.offers(order, now) for order in orders}


class _Known:
    """What the database knows of these orders' products. One query."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._licenses: dict[int, list[_Row]] = {}
        self._skus: dict[tuple[int, str | None], int | None] = {}
        self._days: dict[int, int | None] = {}
        self._products: dict[int, _Row] = {}
        if not orders:
            return
        asked: dict[str, Any] = {
            "orders": [order.pk for order in orders],
            "stores": list({order.store_id for order in orders}),
            "codes": list({line.sku for order in orders for line in order.items}),
            "earliest": min(order.placed_at for order in orders),
        }
        with connection.cursor() as cursor:
            cursor.execute(_KNOWN, asked)
            for row in map(_Row._make, cursor.fetchall()):
                self._note(row)

    def _note(self, row: _Row) -> None:
        if row.kind == "license":
            self._licenses.setdefault(row.about, []).append(row)
        elif row.kind == "sku":
            self._skus[row.about, row.text] = row.number
        elif row.kind == "window":
            self._days[row.about] = row.number
        else:
            self._products[row.about] = row

    def offers(self, order: Order, now: datetime) -> list[Offer]:
        days = self._days.get(order.store_id)
        verdicts = entitlement.of(order, self._bought(order), now, DEFAULT_WINDOW_DAYS if days is None else days)
        return [self._offer(order, verdict) for verdict in verdicts]

    def _bought(self, order: Order) -> Iterator[Bought]:
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
                    yield Bought(line, product_id, all_revoked)

    def _offer(self, order: Order, verdict: Entitlement) -> Offer:
        product = self._products[verdict.product_id]
        name, slug, releases = json.loads(product.text or "")
        placed_at = order.placed_at.timestamp()
        return Offer(
            entitlement=verdict,
            product=name,
            slug=slug,
            # What was replaced before the purchase was never this buyer's.
            releases=[
                OfferedRelease._make([*said, replaced_at is None])
                for *said, replaced_at in releases or ()
                if replaced_at is None or replaced_at >= placed_at
            ],
            has_guide=bool(product.flag),
        )
