"""Orders as stores have them, which tests write in many formats, and the imported results."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from orders.models import Order

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Item:
    name: str
    sku: str
    quantity: int
    price: Decimal
    rate: Decimal  # of its tax

    @property
    def net(self) -> Decimal:
        return self.price * self.quantity

    @property
    def tax(self) -> Decimal:
        return (self.net * self.rate).quantize(CENT)


@dataclass(frozen=True)
class Written:
    """An order as a store has it: prices without tax, a discount of the whole order, shipping without tax."""

    items: tuple[Item, ...]
    shipping: Decimal
    status: str = "completed"
    email: str = "ann@example.com"
    city: str = "Köln"
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def net(self) -> Decimal:
        return sum((item.net for item in self.items), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((item.tax for item in self.items), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.net + self.tax + self.shipping


ITEMS = st.builds(
    Item,
    name=st.sampled_from(["Maximum Security", "Backup; 2 years", "A|B: Suite", "Café “Pro”"]),
    sku=st.sampled_from(["", "MAX-1", "00042-A"]),
    quantity=st.integers(1, 4),
    price=st.integers(100, 30_000).map(lambda cents: cents * CENT),
    rate=st.sampled_from([Decimal("0.00"), Decimal("0.07"), Decimal("0.19")]),
)
ORDERS = st.builds(
    Written,
    items=st.lists(ITEMS, min_size=1, max_size=4).map(tuple),
    shipping=st.sampled_from([Decimal("0.00"), Decimal("4.90")]),
    status=st.sampled_from(["completed", "pending", "cancelled"]),
)


def stored(order: Order) -> dict[str, Any]:
    lines = order.lines.exclude(kind="other").order_by("position")
    return {
        "total": order.total,
        "tax": order.tax,
        "status": order.status,
        "email": order.store_email,
        "city": order.billing_city,
        "items": [(line.name, line.sku, line.quantity) for line in lines],
        "lines": sum((line.total for line in order.lines.all()), Decimal(0)),
    }


def expected(order: Written) -> dict[str, Any]:
    return {
        "total": order.total,
        "tax": order.tax,
        "status": order.status,
        "email": order.email,
        "city": order.city,
        "items": [(item.name, item.sku, item.quantity) for item in order.items],
        "lines": order.total,
    }
