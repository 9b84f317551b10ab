"""Panels: what other apps show on the order page and in the confirmation email, and search in the list of orders.

Apps register theirs in a module `panels`, which is imported at startup.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet

from notifications.kinds import Highlight
from orders.models import Order, OrderLine, load_items


@dataclass(frozen=True)
class Task:
    """An action that a buyer can take on an order: a row in the list of the order page that links to `url`.

    `detail` is a fact that helps to decide, such as the remaining days. With `is_post` the row is a button. Tasks are
    sorted by `position`, lowest first.
    """

    label: Any
    url: str
    detail: Any = ""
    is_post: bool = False
    position: int = 50


@dataclass(frozen=True)
class Panel:
    """One part of the order page.

    - `load` takes orders, whose `items` are loaded, and returns the content of each by order id, in one query for all
      of them. An order that is missing from the result shows no panel. Templates get the content as `panel`, next to
      `order`.
    - `email_highlights` converts the content for the confirmation email.
    - `search` takes a search term from staff and returns the ids of matching orders (by serial number, by reference).
    - Staff see the panel, and find orders by `search`, if they have any of `permissions`.
    - `lines_given_back` returns the items that the buyer has returned, or asks to return, completely.
    - `tasks` returns actions for an order and its content.

    Panels and their tasks are sorted by `position`, lowest first. A panel whose content `leads`, such as a request in
    progress, comes first.
    """

    name: str
    load: Callable[[Sequence[Order]], Mapping[int, Any]]
    template: str
    email_highlights: Callable[[Any], list[Highlight]] | None = None
    search: Callable[[str], QuerySet[Any, Any]] | None = None
    permissions: tuple[str, ...] = ()
    lines_given_back: Callable[[], QuerySet[OrderLine]] | None = None
    tasks: Callable[[Order, Any], list[Task]] | None = None
    leads: Callable[[Any], bool] = lambda content: False
    position: int = 10

    def is_visible_to(self, staff: Any) -> bool:
        """Whether this member of staff may see what the panel shows."""
        return any(staff.has_perm(permission) for permission in self.permissions)


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    if panel.name in _panels:
        raise ValueError(f"The panel {panel.name} is registered twice.")
    _panels[panel.name] = panel


def registered() -> list[Panel]:
    return sorted(_panels.values(), key=lambda panel: panel.position)


def load_panels(orders: Sequence[Order]) -> dict[int, list[tuple[Panel, Any]]]:
    """Return the panels of these orders with their content, by order id: one query per panel, and one for the items."""
    load_items(orders)
    panels_by_order: dict[int, list[tuple[Panel, Any]]] = {order.pk: [] for order in orders}
    for panel in registered():
        for order_id, content in panel.load(orders).items():
            panels_by_order[order_id].append((panel, content))
    return panels_by_order


def leading_first(panels: Sequence[tuple[Panel, Any]]) -> list[tuple[Panel, Any]]:
    """Return the panels of one order in the sequence of its page."""
    return sorted(panels, key=lambda shown: not shown[0].leads(shown[1]))


def load_tasks(order: Order, panels: Sequence[tuple[Panel, Any]]) -> list[Task]:
    """Return the actions of an order from all its panels."""
    return [task for panel, content in panels if panel.tasks is not None for task in panel.tasks(order, content)]


def lines_given_back() -> QuerySet[OrderLine]:
    """Return the items of all orders that their buyers have returned or ask to return, according to all panels."""
    given_back = Q(quantity_returned__gte=F("quantity"))
    for panel in registered():
        if panel.lines_given_back is not None:
            given_back |= Q(pk__in=panel.lines_given_back().values("pk"))
    return OrderLine.objects.filter(given_back)
