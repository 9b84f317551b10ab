"""What rooms above show on the order page, in its confirmation mail and in its admin.

A room registers its panels in `AppConfig.ready()`; this room knows none of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from orders.models import Order, load_items


@dataclass(frozen=True)
class Panel:
    """One part of the order page.

    `load` takes orders and returns what each shows, by order id, with one query for all of them. Their
    `items` are there already. See `AskedOften` for a query that costs little.
    Templates find it as `panel`, beside `order`. An order without an entry shows no panel, and a
    template that is empty is not shown. `place` says which stands above which: the lower number.
    `search` gives the ids of the orders that a word of staff finds (a serial number, a reference).
    """

    name: str
    load: Callable[[Sequence[Order]], Mapping[int, Any]]
    template: str
    mail_text: str = ""
    mail_html: str = ""
    admin_template: str = ""
    search: Callable[[str], QuerySet[Any, Any]] | None = None
    place: int = 10


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    if panel.name in _panels:
        raise ValueError(f"The panel {panel.name} is registered twice.")
    _panels[panel.name] = panel


def registered() -> list[Panel]:
    return sorted(_panels.values(), key=lambda panel: panel.place)


def load(orders: Sequence[Order]) -> dict[int, list[tuple[Panel, Any]]]:
    """Every panel's content for these orders, by order id: one query a panel, and one for their items."""
    load_items(orders)
    shown: dict[int, list[tuple[Panel, Any]]] = {order.pk: [] for order in orders}
    for panel in registered():
        for order_id, content in panel.load(orders).items():
            shown[order_id].append((panel, content))
    return shown
