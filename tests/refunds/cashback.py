"""Factories for cashback tests: a promotion, a purchased license, a claim."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from files.validation import CleanFile
from licenses.models import License, Product
from orders.models import Order
from refunds.models import CashbackClaim, CashbackPromotion
from refunds.services import cashback
from tests.factories import make_license, make_line, make_order, make_product
from tests.files import factories


def make_promotion(*products: Product, stores: Any = (), **fields: Any) -> CashbackPromotion:
    """A promotion of 10 EUR for purchases around today in Germany."""
    today = timezone.now().date()
    defaults: dict[str, Any] = {
        "name": "Autumn cashback",
        "countries": ["DE"],
        "bought_from": today - timedelta(days=20),
        "bought_until": today + timedelta(days=20),
        "claim_until": today + timedelta(days=40),
        "currency": "EUR",
        "amount": Decimal("10.00"),
    }
    promotion = CashbackPromotion.objects.create(**defaults | fields)
    promotion.products.set(products)
    promotion.stores.set(stores)
    return promotion


def make_purchased_license(product: Product | None = None, *, order: Order | None = None, **license: Any) -> License:
    """An activated license on an order placed today."""
    order = order or make_order(placed_at=timezone.now())
    defaults = {"product": product or make_product(), "activated_at": timezone.now()}
    return make_license(make_line(order), **defaults | license)


def order_of(license: License) -> Order:
    return license.licensed_lines.get().order


def proof(name: str = "receipt.png") -> CleanFile:
    """A file that has passed the upload checks."""
    return CleanFile(factories.png(), name, "image/png")


def make_claim(license: License, **how: Any) -> CashbackClaim:
    return cashback.request_cashback([order_of(license)], license.serial, "DE", proof(), **how)
