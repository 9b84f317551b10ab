"""Assign SKUs to products and kinds. Their earlier orders are updated by a worker (intake/services/sku_mappings.py)."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from licenses.models import Product, Sku


class Unchanged:
    """Leave a field as it is."""


UNCHANGED = Unchanged()


@transaction.atomic
def map_skus(
    sku_ids: Collection[int],
    *,
    product: Product | Unchanged | None = UNCHANGED,
    kind: str | Unchanged = UNCHANGED,
) -> list[int]:
    """Set the product, the kind, or both of these SKUs. Returns the ids of those that changed.

    An empty kind means that only the kind reported by the store counts. New orders get both immediately; an update of
    earlier ones is requested.
    """
    # Locked in the same order as in imports.
    skus = list(Sku.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=sku_ids).order_by("pk"))
    values: dict[str, Any] = {}
    if not isinstance(product, Unchanged):
        values["product_id"] = product.pk if product else None
    if not isinstance(kind, Unchanged):
        values["kind"] = kind
    if "product_id" in values:
        # Includes SKUs that already have this product: from now on, undoing an import doesn't remove it.
        Sku.objects.filter(pk__in=[sku.pk for sku in skus]).update(product_from_staff=True)
    changed = [sku.pk for sku in skus if any(getattr(sku, name) != value for name, value in values.items())]
    Sku.objects.filter(pk__in=changed).update(**values)
    request_update(changed)
    return changed


def request_update(sku_ids: Collection[int]) -> None:
    """Let a worker update the earlier orders with these SKUs, from the first one."""
    Sku.objects.filter(pk__in=sku_ids).update(update_requested_at=timezone.now(), updated_to=0)
