"""Helpers for tests of SKUs that staff assign to products and kinds."""

from typing import Any

from intake.tasks import update_orders_of_skus
from licenses.models import Sku
from licenses.services.skus import map_skus
from orders.models import OrderLine
from tests.intake.exports import portal_order


def unknown_order(number: str = "A-1001", sku: str = "S-1", **changes: Any) -> dict[str, Any]:
    """Create an order with one item, for which the store reports neither kind nor product."""
    line = {"id": "1", "name": "Suite", "sku": sku, "total": "20.00"} | changes.pop("line", {})
    totals = {"subtotal": "20.00", "total": "20.00"}
    return portal_order(number=number, lines=[line], totals=totals, **changes)


def map_sku(code: str = "S-1", *, updated: bool = True, **changes: Any) -> Sku:
    """Set the product or kind as staff do, and let the worker update earlier orders."""
    map_skus(list(Sku.objects.filter(code=code).values_list("pk", flat=True)), **changes)
    if updated:
        update_orders_of_skus()
    return Sku.objects.get(code=code)


def kinds(sku: str = "S-1") -> list[str]:
    """Return the kinds of all lines with a SKU, sorted by id."""
    return list(OrderLine.objects.filter(sku=sku).order_by("pk").values_list("kind", flat=True))
