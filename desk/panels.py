"""Lets the order search find the orders of a person, or with a product, for links of the desk's pages."""

import re
from datetime import date
from typing import Any

from django.db.models import F, QuerySet

from desk.days import midnight
from desk.person_keys import SEARCH_PREFIX, read_person_key
from licenses.models import Sku
from orders.models import Order
from orders.panels import Panel, register


def search_by_person(term: str) -> QuerySet[Any, Any]:
    """Return the ids of the orders of the person whose key was searched for."""
    _before, prefix, key = term.partition(SEARCH_PREFIX)
    return Order.objects.for_email_key(read_person_key(key) or "" if prefix else "").values("pk")


PRODUCT_SEARCH = re.compile(r"product:([0-9]{1,18}):([0-9]{4}-[0-9]{2}-[0-9]{2})")


def product_search(product_id: int, first_day: date) -> str:
    """Return the search term for the orders since a day that contain items of a product."""
    return f"product:{product_id}:{first_day.isoformat()}"


def search_by_product(term: str) -> QuerySet[Any, Any]:
    """Return the ids of the orders that `product_search` searches for."""
    skus = Sku.objects.order_by()
    found = PRODUCT_SEARCH.fullmatch(term)
    try:
        since = midnight(date.fromisoformat(found[2])) if found else None
    except (ValueError, OverflowError):  # there is no such day
        since = None
    if found is None or since is None:
        return skus.none().values("store__orders")
    product = int(found[1])
    return skus.filter(
        product=product, store__orders__placed_at__gte=since, store__orders__lines__sku=F("code")
    ).values("store__orders")


register(Panel("person", lambda orders: {}, "", search=search_by_person, permissions=("orders.view_order",)))
register(Panel("product", lambda orders: {}, "", search=search_by_product, permissions=("orders.view_order",)))
