"""Lets the order search find a person's orders by the key in the page's links."""

from typing import Any

from django.db.models import QuerySet

from desk.person_keys import SEARCH_PREFIX, read_person_key
from orders.models import Order
from orders.panels import Panel, register


def search_by_person(term: str) -> QuerySet[Any, Any]:
    """Return the ids of the orders of the person whose key was searched for."""
    _before, prefix, key = term.partition(SEARCH_PREFIX)
    return Order.objects.for_email_key(read_person_key(key) or "" if prefix else "").values("pk")


register(Panel("person", lambda orders: {}, "", search=search_by_person, permissions=("orders.view_order",)))
