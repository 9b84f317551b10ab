"""The threads about an order, as a panel of the order page and of the order's admin page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from orders.models import Order
from orders.panels import Panel, register
from support.models import Thread


@dataclass
class OrderThreads:
    """The threads about one order, newest first."""

    all_threads: list[Thread] = field(default_factory=list)
    # From the order's own address; the buyer sees only these.
    buyer_threads: list[Thread] = field(default_factory=list)


def threads_by_order_id(orders: Sequence[Order]) -> Mapping[int, OrderThreads]:
    """Return the threads about these orders by order id. One query."""
    email_keys = {order.pk: order.email_key for order in orders}
    by_order_id: dict[int, OrderThreads] = {}
    for thread in Thread.objects.filter(order__in=email_keys).order_by("-created_at", "-pk"):
        assert thread.order_id is not None
        threads = by_order_id.setdefault(thread.order_id, OrderThreads())
        threads.all_threads.append(thread)
        if thread.email_key and thread.email_key == email_keys[thread.order_id]:
            threads.buyer_threads.append(thread)
    return by_order_id


def search_by_reference(word: str) -> QuerySet[Any, Any]:
    """Return the id of the order of the thread with this reference."""
    return Thread.objects.filter(reference__iexact=word.strip(), order__isnull=False).values("order")


register(
    Panel(
        "threads",
        threads_by_order_id,
        "support/_thread_panel.html",
        search=search_by_reference,
        permissions=("support.view_thread",),
        position=90,
    )
)
