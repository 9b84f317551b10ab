"""Tabs of the admin's pages that are links, for templates/orders/admin/_tabs.html."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LinkTab:
    """A tab: its label, its URL, whether it is shown now, and how many rows it has, if they are counted."""

    label: Any
    url: str
    is_current: bool
    count: int | None = None
