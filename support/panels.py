"""What was written to support about an order: this room's part of the order page and of its admin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from orders.models import Order
from orders.panels import Panel, register
from support.models import Thread


@dataclass
class Letters:
    """Newest first. A buyer sees those that came from the order's own address."""

    all: list[Thread] = field(default_factory=list)
    own: list[Thread] = field(default_factory=list)


def load(orders: Sequence[Order]) -> Mapping[int, Letters]:
    """The threads of these orders, by order id. One query."""
    addresses = {order.pk: order.email_key for order in orders}
    found: dict[int, Letters] = {}
    for thread in Thread.objects.filter(order__in=addresses).order_by("-created_at", "-pk"):
        assert thread.order_id is not None
        letters = found.setdefault(thread.order_id, Letters())
        letters.all.append(thread)
        if thread.email_key and thread.email_key == addresses[thread.order_id]:
            letters.own.append(thread)
    return found


def search(word: str) -> QuerySet[Any, Any]:
    """The orders of the thread with this reference."""
    return Thread.objects.filter(reference__iexact=word.strip(), order__isnull=False).values("order")


register(
    Panel(
        "letters",
        load,
        "support/_thread_panel.html",
        admin_template="support/admin/_thread_panel.html",
        search=search,
        position=90,
    )
)
