"""A store outside the portal: it makes refunds itself, and exports an order in its own format, correctly.

Amounts are whole numbers of the currency's smallest unit.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from orders.money import decimals
from tests.intake.exports import Importer, portal_order, shopify_more, shopify_row

NUMBER = "812"
EMAIL = "buyer@example.com"
SLUG = "shop"


class Dialect(StrEnum):
    PORTAL = "portal"  # each refund with its id, date and units
    PORTAL_WITH_VERSIONS = "portal with updated_at"
    SHOPIFY = "shopify"  # only the sum of all refunds, without a date
    WOOCOMMERCE = "woocommerce"  # ids and amounts; date and units with a refund's own export


@dataclass(frozen=True)
class Item:
    id: str
    quantity: int
    unit_price: int


@dataclass(frozen=True)
class StoreRefund:
    id: str
    amount: int
    made_at: datetime
    units: tuple[tuple[str, int], ...] = ()  # item id, quantity


@dataclass(frozen=True)
class Snapshot:
    """The store's data about the order at one moment, to be exported now or later."""

    status: str  # pending, completed, cancelled, charged_back or refunded
    refunds: tuple[StoreRefund, ...]
    taken_at: datetime
    lists_refunds: bool = True


@dataclass
class SimulatedStore:
    dialect: Dialect
    currency: str
    items: Sequence[Item]
    placed_at: datetime
    folder: Path

    @property
    def total(self) -> int:
        return sum(item.quantity * item.unit_price for item in self.items)

    def money(self, amount: int) -> str:
        places = decimals(self.currency)
        return f"{Decimal(amount).scaleb(-places):.{places}f}"

    def export(self, snapshot: Snapshot) -> None:
        """Import the order as of the snapshot, with the real importer."""
        importer = Importer(self.folder)
        if self.dialect == Dialect.SHOPIFY:
            result = importer.shopify(*self._shopify_rows(snapshot), store=SLUG)
        elif self.dialect == Dialect.WOOCOMMERCE:
            result = importer(json.dumps(self._woocommerce_order(snapshot)), name="orders.json", store=SLUG)
        else:
            result = importer.orders(self._portal_order(snapshot))
        assert result.exit_status == 0, result.said

    def export_refund(self, refund: StoreRefund) -> None:
        """Import one WooCommerce refund that was exported separately."""
        document = {
            "id": refund.id,
            "parent_id": int(NUMBER),
            "amount": self.money(refund.amount),
            "date_created_gmt": f"{refund.made_at:%Y-%m-%dT%H:%M:%S}",
            "refunded_by": 1,
            "line_items": [
                {"id": 1, "quantity": -quantity, "meta_data": [{"key": "_refunded_item_id", "value": item}]}
                for item, quantity in refund.units
            ],
        }
        result = Importer(self.folder)(json.dumps(document), name="refund.json", store=SLUG)
        assert result.exit_status == 0, result.said

    def _status(self, snapshot: Snapshot) -> str:
        refunded = sum(refund.amount for refund in snapshot.refunds)
        if snapshot.status != "completed" or not refunded:
            return snapshot.status
        return "refunded" if refunded >= self.total else "partially_refunded"

    def _portal_order(self, snapshot: Snapshot) -> dict[str, Any]:
        order = portal_order(
            store=SLUG,
            number=NUMBER,
            email=EMAIL,
            language="en",
            placed_at=self.placed_at.isoformat(),
            currency=self.currency,
            status=self._status(snapshot),
            lines=[
                {
                    "id": item.id,
                    "name": f"Item {item.id}",
                    "sku": f"SKU-{item.id}",
                    "quantity": item.quantity,
                    "unit_price": self.money(item.unit_price),
                    "total": self.money(item.unit_price * item.quantity),
                }
                for item in self.items
            ],
            totals={"total": self.money(self.total)},
        )
        if snapshot.lists_refunds:
            order["refunds"] = [
                {
                    "id": refund.id,
                    "amount": self.money(refund.amount),
                    "at": refund.made_at.isoformat(),
                    "lines": [{"id": item, "quantity": quantity} for item, quantity in refund.units],
                }
                for refund in snapshot.refunds
            ]
        if self.dialect == Dialect.PORTAL_WITH_VERSIONS:
            order["updated_at"] = snapshot.taken_at.isoformat()
        return order

    def _shopify_rows(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        status = self._status(snapshot)
        words = {"completed": "paid", "cancelled": "voided"}
        refunded = sum(refund.amount for refund in snapshot.refunds) if snapshot.lists_refunds else 0
        rows = []
        for position, item in enumerate(self.items):
            columns = {
                "Lineitem_quantity": str(item.quantity),
                "Lineitem_name": f"Item {item.id}",
                "Lineitem_price": self.money(item.unit_price),
                "Lineitem_sku": f"SKU-{item.id}",
            }
            if position:
                rows.append(shopify_more(NUMBER, **columns))
                continue
            rows.append(
                shopify_row(
                    Name=NUMBER,
                    Email=EMAIL,
                    Financial_Status=words.get(status, status),
                    Paid_at=f"{self.placed_at:%Y-%m-%d %H:%M:%S} +0000",
                    Created_at=f"{self.placed_at:%Y-%m-%d %H:%M:%S} +0000",
                    Currency=self.currency,
                    Subtotal=self.money(self.total),
                    Shipping=self.money(0),
                    Taxes=self.money(0),
                    Discount_Amount=self.money(0),
                    Total=self.money(self.total),
                    Refunded_Amount=self.money(refunded),
                    **columns,
                )
            )
        return rows

    def _woocommerce_order(self, snapshot: Snapshot) -> dict[str, Any]:
        status = self._status(snapshot)
        refunds = snapshot.refunds if snapshot.lists_refunds else ()
        return {
            "id": int(NUMBER),
            "number": NUMBER,
            "order_key": "wc_order_x",
            "status": "completed" if status == "partially_refunded" else status,
            "currency": self.currency,
            "date_created_gmt": f"{self.placed_at:%Y-%m-%dT%H:%M:%S}",
            "date_modified_gmt": f"{snapshot.taken_at:%Y-%m-%dT%H:%M:%S}",
            "discount_total": "0",
            "total": self.money(self.total),
            "total_tax": "0",
            "billing": {"first_name": "Bea", "last_name": "Buyer", "country": "DE", "email": EMAIL},
            "payment_method": "stripe",
            "line_items": [
                {
                    "id": int(item.id),
                    "name": f"Item {item.id}",
                    "quantity": item.quantity,
                    "subtotal": self.money(item.unit_price * item.quantity),
                    "total": self.money(item.unit_price * item.quantity),
                    "total_tax": "0",
                    "sku": f"SKU-{item.id}",
                }
                for item in self.items
            ],
            "refunds": [{"id": refund.id, "total": f"-{self.money(refund.amount)}"} for refund in refunds],
        }
