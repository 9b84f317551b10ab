"""SKUs as shown to staff: where they were seen, and what is unknown about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from licenses.models import Sku
from orders.models import Order, OrderLine

COUNTED_LINES = 1000  # a SKU with more lines shows this number and a plus sign
# Lines of these kinds need no product.
KINDS_WITHOUT_PRODUCT = (OrderLine.Kind.EXTENDED_DOWNLOAD, OrderLine.Kind.OTHER)


class SkuMappingQuerySet(models.QuerySet["SkuMapping"]):
    def incomplete(self) -> Self:
        """Return SKUs that need a product but have none, or that have lines of unknown kind."""
        without_product = Q(product=None, product_from_staff=False) & ~Q(kind__in=KINDS_WITHOUT_PRODUCT)
        return self.filter(without_product | Q(kind="", has_untold_kinds=True))

    def being_updated(self) -> Self:
        """Return SKUs whose earlier orders are yet to be updated by a worker."""
        return self.exclude(update_requested_at=None)


@dataclass(frozen=True)
class SkuUsage:
    """The order lines with a SKU. If there are many, only the first and last imported COUNTED_LINES are counted."""

    lines: int = 0
    first_day: date | None = None  # of the purchases, in the store's time zone
    last_day: date | None = None


class SkuMapping(Sku):
    """A SKU, as a model for the admin of imports."""

    mappings = SkuMappingQuerySet.as_manager()
    usage: SkuUsage  # set by `load_usage`

    class Meta:
        proxy = True
        default_permissions = ("view", "change")
        verbose_name = _("SKU of imported orders")
        verbose_name_plural = _("SKUs of imported orders")

    @property
    def is_being_updated(self) -> bool:
        return self.update_requested_at is not None


def _lines(direction: str) -> str:
    return f"""
CROSS JOIN LATERAL (
    SELECT count(*) AS lines, min(placed_at) AS first_at, max(placed_at) AS last_at FROM (
        SELECT placed_at FROM {OrderLine._meta.db_table} AS line
        JOIN {Order._meta.db_table} ON orders_order.id = line.order_id AND orders_order.store_id = sku.store_id
        WHERE line.sku = sku.code AND line.sku <> '' ORDER BY line.order_id {direction} LIMIT {COUNTED_LINES + 1}
    ) AS lines
)"""  # noqa: S608


_USAGE = f"""
SELECT sku.id, oldest.lines, least(oldest.first_at, newest.first_at), greatest(oldest.last_at, newest.last_at)
FROM {Sku._meta.db_table} AS sku {_lines("ASC")} AS oldest {_lines("DESC")} AS newest
WHERE sku.id = ANY(%s)
"""  # noqa: S608


def load_usage(skus: Sequence[SkuMapping]) -> None:
    """Set the `usage` of these SKUs, whose stores are loaded. Makes one query."""
    with connection.cursor() as cursor:
        cursor.execute(_USAGE, [[sku.pk for sku in skus]])
        rows = {sku_id: row for sku_id, *row in cursor.fetchall()}
    for sku in skus:
        lines, first_at, last_at = rows.get(sku.pk) or (0, None, None)
        zone = sku.store.tzinfo
        sku.usage = SkuUsage(
            lines,
            first_at.astimezone(zone).date() if first_at else None,
            last_at.astimezone(zone).date() if last_at else None,
        )
